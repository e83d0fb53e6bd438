import type { Platform } from "#client/platform/platform.ts";
import * as Y from "yjs";
import type { ConversationId, MessageId } from "#shared/domain/ids.ts";
import { createUuidV7 } from "#shared/lib/uuid.ts";
import type { LoadBringBack } from "./bring-back.ts";
import type { Documents, OpenConversation } from "./documents.ts";
import { openLocalDocument } from "./local-document.ts";
import type { LocalDocument } from "./local-document.ts";
import type { LocalStore, LocalSummary } from "./local-store.ts";
import type { RunCommands } from "./open-run-commands.ts";
import type { Tabs } from "./tab-messages.ts";

/** ms a document stays open after its last holder let go, so that going back and forth costs nothing */
const LINGER_MS = 1_000;

/** The documents open in this tab, as sync needs them. */
export interface LocalDocuments extends Documents {
  /** Opens (or shares) a document without anybody looking at it; letting go of it takes effect at once. */
  hold(id: ConversationId): { document: LocalDocument; release: () => void };
  /**
   * Opens a document anew from what the server has, because this copy turned out to be wrong (C9). The copy is
   * kept aside on this device, and what it has and the server lacks is written into the new one as new edits.
   * Waits where edits still wait for their `ack`.
   */
  replace(document: LocalDocument, state: Uint8Array): Promise<void>;
  /** Brings the words of copies set aside back into an open document, once the server's copy is here. */
  bringBack(document: LocalDocument): void;
  /** Calls back for each document that is open or is opened; the signal ends with it. */
  onOpened(callback: (document: LocalDocument, closing: AbortSignal) => void): void;
  opened(): Iterable<LocalDocument>;
  find(id: ConversationId): LocalDocument | undefined;
  /** Calls back when what is stored or acknowledged of any document changed. */
  subscribe(listener: () => void): () => void;
  close(): Promise<void>;
}

/** Where documents tell of what the library shows. */
export interface DocumentsHost {
  epochOf(id: ConversationId): number;
  /** whether all of it was deleted from this device: it is not to come to be again */
  isForgotten(id: ConversationId): boolean;
  /** a document changed here, or the server acknowledged the change */
  summaryChanged(id: ConversationId, local: LocalSummary): void;
  /** something came from the server */
  received(): void;
  /** the server says that it is deleted, and edits made here wait */
  changedAfterDeletion(id: ConversationId): void;
  loadBringBack: LoadBringBack;
}

interface Entry {
  document: LocalDocument;
  holders: number;
  closing: AbortController;
  /** the words of copies set aside are on their way into it (C9) */
  bringingBack: boolean;
  whenBroughtBack: (() => void) | undefined;
  /** nobody holds it any more, though another copy has its place by now */
  whenLetGo: (() => void) | undefined;
}

/** Opens conversations from the store; one copy per id and tab. */
export function openDocuments(
  platform: Pick<Platform, "clock" | "randomBytes" | "visibility">,
  store: LocalStore,
  tabs: Tabs,
  commands: RunCommands,
  host: DocumentsHost,
): LocalDocuments {
  const { clock, visibility } = platform;
  const entries = new Map<ConversationId, Entry>();
  const openedListeners = new Set<(document: LocalDocument, closing: AbortSignal) => void>();
  const listeners = new Set<() => void>();

  const newClientId = (): number => new DataView(platform.randomBytes(4).slice().buffer).getUint32(0);
  const tellChanged = (): void => {
    for (const listener of listeners) listener();
  };
  const tellSummary = (id: ConversationId, local: LocalSummary): void => {
    host.summaryChanged(id, local);
    tabs.post({ type: "summary", id, local });
  };

  const openEntry = (id: ConversationId): Entry => {
    const document = openLocalDocument(id, {
      store,
      clock,
      clientId: newClientId,
      epochOf: (one) => host.epochOf(one),
      isForgotten: (one) => host.isForgotten(one),
      stored: (one, update) => update && tabs.post({ type: "stored", id: one, update }),
      settled: () => tabs.post({ type: "settled" }),
      acknowledged: tellSummary,
      edited: tellSummary,
      received: () => host.received(),
      changedAfterDeletion: (one) => host.changedAfterDeletion(one),
      commandStored: (command) => commands.ended(command),
      wanted: (command) => commands.wanted(command),
      changed() {
        tellChanged();
        const entry = entries.get(id);
        if (entry) closeIfUnused(entry);
      },
    });
    const entry: Entry = {
      document,
      holders: 0,
      closing: new AbortController(),
      bringingBack: false,
      whenBroughtBack: undefined,
      whenLetGo: undefined,
    };
    entries.set(id, entry);
    void document.loaded.then(() => onLoaded(entry));
    for (const listener of openedListeners) listener(document, entry.closing.signal);
    return entry;
  };

  function onLoaded(entry: Entry): void {
    if (entry.document.setAside()) return bringBackOnceArrived(entry);
    // Another tab did it, or nothing can be read: what waits is found with the next look at what is on this device.
    endBringingBack(entry);
  }

  function closeIfUnused(entry: Entry): void {
    const { document } = entry;
    if (entry.holders > 0 || entry.closing.signal.aborted || document.status().type === "loading") return;
    // What is neither stored nor at the server exists in this copy only.
    if (document.unstored() && (document.pending() || document.unstoredEdits())) return;
    if (entries.get(document.id) === entry) entries.delete(document.id);
    entry.closing.abort();
    void document.close().then(tellChanged);
  }

  function letGo(entry: Entry): void {
    entry.holders--;
    if (entry.holders === 0) entry.whenLetGo?.();
    closeIfUnused(entry);
  }

  function hold(id: ConversationId, lingerMs = 0): { document: LocalDocument; release: () => void } {
    const entry = entries.get(id) ?? openEntry(id);
    entry.holders++;
    let held = true;
    return {
      document: entry.document,
      release() {
        if (!held) return;
        held = false;
        if (lingerMs === 0) return letGo(entry);
        void entry.document.flush();
        clock.after(lingerMs, () => letGo(entry));
      },
    };
  }

  async function replace(wrong: LocalDocument, state: Uint8Array): Promise<void> {
    const entry = entries.get(wrong.id);
    if (entry?.document !== wrong) return;
    await wrong.flush();
    const own = Y.encodeStateAsUpdate(wrong.doc);
    const healed = await store.heal(wrong.id, wrong.epoch(), state, own);
    // What was not done now is tried again with the next digest that differs.
    const stillWrong = entries.get(wrong.id) === entry && !wrong.pending();
    if (!healed.ok || !healed.value || !stillWrong) return;
    entries.delete(wrong.id);
    entry.closing.abort();
    // What this copy was to bring back is for the next one.
    endBringingBack(entry);
    succeed(entry, openEntry(wrong.id));
    tellChanged();
  }

  /** The new copy is held until the words are back in it and nobody can write into the wrong one any more. */
  function succeed(wrong: Entry, next: Entry): void {
    next.holders++;
    let broughtBack = false;
    let ended = false;
    const end = (): void => {
      if (ended || !broughtBack || wrong.holders > 0) return;
      ended = true;
      void wrong.document.close();
      letGo(next);
    };
    next.whenBroughtBack = () => {
      broughtBack = true;
      end();
    };
    wrong.whenLetGo = end;
    wrong.document.replaced(next.document);
  }

  function bringBackOnceArrived(entry: Entry): void {
    if (entry.bringingBack) return;
    entry.bringingBack = true;
    entry.document.onceArrived(() => void bringBackNow(entry));
  }

  async function bringBackNow(entry: Entry): Promise<void> {
    const { document } = entry;
    // A newer app wrote it: whoever does not know its schema leaves it alone.
    const isWritable = document.status().type === "ready";
    const bringBack = isWritable ? await host.loadBringBack().catch(() => undefined) : undefined;
    const done = bringBack !== undefined && (await bringBack(document, store, bringBackHost));
    // What failed is tried again with the next look at what waits on this device.
    entry.bringingBack = false;
    if (!done) return;
    document.broughtBack();
    endBringingBack(entry);
    tellChanged();
  }

  function endBringingBack(entry: Entry): void {
    const tell = entry.whenBroughtBack;
    entry.whenBroughtBack = undefined;
    tell?.();
  }

  const newMessageId = (): MessageId => createUuidV7(clock.now(), platform.randomBytes) as MessageId;

  const bringBackHost = {
    clientId: newClientId,
    newMessageId,
    now: () => clock.now(),
    stored(id: ConversationId, update: Uint8Array, local: LocalSummary) {
      tabs.post({ type: "stored", id, update });
      tellSummary(id, local);
    },
  };

  const flush = async (): Promise<void> => {
    await Promise.all([...entries.values()].map(({ document }) => document.flush()));
  };
  const stopWatchingVisibility = visibility.onHide(() => void flush());
  const stopsWatchingStore = [
    store.onReopened(() => {
      for (const { document } of entries.values()) document.rewrite();
    }),
    store.onFound(() => {
      for (const { document } of entries.values()) void document.found();
    }),
  ];
  tabs.onMessage((message) => {
    if (message.type === "stored") entries.get(message.id)?.document.receiveFromTab(message.update);
  });

  return {
    open: (id) => conversationOf(hold(id, LINGER_MS)),
    hold: (id) => hold(id),
    replace,
    bringBack(document) {
      const entry = entries.get(document.id);
      if (entry?.document === document) bringBackOnceArrived(entry);
    },
    onOpened(callback) {
      openedListeners.add(callback);
      for (const { document, closing } of entries.values()) callback(document, closing.signal);
    },
    opened: () => [...entries.values()].map(({ document }) => document),
    find: (id) => entries.get(id)?.document,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    flush,
    async close() {
      stopWatchingVisibility();
      for (const stop of stopsWatchingStore) stop();
      const all = [...entries.values()];
      entries.clear();
      for (const { closing } of all) closing.abort();
      await Promise.all(all.map(({ document }) => document.close()));
    },
  };
}

function conversationOf({ document, release }: { document: LocalDocument; release: () => void }): OpenConversation {
  return {
    id: document.id,
    conversation: document.conversation,
    status: () => document.status(),
    subscribe: (listener) => document.subscribe(listener),
    editWithCommand: (edit, command) => document.editWithCommand(edit, command),
    async stored() {
      await document.flush();
      return !document.unstored();
    },
    release,
  };
}
