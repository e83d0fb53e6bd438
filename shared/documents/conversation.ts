import * as Y from "yjs";
import { ROOT, createMessageTree, pathTo, shownBranch } from "#shared/domain/branch.ts";
import type { MessageTree } from "#shared/domain/branch.ts";
import type { FrozenOrigin } from "#shared/domain/frozen-content.ts";
import type { MessageId } from "#shared/domain/ids.ts";
import type { Message, PlannedRun } from "#shared/domain/message.ts";
import { clampParameters } from "#shared/domain/parameters.ts";
import type { RunParameters } from "#shared/domain/parameters.ts";
import { TITLE_LENGTH, excerptOf } from "#shared/domain/summary.ts";
import type { ConversationSummary } from "#shared/domain/summary.ts";
import { plainRecord, readMessage } from "./message-map.ts";
import { appendReasoning, putMessage } from "./write-message.ts";

/** The version of the shape below. Readers of an older version open a newer document read-only. */
export const CONVERSATION_SCHEMA = 1;

/** The names of the root types. A write to any other root is refused by the server. */
export const CONVERSATION_ROOTS = ["meta", "settings", "messages", "draft"] as const;

export interface ConversationSettings {
  /** "" until one was chosen */
  model: string;
  systemPrompt: string;
  parameters: RunParameters;
}

/** Which parts of a conversation a change touched. */
export interface ConversationChange {
  meta: boolean;
  settings: boolean;
  draft: boolean;
  /** ids of the messages that came, changed or went */
  messages: ReadonlySet<string>;
}

export type ConversationDocument = ReturnType<typeof openConversation>;

const TAG_PREFIX = "tag:";
const BRANCH_PREFIX = "branch:";

/**
 * Reads and edits a conversation in a Y.Doc. Every edit is one transaction with the given origin. Parsed
 * messages are cached and re-read one by one as they change, so that a keystroke in the draft or a
 * checkpoint of one answer costs nothing for the others. `close` stops watching; the Y.Doc stays.
 */
export function openConversation(doc: Y.Doc, origin: unknown) {
  const meta = doc.getMap<unknown>("meta");
  const settings = doc.getMap<unknown>("settings");
  const messageMaps = doc.getMap<unknown>("messages");
  const draft = doc.getText("draft");
  const roots = new Map<unknown, "meta" | "settings" | "messages" | "draft">([
    [meta, "meta"],
    [settings, "settings"],
    [messageMaps, "messages"],
    [draft, "draft"],
  ]);

  const messages = new Map<string, Message>();
  for (const [id, value] of messageMaps) cache(id, value);
  let branch: readonly Message[] | undefined;
  let tree: MessageTree<Message> | undefined;
  const listeners = new Set<(change: ConversationChange) => void>();

  function cache(id: string, value: unknown): void {
    const message = readMessage(id, value);
    if (message) messages.set(id, message);
    else messages.delete(id);
  }

  // Yjs calls deep observers, then `afterTransaction`, within one transaction: the ids wait here in between.
  let touched = new Set<string>();
  const onMessages = (events: Y.YEvent<Y.AbstractType<unknown>>[]): void => {
    for (const event of events) for (const id of messageIdsOf(event)) touched.add(id);
  };

  function onTransaction(transaction: Y.Transaction): void {
    const change = changeOf(transaction);
    if (change === undefined) return;
    for (const id of change.messages) cache(id, messageMaps.get(id));
    if (change.messages.size > 0) tree = undefined;
    if (change.messages.size > 0 || change.meta) branch = undefined;
    for (const listener of listeners) listener(change);
  }

  function changeOf(transaction: Y.Transaction): ConversationChange | undefined {
    const changed = [...transaction.changedParentTypes.keys()].map((type) => roots.get(type));
    const ids = touched;
    touched = new Set();
    if (changed.every((root) => root === undefined)) return undefined;
    return {
      meta: changed.includes("meta"),
      settings: changed.includes("settings"),
      draft: changed.includes("draft"),
      messages: ids,
    };
  }
  messageMaps.observeDeep(onMessages);
  doc.on("afterTransaction", onTransaction);

  const write = (edit: () => void): void => {
    doc.transact(() => {
      if (!meta.has("schema")) meta.set("schema", CONVERSATION_SCHEMA);
      edit();
    }, origin);
  };
  const setIfChanged = (map: Y.Map<unknown>, key: string, value: unknown): void => {
    if (map.get(key) === value) return;
    write(() => (value === undefined ? map.delete(key) : map.set(key, value)));
  };
  const treeNow = (): MessageTree<Message> => (tree ??= createMessageTree(messages.values()));

  function moveBelow(id: MessageId, parentId: MessageId | undefined): void {
    const map = messageMaps.get(id);
    if (!(map instanceof Y.Map)) return;
    if (parentId === undefined) map.delete("parentId");
    else map.set("parentId", parentId);
  }

  const addMessage = (id: MessageId, fields: Record<string, unknown>, text: string): void =>
    putMessage(messageMaps, id, fields, text);

  return {
    doc,
    /** The unsent text. Bound to the composer; typed into directly by every device. */
    draft,
    close(): void {
      messageMaps.unobserveDeep(onMessages);
      doc.off("afterTransaction", onTransaction);
      listeners.clear();
    },
    /** Calls the listener after each transaction that changed something; answers how to stop. */
    subscribe(listener: (change: ConversationChange) => void): () => void {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },

    /** 0 for a document nothing was written to yet. */
    schemaVersion: (): number => (typeof meta.get("schema") === "number" ? (meta.get("schema") as number) : 0),
    message: (id: string): Message | undefined => messages.get(id),
    messages: (): IterableIterator<Message> => messages.values(),
    /** The path now shown, root first. The same array until something changes it. */
    branch: (): readonly Message[] =>
      (branch ??= shownBranch(treeNow().children, (parent) => {
        const choice = meta.get(BRANCH_PREFIX + parent);
        return typeof choice === "string" ? choice : undefined;
      })),
    /** The path from the root to a message, itself included; empty for an unknown id. */
    pathTo: (id: string): readonly Message[] => pathTo(treeNow(), (one) => messages.get(one), id),
    /** All versions of a turn, oldest first, the message itself among them. */
    siblings: (message: Message): readonly Message[] => treeNow().children.get(treeNow().parentKeyOf(message)) ?? [],
    settings: (): ConversationSettings => ({
      model: stringIn(settings, "model"),
      systemPrompt: stringIn(settings, "systemPrompt"),
      parameters: clampParameters({
        temperature: settings.get("temperature"),
        topP: settings.get("topP"),
        maxOutputTokens: settings.get("maxOutputTokens"),
      }),
    }),
    /** From which snapshot it was duplicated or restored last. */
    origin(): FrozenOrigin | undefined {
      const [snapshotId, contentId] = [stringIn(meta, "originSnapshot"), stringIn(meta, "originContent")];
      return snapshotId && contentId ? { snapshotId, contentId } : undefined;
    },
    isDeleted: (): boolean => meta.get("deleted") === true,
    summary(): ConversationSummary {
      const first = treeNow()
        .children.get(ROOT)
        ?.find((message) => message.text.trim() !== "");
      return {
        title: stringIn(meta, "title").slice(0, TITLE_LENGTH),
        excerpt: excerptOf((first?.text ?? draft.toJSON()).slice(0, 400)),
        pinned: meta.get("pinned") === true,
        archived: meta.get("archived") === true,
        deleted: meta.get("deleted") === true,
        tags: [...meta.keys()]
          .filter((key) => key.startsWith(TAG_PREFIX) && meta.get(key) === true)
          .map((key) => key.slice(TAG_PREFIX.length))
          .toSorted(),
        messageCount: messages.size,
      };
    },

    /** Makes several edits one: a device that has one of them has all. */
    together: (edits: () => void): void => doc.transact(edits, origin),
    rename: (title: string): void => setIfChanged(meta, "title", title.slice(0, TITLE_LENGTH)),
    setPinned: (pinned: boolean): void => setIfChanged(meta, "pinned", pinned),
    setArchived: (archived: boolean): void => setIfChanged(meta, "archived", archived),
    /** Deleting is a mark, so that an edit made elsewhere meanwhile is neither lost nor a resurrection. */
    setDeleted: (deleted: boolean): void => setIfChanged(meta, "deleted", deleted),
    setOrigin({ snapshotId, contentId }: FrozenOrigin): void {
      write(() => {
        meta.set("originSnapshot", snapshotId);
        meta.set("originContent", contentId);
      });
    },
    setTag: (tag: string, present: boolean): void => setIfChanged(meta, TAG_PREFIX + tag, present ? true : undefined),
    chooseModel: (model: string): void => setIfChanged(settings, "model", model),
    setSystemPrompt: (prompt: string): void => setIfChanged(settings, "systemPrompt", prompt || undefined),
    setParameter: (name: keyof RunParameters, value: number | undefined): void => setIfChanged(settings, name, value),
    /** Replaces the draft as a whole; typing uses `draft` itself so that two devices merge. */
    setDraft(text: string): void {
      if (draft.toString() === text) return;
      write(() => {
        draft.delete(0, draft.length);
        draft.insert(0, text);
      });
    },

    /** Puts words before the draft, whatever is typed into it meanwhile, here or elsewhere. */
    putBeforeDraft(text: string): void {
      write(() => draft.insert(0, draft.toString().trim() === "" ? text : `${text}\n\n`));
    },

    /**
     * Adds a person's turn, shows it, and plans the run that answers it, all in one transaction: a device
     * that has the one has the other. With `takesDraft`, the draft empties in the same step.
     */
    addPrompt(prompt: {
      id: MessageId;
      parentId: MessageId | undefined;
      text: string;
      createdAt: number;
      plannedRun?: PlannedRun | undefined;
      takesDraft?: boolean;
    }): void {
      const { id, parentId, text, createdAt, plannedRun } = prompt;
      write(() => {
        addMessage(id, { role: "user", parentId, createdAt, plannedRun: plannedRun && plainRecord(plannedRun) }, text);
        meta.set(BRANCH_PREFIX + (parentId ?? ROOT), id);
        if (prompt.takesDraft) draft.delete(0, draft.length);
      });
    },
    /** Changes the words of a prompt that was not delivered yet. */
    rewritePrompt(id: MessageId, text: string): void {
      const current = messageMaps.get(id);
      if (!(current instanceof Y.Map)) return;
      const body = current.get("text") as unknown;
      if (!(body instanceof Y.Text) || body.toString() === text) return;
      write(() => {
        body.delete(0, body.length);
        body.insert(0, text);
      });
    },
    /** Names the run that shall answer a prompt (again). */
    planRun(id: MessageId, plannedRun: PlannedRun): void {
      const map = messageMaps.get(id);
      if (map instanceof Y.Map) write(() => void map.set("plannedRun", plainRecord(plannedRun)));
    },
    /**
     * Takes a message out of the tree, e.g. a prompt cancelled before it was delivered. What hangs below it, or
     * below the answer it planned, moves up to its parent.
     */
    removeMessage(id: MessageId): void {
      const gone = messages.get(id);
      if (!messageMaps.has(id)) return;
      const places = [id, gone?.role === "user" ? gone.plannedRun?.messageId : undefined];
      const orphans = [...messages.values()].filter(({ parentId }) => parentId && places.includes(parentId));
      write(() => {
        messageMaps.delete(id);
        for (const orphan of orphans) moveBelow(orphan.id, gone?.parentId);
      });
    },
    /** Writes a message of another copy of this conversation that is not in this one. */
    restoreMessage(message: Message): void {
      if (messageMaps.has(message.id)) return;
      const { id, role, text, parentId, createdAt } = message;
      const own =
        message.role === "user"
          ? { plannedRun: message.plannedRun && plainRecord(message.plannedRun) }
          : { run: message.run && plainRecord(message.run) };
      write(() => {
        addMessage(id, { role, parentId, createdAt, ...own }, text);
        const map = messageMaps.get(id);
        if (message.role === "assistant" && message.reasoning && map instanceof Y.Map)
          appendReasoning(map, message.reasoning);
      });
    },
    /** Shows one of several siblings. */
    chooseBranch: (parentId: string | undefined, childId: MessageId): void =>
      setIfChanged(meta, BRANCH_PREFIX + (parentId ?? ROOT), childId),
  };
}

/** The ids of the messages an event below the `messages` map is about. */
function messageIdsOf(event: { path: (string | number)[]; keys: ReadonlyMap<string, unknown> }): Iterable<string> {
  const [first] = event.path;
  return first === undefined ? event.keys.keys() : [String(first)];
}

const stringIn = (map: Y.Map<unknown>, key: string): string => {
  const value = map.get(key);
  return typeof value === "string" ? value : "";
};
