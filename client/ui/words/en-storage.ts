import { plural } from "./en.ts";

/** English, as en.ts: what is said of storing on this device. Read when there is something to say, so loaded then. */
export const enStorage = {
  /** why this device cannot store, and what to do */
  cannotSave: {
    full: {
      what: "There is no room left for Holdfast on this device.",
      next: "Free some space, then try again.",
    },
    blocked: {
      what: "Another tab with an older version of Holdfast holds what is stored on this device.",
      next: "Close or reload that tab. This one then goes on by itself.",
    },
    superseded: {
      what: "Another tab has taken over what is stored on this device, with a newer version of Holdfast.",
      next: "Reload to go on with the new version.",
    },
    newer: {
      what: "What is stored on this device was written by a newer version of Holdfast than this one. It is left as it is.",
      next: "Reload to get the newer version. Until then you see what the server has.",
    },
    silent: {
      what: "The browser doesn't answer when Holdfast uses its storage.",
      next: "This goes on by itself as soon as it does. Restarting the browser may help.",
    },
    unavailable: {
      what: "This browser keeps nothing for Holdfast, as in a private window.",
      next: "Allow storage for this site, or keep this tab open while you work.",
    },
    "shared-device": {
      what: "Nothing is kept on this shared device, and the server doesn't have all you wrote yet.",
      next: "Keep this window open until it says “Saved”, or export your chats.",
    },
  },
  shared: "Shared device: nothing you write is kept on it. Sign out when you go.",
  sharedWaiting: (changes: number): string =>
    `${plural(changes, "change", "changes")} made here before ${changes === 1 ? "is" : "are"} not on the server yet, and ${changes === 1 ? "stays" : "stay"} until then.`,
  onlyHere: (chats: number, online: boolean): string =>
    `${plural(chats, "chat has changes that are", "chats have changes that are")} only in this window. ${
      online ? "They are on their way to the server." : "Keep it open until you're back online, or export them."
    }`,
  unsent: (chats: number): string =>
    `Changes in ${plural(chats, "chat", "chats")} are not on the server yet, but on this device.`,
  nothingUnsent: "The server has everything you wrote in this window.",
  refusedAdvice:
    "What you wrote is kept on this device. Open such a chat to copy it or to try again, or such a snapshot to read why.",
  unreadable: (chats: number) =>
    `This device can't read back all you wrote in ${plural(chats, "chat", "chats")}, and the server never had it. What is left is kept aside on this device.`,
  tryAgain: "Try again",
  reload: "Reload",
  stillNot: "That didn't work yet.",
  evicted: (chats: number): string =>
    `This browser deleted what was stored here. ${plural(chats, "chat", "chats")} had changes that were not sent yet. What the server has comes back by itself.`,
  corrupt: (records: number): string =>
    `${plural(records, "record", "records")} on this device could not be read. Nothing is lost: what the server has takes their place.`,
  dismiss: "Dismiss",
  exportSetAside: "Export what is left…",
  export: {
    button: "Export…",
    everything: "Export everything…",
    running: "Exporting…",
    done: (chats: number, missing: number): string =>
      missing === 0
        ? `Exported ${plural(chats, "chat", "chats")}.`
        : `Exported ${plural(chats, "chat", "chats")}. ${plural(missing, "chat is", "chats are")} not on this device.`,
    doneSetAside: "Exported.",
    failed: "The export didn't work. Nothing was changed; try again.",
    markdown: {
      you: "You",
      answer: "Answer",
      untitled: "Untitled chat",
      systemPrompt: "System prompt",
      draft: "Draft",
    },
  },
  dialog: {
    title: "Storage on this device",
    about: "What this browser keeps of your chats, so that they open without a network.",
    shared: "This is a shared device: nothing of your chats is kept in this browser. They are on the server.",
    reading: "Reading…",
    failed: "This can't be shown right now. Try again when you're online.",
    unknown: "Can't be told right now",
    used: "Used by Holdfast",
    usedHint: "The app itself is part of it.",
    kept: "Kept by the browser",
    keptYes: "Promised",
    keptYesHint: "The browser won't delete it to make room.",
    keptNo: "Not promised",
    keptNoHint: "The browser may delete it when the device runs out of space. The server keeps its copy.",
    keptUnknown: "This browser doesn't say",
    ask: "Ask it to keep them",
    askedInVain: "It didn't promise. Browsers often do once an app is installed, or used more.",
    chats: "Chats here",
    chatsOf: (here: string, all: string): string => `${here} of ${all}`,
    chatsHint: "The others are opened from the server.",
    waiting: "Changes to send",
    waitingNone: "None",
    waitingNoneHint: "The server has everything.",
    waitingSome: (changes: number, chats: number): string =>
      `${plural(changes, "change", "changes")} in ${plural(chats, "chat", "chats")}`,
    setAside: "Set aside",
    setAsideNone: "Nothing",
    setAsideSome: (records: number): string => plural(records, "record", "records"),
    setAsideHint: "Could not be read, or was replaced by the server's copy.",
    exportSetAside: "Export…",
    remove: "Remove…",
    removeSure: "Remove for good?",
    removeYes: "Remove",
    removeNo: "Keep",
  },
};
