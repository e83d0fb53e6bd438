import { numbersIn } from "./numbers-in.ts";

const number = numbersIn("en");
/** "1 change", "12,345 changes". */
export const plural = (count: number, one: string, many: string): string =>
  `${number(count)} ${count === 1 ? one : many}`;

/** English: everything a person reads. A failure says what happened, that nothing is lost, and what to do next. */
export const en = {
  locale: "en",
  app: {
    name: "Holdfast",
    announcements: "Announcements",
    library: "Library",
    openLibrary: "Open library",
    closeLibrary: "Close library",
    close: "Close",
    partMissing: "Holdfast was updated meanwhile. Reload to open this; everything you wrote is kept.",
    partOffline: "This part of Holdfast isn't on this device yet. It opens when you're back online.",
    reload: "Reload",
    cannotCopy: "The browser doesn't let Holdfast copy here. Select the text and copy it yourself.",
  },
  updates: {
    ready: "A new version is ready",
    update: "Update",
  },
  cannotOpen: {
    title: "Holdfast can't open on this device",
    blocked: "Another tab with an older version of Holdfast is still open. Close it, then try again.",
    unavailable:
      "This browser doesn't let Holdfast store anything, for example in a private window. Allow storage for this site, then try again.",
    offline:
      "This is the first visit on this device, and the server can't be reached. Check the connection, then try again.",
    failed: "Something went wrong while opening. What is stored on this device was not changed.",
    again: "Try again",
  },
  session: {
    ended: {
      text: "The server has signed you out. Everything on this device is kept, but nothing syncs.",
      action: "Start as a new guest",
    },
    otherAccount: {
      text: "This browser is now signed in to another account. What you see here stays on this device.",
      action: "Open that account",
    },
  },
  library: {
    newChat: "New chat",
    search: "Search",
    pinned: "Pinned",
    today: "Today",
    yesterday: "Yesterday",
    week: "Last 7 days",
    older: "Older",
    archived: "Archived",
    showArchived: (count: number) => `Archived (${number(count)})`,
    backToChats: "Back to chats",
    empty: "Your chats will be listed here.",
    noArchived: "No archived chats.",
    noMatch: (query: string) => `No chat title matches “${query}”.`,
    clearSearch: "Clear search",
    loading: "Reading your chats…",
    more: (title: string) => `More actions for ${title}`,
    rename: "Rename",
    title: "Title",
    pin: "Pin",
    unpin: "Unpin",
    archive: "Archive",
    unarchive: "Move back to chats",
    delete: "Delete",
    deleted: (title: string) => `Deleted “${title}”`,
    archivedToast: (title: string) => `Archived “${title}”`,
    undo: "Undo",
    untitled: "Untitled chat",
    draft: "Draft",
    trash: "Trash",
    changedInTrash: (count: number) => `${number(count)} changed`,
    cannotEdit: "That chat can't be changed on this device right now. Nothing was changed.",
  },
  sync: {
    label: "Sync status",
    saved: "Saved",
    saving: "Saving…",
    offline: (changes: number) => `Offline – ${plural(changes, "change", "changes")} on this device`,
    refused: (chats: number) => `Can't save ${plural(chats, "chat", "chats")} to the server`,
    cannotSave: "Can't save on this device",
    keepOpen: "Keep this window open.",
    notice: "Something happened to what is stored here",
  },
  account: {
    button: "Account",
    guest: "Guest on this device",
    guestAbout: "Your chats belong to this browser. Clearing its data ends access to them.",
    account: "Signed in",
    theme: { system: "Theme: like the system", light: "Theme: light", dark: "Theme: dark" },
    storage: "Storage…",
    shortcuts: "Keyboard shortcuts",
  },
  chat: {
    newTitle: "New chat",
    rename: "Rename",
    model: "Model",
    settings: "Chat settings",
    messages: "Messages",
    you: "You",
    copy: "Copy",
    copied: "Copied",
    edit: "Edit",
    save: "Send",
    cancel: "Cancel",
    regenerate: "Regenerate",
    previous: "Previous version",
    next: "Next version",
    version: (index: number, count: number) => `${number(index)} / ${number(count)}`,
    showing: (index: number, count: number) => `Showing version ${number(index)} of ${number(count)}`,
    details: "Details",
    jump: "Jump to latest",
    editLabel: "Edit message",
    thinking: "Thinking",
    writing: "is writing",
    queued: "Queued",
    queuedBehind: "Goes out when the answer above is finished.",
    queuedOffline: "Goes out when you're back online.",
    sending: "Sending…",
    modelGone: (name: string) => `${name} (not available)`,
    notAnswered: "Not answered yet",
    continue: "Continue",
    tryAgain: "Try again",
    stopped: "You stopped this answer.",
    stopping: "Stopping…",
    lengthLimit: "The answer reached its length limit.",
    interrupted: "The answer was interrupted.",
    textKept: "What was written so far is kept.",
    waitingRetry: (seconds: number, attempt: number, of: number) =>
      `The provider is busy. Trying again in ${plural(seconds, "second", "seconds")} (attempt ${number(attempt)} of ${number(of)}).`,
    waitingStall: "The provider has gone quiet. Still waiting…",
    paused: "Paused. The answer goes on in the background.",
    retryIn: (seconds: number) =>
      seconds > 90
        ? `You can try again in ${plural(Math.ceil(seconds / 60), "minute", "minutes")}.`
        : `You can try again in ${plural(seconds, "second", "seconds")}.`,
    generating: "Generating",
    stillGenerating: "Still generating",
    complete: (words: number) => `Answer complete, ${plural(words, "word", "words")}`,
    loading: "Opening this chat…",
    notHere: "This chat isn't on this device yet",
    notHereNext: "It will appear as soon as you're back online.",
    goneTitle: "This chat isn't here",
    gone: "It may have been deleted, or it belongs to someone else. Your other chats are in the library.",
    deletedTitle: "This chat was deleted",
    deleted: "Nothing is lost yet: you can bring it back.",
    restore: "Restore",
    readOnly: "This chat was written by a newer version of Holdfast. Update the app to write here.",
    pageMissingTitle: "There is nothing at this address",
    pageMissing: "Check the link, or start a new chat.",
  },
  composer: {
    message: "Message",
    placeholder: "Write a message",
    send: "Send",
    stop: "Stop",
    pause: "Pause",
    resume: "Resume",
    offline: "You're offline. Messages will be sent when you're back.",
    noModel: "The list of models hasn't arrived yet. What you write is kept.",
    waitsForModel: "Your message goes out as soon as the list of models is here, if you stay in this chat.",
    queuedHint: "The answer is being written. Your message will go out after it.",
  },
  welcome: {
    title: "What's on your mind?",
    about:
      "Holdfast is a chat for language models that never loses a word: it works offline and keeps every draft and answer.",
    guide: "No model is connected yet, so the built-in guide answers, from Holdfast's own help pages.",
    connect: "To connect a model, start the server with an OPENAI_API_KEY, or run Ollama or LM Studio beside it.",
    promptsLabel: "Examples",
    prompts: [
      "Explain how tides work, as if I had never seen the sea",
      "Help me write a kind reply that says no",
      "Plan a week of simple dinners for two",
    ],
    guidePrompts: ["What can Holdfast do?", "How do I connect a model?", "What happens to my chats when I go offline?"],
  },
  markdown: {
    copyCode: "Copy code",
    copied: "Copied",
    wrap: "Wrap lines",
    code: "Code",
    codeIn: (language: string) => `Code, ${language}`,
    openImage: (host: string) => `Open the image from ${host} in a new tab`,
    done: "Done",
    notDone: "Not done",
    table: "Table",
  },
  failures: {
    rate_limited: {
      what: "The provider takes no more requests from this server for a moment.",
      next: "Your message is kept. Try again shortly.",
    },
    quota_exceeded: {
      what: "The account at the provider has no credit left.",
      next: "Your message is kept. Whoever runs this server can add credit, or choose another model.",
    },
    provider_unavailable: {
      what: "The provider has a problem and can't answer right now.",
      next: "Your message is kept. Try again in a minute, or choose another model.",
    },
    provider_unreachable: {
      what: "The provider can't be reached from this server.",
      next: "Your message is kept. Try again, or choose another model.",
    },
    provider_timeout: {
      what: "The provider took too long to begin.",
      next: "Your message is kept. Try again, or choose another model.",
    },
    provider_cut: {
      what: "The connection to the provider broke in the middle.",
      next: "What was written so far is kept. Continue from there, or try again.",
    },
    stalled: {
      what: "The provider stopped sending in the middle.",
      next: "What was written so far is kept. Continue from there, or try again.",
    },
    filtered: {
      what: "The provider's content filter ended this answer.",
      next: "Your message is kept. Wording it differently may help.",
    },
    context_too_long: {
      what: "This chat is longer than the model can read.",
      next: "Nothing is lost. Choose a model that reads more, or go on in a new chat.",
    },
    key_rejected: {
      what: "The provider refused the key this server uses.",
      next: "Your message is kept. Whoever runs this server needs to check the key.",
    },
    model_unknown: {
      what: "The provider doesn't know this model any more.",
      next: "Your message is kept. Choose another model, then try again.",
    },
    bad_request: {
      what: "The provider didn't accept the request.",
      next: "Your message is kept. Check the chat settings, then try again.",
    },
    bad_response: {
      what: "The provider sent something that can't be read.",
      next: "What could be read is kept. Try again, or choose another model.",
    },
    output_too_long: {
      what: "The answer grew longer than this server keeps.",
      next: "What was written so far is kept. Ask for the rest in a new message.",
    },
    overloaded: {
      what: "This server has too many answers in the making.",
      next: "Your message is kept. Try again in a moment.",
    },
    server_restarted: {
      what: "The server stopped unexpectedly while the answer was being written.",
      next: "What was written so far is kept. Continue from there, or try again.",
    },
    deploy: {
      what: "The server was updated while the answer was being written.",
      next: "What was written so far is kept. Continue from there, or try again.",
    },
    log_unavailable: {
      what: "The server couldn't store the answer, so it stopped writing.",
      next: "What was stored is kept. Try again in a moment.",
    },
    internal: {
      what: "Something went wrong on this server.",
      next: "Your message is kept. Try again; if it happens again, tell whoever runs this server.",
    },
  },
  refused: {
    what: "The server didn't take this message.",
    next: "It is kept here. You can try again, or edit it.",
  },
};

/** English: what the system shows of the installed app, from its manifest. The page itself shows none of it. */
export const enInstalled = {
  about: "A chat for language models that never loses a word. It works offline.",
  screenshots: {
    wide: "A finished answer with a list, a table and code, beside the library",
    narrow: "The same answer on a phone",
  },
};
