import * as Y from "yjs";
import type { Clock } from "#client/platform/platform.ts";
import { CONVERSATION_SCHEMA, openConversation } from "#shared/documents/conversation.ts";
import type { ConversationDocument } from "#shared/documents/conversation.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import { CloseCode } from "#shared/protocol/close-codes.ts";
import { createDocumentWriter } from "./document-writer.ts";
import type { DocumentStatus } from "./documents.ts";
import { createHandedOverEdits } from "./handed-over.ts";
import type { HandedOver } from "./handed-over.ts";
import type { LocalStore, LocalSummary, StoreFailure, StoredDocument } from "./local-store.ts";
import type { RunCommand } from "./run-command.ts";

/** Transaction origins. Whatever has another one than FROM_… is an edit made in this tab. */
const FROM_STORE = Symbol("from this device's store");
const FROM_TAB = Symbol("from another tab, which stores it");
/** made here, in the copy that this one took the place of */
const HANDED_OVER = Symbol("from the copy before");
/** for changes that came from the server; they are stored, but wait for no `ack` */
export const FROM_SERVER = Symbol("from the server");

const isMadeHere = (origin: unknown): boolean => origin !== FROM_SERVER && origin !== FROM_STORE && origin !== FROM_TAB;

export type EditListener = (token: number, update: Uint8Array | undefined) => void;

/** The one copy of a document in this tab, shared by everyone who has it open. */
export interface LocalDocument {
  readonly id: ConversationId;
  readonly doc: Y.Doc;
  readonly conversation: ConversationDocument;
  /** resolves once this device's copy was read (or could not be) */
  readonly loaded: Promise<void>;
  epoch(): number;
  status(): DocumentStatus;
  subscribe(listener: () => void): () => void;
  /** Tells each edit the server has not acknowledged: those made before at once, those to come as they are made. */
  onEdit(listener: EditListener): () => void;
  /** From sync: the server has every edit up to the token. */
  acknowledged(through: number, headSeq: number): void;
  /** From sync: the server's copy was merged in. */
  arrived(): void;
  /** Calls back once, when the server's copy is merged in; at once where it was, in the life of this copy. */
  onceArrived(callback: () => void): void;
  /** whether copies of it were set aside whose words are to come back (C9) */
  setAside(): boolean;
  broughtBack(): void;
  /** Another copy takes its place: nothing of this one is stored or sent any more, and what is still made in it goes there. */
  replaced(successor: LocalDocument): void;
  /** From a copy whose place this one took: takes in what was made there meanwhile, once this one is loaded. */
  handOver(one: HandedOver): void;
  /** From sync: the server ended the connection for good. */
  ended(code: number): void;
  editWithCommand(edit: (conversation: ConversationDocument) => void, command: RunCommand): void;
  /** From another tab, which stored it. */
  receiveFromTab(update: Uint8Array): void;
  /** Takes over outbox rows of a tab that is gone. */
  adopt(keys: readonly number[]): Promise<void>;
  /** There is a database after all: takes in what could not be read, and stores what could not be stored. */
  found(): Promise<void>;
  outbox(): readonly number[];
  rewrite(): void;
  unstored(): boolean;
  unstoredEdits(): boolean;
  /** why what is in memory could not be stored the last time */
  failing(): StoreFailure | undefined;
  /** whether an edit waits for its `ack` */
  pending(): boolean;
  flush(): Promise<void>;
  /** Folds what is stored and ends this copy. */
  close(): Promise<void>;
}

/** What a document tells the rest of this tab. */
export interface LocalDocumentHost {
  store: LocalStore;
  clock: Clock;
  /** a clientID nobody wrote under: 32 random bits */
  clientId(): number;
  /** the epoch the feed tells of, for a document that is not on this device */
  epochOf(id: ConversationId): number;
  /** whether all of it was deleted from this device, because it was erased: nothing is written into it any more */
  isForgotten(id: ConversationId): boolean;
  stored(id: ConversationId, update: Uint8Array | undefined): void;
  settled(id: ConversationId): void;
  acknowledged(id: ConversationId, summary: LocalSummary): void;
  edited(id: ConversationId, summary: LocalSummary): void;
  received(id: ConversationId): void;
  /** a deletion came from the server while edits made here waited (C12) */
  changedAfterDeletion(id: ConversationId): void;
  commandStored(command: RunCommand): void;
  wanted(command: RunCommand): boolean;
  changed(): void;
}

export function openLocalDocument(id: ConversationId, host: LocalDocumentHost): LocalDocument {
  const { store, clock } = host;
  // A guid of its own would be 31 draws of chance, and nobody asks for it.
  const doc = new Y.Doc({ guid: id });
  doc.clientID = host.clientId();
  const conversation = openConversation(doc, "edit");
  const listeners = new Set<() => void>();
  const editListeners = new Set<EditListener>();
  let unacknowledged: { token: number; update: Uint8Array | undefined }[] = [];
  let lastToken = 0;
  let epoch: number | undefined;
  let base: "loading" | "ready" | "gone" | "replaced" = "loading";
  let successor: LocalDocument | undefined;
  let tellArrived: (() => void)[] | undefined = [];
  let setAside = false;
  let arrived = false;
  let status: DocumentStatus = { type: "loading" };
  let shownSummary = "";
  let wasDeleted = false;

  const writer = createDocumentWriter(
    {
      id,
      epoch: () => epoch ?? host.epochOf(id),
      state: () => Y.encodeStateAsUpdate(doc),
      summary: () => conversation.summary(),
      stored: (update) => host.stored(id, update),
      acknowledged: (summary) => host.acknowledged(id, summary),
      settled: () => host.settled(id),
      commandStored: (command) => host.commandStored(command),
      wanted: (command) => host.wanted(command),
      changed: () => host.changed(),
    },
    store,
    clock,
  );

  function updateStatus(): void {
    const next = nextStatus(base, arrived, conversation.schemaVersion());
    if (JSON.stringify(next) === JSON.stringify(status)) return;
    status = next;
    for (const listener of listeners) listener();
  }

  const handedOver = createHandedOverEdits(doc, {
    loaded: () => base !== "loading",
    arrived: () => tellArrived === undefined,
    edit: (update) => Y.applyUpdate(doc, update, HANDED_OVER),
    editWithCommand,
    async setAside(content) {
      const stored = await store.setAside(id, content);
      if (stored.ok) setAside = true;
      return stored.ok;
    },
    changed: () => host.changed(),
  });

  function editWithCommand(edit: (into: ConversationDocument) => void, command: RunCommand): void {
    if (successor) return successor.handOver({ type: "command", edit, command });
    if (status.type === "read-only") return;
    edit(conversation);
    writer.command(command);
    host.changed();
  }

  function onUpdate(update: Uint8Array, origin: unknown): void {
    if (successor) return isMadeHere(origin) ? successor.handOver({ type: "edit", update, from: doc }) : undefined;
    if (origin === FROM_SERVER) {
      writer.remote(update);
      host.received(id);
      // Edits that wait now were made without knowing; whoever deletes here knows.
      if (conversation.isDeleted() && !wasDeleted && unacknowledged.length > 0) host.changedAfterDeletion(id);
    } else if (isMadeHere(origin)) {
      arrived = true;
      takeEdit(update, (token) => {
        writer.local(token, update);
        tellSummary();
      });
      host.changed();
    }
    wasDeleted = conversation.isDeleted();
    updateStatus();
  }
  doc.on("update", onUpdate);

  /** Notes the edit everywhere here before sync hears of it, so that an answer finds it. */
  function takeEdit(update: Uint8Array | undefined, note: (token: number) => void): void {
    const token = ++lastToken;
    unacknowledged.push({ token, update });
    note(token);
    for (const listener of editListeners) listener(token, update);
  }

  function tellSummary(): void {
    const summary = conversation.summary();
    const text = JSON.stringify(summary);
    if (text === shownSummary) return;
    shownSummary = text;
    host.edited(id, { summary, changedAt: clock.now(), headSeq: undefined });
  }

  let unread = false;
  async function load(): Promise<void> {
    const result = await store.load(id);
    if (result.ok) takeStored(result.value);
    else {
      unread = true;
      // What could not be read must not be taken for empty: once storing works, everything is written.
      writer.rewrite("unreadable");
    }
    epoch ??= host.epochOf(id);
    if (base === "loading") base = host.isForgotten(id) ? "gone" : "ready";
    updateStatus();
    handedOver.takeIn();
    host.changed();
  }

  function takeStored({ state, outbox, rows, epoch: storedEpoch, setAside: copies }: StoredDocument): void {
    if (state) {
      epoch ??= storedEpoch;
      arrived = true;
      Y.applyUpdate(doc, state, FROM_STORE);
    }
    setAside = copies.length > 0;
    writer.noteRows(rows);
    adoptRows(outbox);
    if (rows > 0) void writer.compact();
  }

  async function found(): Promise<void> {
    if (unread) {
      const result = await store.load(id);
      if (result.ok && unread && base !== "replaced") {
        unread = false;
        takeStored(result.value);
        updateStatus();
        host.changed();
      }
    }
    await writer.flush();
  }

  function adoptRows(rows: readonly { key: number; bytes: Uint8Array | undefined }[]): void {
    const own = new Set(writer.outbox());
    for (const { key, bytes } of rows) {
      if (!own.has(key)) takeEdit(bytes, (token) => writer.adopt(key, token));
    }
  }

  const loaded = load();

  return {
    id,
    doc,
    conversation,
    loaded,
    epoch: () => epoch ?? 0,
    status: () => status,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    onEdit(listener) {
      for (const { token, update } of unacknowledged) listener(token, update);
      editListeners.add(listener);
      return () => editListeners.delete(listener);
    },
    acknowledged(through, headSeq) {
      unacknowledged = unacknowledged.filter(({ token }) => token > through);
      writer.acknowledged(through, headSeq);
      host.changed();
    },
    arrived() {
      arrived = true;
      updateStatus();
      const waiting = tellArrived ?? [];
      tellArrived = undefined;
      for (const tell of waiting) tell();
      handedOver.takeIn();
    },
    onceArrived: (callback) => void (tellArrived ? tellArrived.push(callback) : callback()),
    setAside: () => setAside,
    broughtBack: () => void (setAside = false),
    replaced(next) {
      successor = next;
      base = "replaced";
      writer.close();
      updateStatus();
    },
    ended(code) {
      // What the server never had can still be read and copied here: it says so too where we may write no new chats.
      const isOnlyHere = code === CloseCode.gone && unacknowledged.length > 0 && !host.isForgotten(id);
      if (!isOnlyHere && (code === CloseCode.gone || code === CloseCode.oldEpoch)) base = "gone";
      updateStatus();
    },
    handOver: (one) => (successor ? successor.handOver(one) : handedOver.add(one)),
    editWithCommand,
    receiveFromTab: (update) => Y.applyUpdate(doc, update, FROM_TAB),
    async adopt(keys) {
      const result = await store.load(id);
      if (!result.ok) return;
      if (result.value.state) Y.applyUpdate(doc, result.value.state, FROM_TAB);
      adoptRows(result.value.outbox.filter(({ key }) => keys.includes(key)));
      host.changed();
    },
    found,
    outbox: () => writer.outbox(),
    rewrite: () => writer.rewrite("reopened"),
    unstored: () => writer.unstored() || handedOver.any(),
    unstoredEdits: () => writer.unstoredEdits() || handedOver.any(),
    failing: () => writer.failing(),
    pending: () => unacknowledged.length > 0 || handedOver.any(),
    flush: () => writer.flush(),
    async close() {
      if (base === "replaced") return conversation.close();
      await loaded;
      await writer.flush();
      await writer.compact();
      writer.close();
      conversation.close();
      doc.destroy();
    },
  };
}

function nextStatus(
  base: "loading" | "ready" | "gone" | "replaced",
  arrived: boolean,
  schemaVersion: number,
): DocumentStatus {
  if (base === "gone" || base === "replaced") return { type: base };
  if (schemaVersion > CONVERSATION_SCHEMA) return { type: "read-only" };
  return base === "loading" ? { type: "loading" } : { type: "ready", arrived };
}
