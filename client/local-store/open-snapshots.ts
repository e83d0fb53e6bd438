import * as z from "zod/mini";
import type { Broadcast } from "#client/platform/platform.ts";
import { checkFrozen, contentIdOf, modelOf } from "#shared/domain/frozen-content.ts";
import type { FrozenContent } from "#shared/domain/frozen-content.ts";
import type { ConversationId, SnapshotId } from "#shared/domain/ids.ts";
import { assert } from "#shared/lib/assert.ts";
import { err } from "#shared/lib/result.ts";
import type { HashedMessage } from "./frozen-records.ts";
import { FIRST_ROWS } from "./library.ts";
import type { LocalStore } from "./local-store.ts";
import type { NewsListener } from "./open-library.ts";
import { readContents } from "./snapshot-contents.ts";
import type { ReadContent, WantedContent } from "./snapshot-contents.ts";
import { openSnapshotQueue } from "./snapshot-queue.ts";
import type { HeldOutbox, SnapshotOutbox } from "./snapshot-queue.ts";
import type {
  QueuedCommand,
  SettledCommand,
  SnapshotCommand,
  SnapshotDeed,
  SnapshotRecord,
} from "./snapshot-record.ts";
import { excerptOfFrozen, snapshotEntries, withDone, withSnapshotEntry } from "./snapshot-state.ts";
import type { SnapshotRecords } from "./snapshot-state.ts";
import { withHashes } from "./snapshot-store.ts";
import type { SnapshotStore } from "./snapshot-store.ts";
import type { SnapshotEntry, Snapshots } from "./snapshots.ts";
import { snapshotEntriesIn } from "./stored-snapshots.ts";

export interface SnapshotsParts {
  local: Pick<LocalStore, "health" | "onFound" | "onReopened">;
  store: SnapshotStore;
  /** between the tabs of this account and workspace, and the service worker */
  channel: Broadcast;
  /** the account that takes snapshots here */
  accountId: string;
  newId: () => string;
  /** ms since 1970 by this device's clock */
  now: () => number;
  /** Asks the server for all of one; `undefined` where it cannot be had. */
  request: (id: SnapshotId) => Promise<FrozenContent | undefined>;
  /** Records are lost that the feed told of before. Told whenever all are read, until they are found. */
  recordsLost: () => void;
  /** The outbox changed; `held` is of the memory of this tab alone. */
  outboxChanged: (held: HeldOutbox) => void;
}

/** The snapshots, as their delivery and their puller see them. */
export interface LocalSnapshots extends Snapshots {
  outbox: SnapshotOutbox;
  /** what the server has of them, as far as this device knows */
  records(): SnapshotRecords;
  /** Reads all that is stored again: somebody else may have stored what this tab was not told of. */
  readAll(): Promise<void>;
  /** Takes what the feed told, which the store has by itself, where it could be stored. */
  takeNews: NewsListener;
  /** Calls back when a command may be delivered that was not there before. */
  onAdded(callback: () => void): void;
}

/** How many snapshots that cannot be stored here are kept in memory once they were fetched. */
const FETCHED_AT_MOST = 20;

/** Of more than so many, other tabs read all again. */
const TOLD_AT_MOST = 100;

/** Without any id: all of them. */
const tabMessage = z.object({ ids: z.array(z.string()) });

/** Reads the stored snapshots and keeps them up to date with the feed, with other tabs, and with what is done here. */
export function openSnapshots(parts: SnapshotsParts): LocalSnapshots {
  const { store, channel, local } = parts;
  const records = new Map<SnapshotId, SnapshotRecord>();
  /** what was erased while this page was open: nothing that was read before brings it back */
  const gone = new Set<SnapshotId>();
  /** those that could not be stored, and are in this tab's memory */
  const unstored = new Set<SnapshotId>();
  const listeners = new Set<() => void>();
  const added = new Set<() => void>();
  const fetched = new Map<SnapshotId, FrozenContent>();
  let entries: readonly SnapshotEntry[] | undefined;
  let loaded = false;

  function changed(): void {
    entries = undefined;
    for (const listener of listeners) listener();
  }

  const queue = openSnapshotQueue(store, onSettled, () => local.health().type === "none");
  const tellTabs = (ids: readonly SnapshotId[]): void => channel.post({ ids: ids.length > TOLD_AT_MOST ? [] : ids });
  const outboxChanged = (): void => parts.outboxChanged({ ...queue.held(), storeAgain });

  async function storeAgain(): Promise<void> {
    await queue.storeHeld();
    outboxChanged();
    changed();
  }

  function onSettled(all: readonly QueuedCommand[], what: SettledCommand, isStored: boolean): void {
    for (const { command } of all) takeSettled(command, what, isStored);
    outboxChanged();
    changed();
    if (isStored) tellTabs(all.map(({ command }) => command.snapshotId));
  }

  function takeSettled(settled: SnapshotCommand, what: SettledCommand, isStored: boolean): void {
    const { snapshotId } = settled;
    if (what.type !== "done") return;
    if (settled.deed.type === "erase") return forget(snapshotId);
    const next = withDone(records.get(snapshotId), settled, what.answered);
    if (next) records.set(snapshotId, next);
    if (!isStored) unstored.add(snapshotId);
  }

  function forget(id: SnapshotId): void {
    gone.add(id);
    records.delete(id);
    fetched.delete(id);
  }

  function takeRecord(stored: SnapshotRecord): void {
    if (gone.has(stored.id)) return;
    const before = records.get(stored.id);
    const isOlder = before?.feed !== undefined && before.feed.feedSeq > (stored.feed?.feedSeq ?? -1);
    records.set(stored.id, isOlder ? { ...before, manifest: before.manifest ?? stored.manifest } : stored);
  }

  async function readAll(): Promise<void> {
    const read = await store.all();
    if (read.ok) {
      const here = new Set(read.value.records.map(({ id }) => id));
      // Another tab was told that it is erased.
      for (const id of records.keys()) if (!here.has(id) && !unstored.has(id)) records.delete(id);
      for (const record of read.value.records) takeRecord(record);
      queue.read(read.value.queue);
      if (read.value.lost) parts.recordsLost();
    }
    loaded = true;
    changed();
    for (const tell of added) tell();
  }

  async function readFirst(): Promise<void> {
    const [first, waiting] = await Promise.all([store.first(FIRST_ROWS), store.queue()]);
    if (first.ok) for (const record of first.value) takeRecord(record);
    if (waiting.ok) queue.read(waiting.value);
    if (records.size > 0 || queue.all().length > 0) changed();
  }

  async function readSome(ids: readonly SnapshotId[]): Promise<void> {
    const read = await store.some(ids);
    if (!read.ok) return;
    const here = new Map(read.value.records.map((record) => [record.id, record]));
    for (const id of ids) {
      const record = here.get(id);
      if (record) takeRecord(record);
      else if (!unstored.has(id)) records.delete(id);
    }
    queue.read(read.value.queue);
    changed();
    for (const tell of added) tell();
  }

  /** Shows commands at once; resolves once they are stored, or it is known that this fails. */
  async function commands(all: readonly SnapshotCommand[], messages: readonly HashedMessage[] = []): Promise<void> {
    const stored = Promise.all(all.map((one) => queue.add(one, messages)));
    outboxChanged();
    changed();
    await stored;
    outboxChanged();
    changed();
    tellTabs(all.map(({ snapshotId }) => snapshotId));
    for (const tell of added) tell();
  }

  const listed = (): readonly SnapshotEntry[] => (entries ??= snapshotEntries(records, queue.all()));

  function about(ids: readonly SnapshotId[], deed: SnapshotDeed): void {
    const taken = takes();
    // There is nothing to delete where the server never had it, and it would wait for that for ever.
    const isGivenUp = (id: SnapshotId): boolean =>
      (deed.type === "delete" || deed.type === "erase") && taken.get(id)?.refused !== undefined;
    for (const id of ids) if (isGivenUp(id)) void giveUp(id);
    const asked = ids.flatMap((id) => {
      const conversationId = records.get(id)?.conversationId ?? taken.get(id)?.conversationId;
      if (conversationId === undefined || isGivenUp(id)) return [];
      return [{ snapshotId: id, conversationId, createdAt: parts.now(), deed }];
    });
    if (asked.length > 0) void commands(asked);
  }

  async function giveUp(id: SnapshotId): Promise<void> {
    const given = records.has(id) ? queue.dropRefused(id) : queue.withdraw(id);
    changed();
    await given;
    outboxChanged();
    tellTabs([id]);
  }

  const takes = (): Map<SnapshotId, QueuedCommand["command"]> =>
    new Map(queue.all().flatMap(({ command: one }) => (one.deed.type === "take" ? [[one.snapshotId, one]] : [])));
  const conversationOf = (id: SnapshotId): ConversationId | undefined =>
    records.get(id)?.conversationId ?? takes().get(id)?.conversationId;

  /** What is known of these, looked up in one go. */
  function wanted(ids: readonly SnapshotId[]): WantedContent[] {
    const taken = takes();
    const contentIds = new Map(listed().map(({ summary }) => [summary.id, summary.contentId]));
    return ids.map((id) => {
      const command = taken.get(id);
      const deed = command?.deed;
      return {
        id,
        conversationId: records.get(id)?.conversationId ?? command?.conversationId ?? ("" as ConversationId),
        manifest: records.get(id)?.manifest ?? (deed?.type === "take" ? deed.manifest : undefined),
        contentId: contentIds.get(id),
        fetched: fetched.get(id),
        here: queue.messagesHere(id),
      };
    });
  }

  async function content(id: SnapshotId): Promise<ReadContent> {
    let found: ReadContent = err("missing");
    await readContents(store, wanted([id]), (_id, read) => void (found = read));
    return found;
  }

  async function fetchContent(id: SnapshotId): Promise<boolean> {
    const answered = await parts.request(id);
    const expected = listed().find(({ summary }) => summary.id === id)?.summary.contentId;
    const hashes = answered && checkFrozen(answered);
    if (!answered || !hashes?.ok || contentIdOf(answered.manifest) !== expected) return false;
    const stored = await store.noteContent(id, { ...answered, hashes: hashes.value });
    const record = records.get(id);
    if (record) records.set(id, { ...record, manifest: answered.manifest });
    if (!stored.ok) keepFetched(id, answered);
    return true;
  }

  function keepFetched(id: SnapshotId, answered: FrozenContent): void {
    fetched.set(id, answered);
    const [oldest] = fetched.keys();
    if (fetched.size > FETCHED_AT_MOST && oldest !== undefined) fetched.delete(oldest);
  }

  local.onFound(() => void queue.storeHeld().then(readAll).then(outboxChanged));
  local.onReopened(() => {
    queue.lost();
    void storeAgain();
  });
  channel.onMessage((raw) => {
    const message = tabMessage.safeParse(raw);
    if (!message.success) return; // of a tab with another version
    const ids = message.data.ids as SnapshotId[];
    void (ids.length === 0 ? readAll() : readSome(ids)).then(outboxChanged);
  });
  void readFirst().then(readAll);

  return {
    entries: listed,
    loaded: () => loaded,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async take({ id: planned, conversationId, content: frozen, source, ...labels }) {
      const id = planned ?? (parts.newId() as SnapshotId);
      if (gone.has(id) || conversationOf(id) !== undefined) return id;
      const { manifest, messages } = frozen;
      const known = {
        contentId: contentIdOf(manifest),
        leaf: messages.at(-1)?.id ?? "",
        model: modelOf(frozen),
        excerpt: excerptOfFrozen(messages),
        createdBy: parts.accountId,
        ...(source && { source }),
      };
      const deed = { type: "take", manifest, ...known, ...labels } as const;
      await commands([{ snapshotId: id, conversationId, createdAt: parts.now(), deed }], hashed(frozen));
      return id;
    },
    isKept(id) {
      const take = queue.all().find(({ command: one }) => one.snapshotId === id && one.deed.type === "take");
      // What is in memory only has a key below 0.
      return (
        gone.has(id) || records.has(id) || (take !== undefined && (take.key > 0 || take.command.refused !== undefined))
      );
    },
    setLabels: (id, labels) => about([id], { type: "labels", labels }),
    setDeleted: (id, deleted) => about([id], { type: deleted ? "delete" : "restore" }),
    erase: (...ids) => about(ids, { type: "erase" }),
    giveUp,
    content,
    contents: (ids, take) => readContents(store, wanted(ids), take),
    fetch: fetchContent,
    outbox: queue,
    records: () => records,
    readAll: () => readAll().then(outboxChanged),
    takeNews(news, isStored) {
      for (const entry of snapshotEntriesIn(news)) {
        const id = entry.id as SnapshotId;
        if (!isStored) unstored.add(id);
        if (entry.erased) forget(id);
        else if (!gone.has(id)) records.set(id, withSnapshotEntry(records.get(id), entry));
      }
      if (news.length > 0) changed();
      if (isStored && news.length > 0) tellTabs(news.map(({ id }) => id as SnapshotId));
    },
    onAdded: (callback) => void added.add(callback),
  };
}

function hashed(content: FrozenContent): HashedMessage[] {
  const hashes = checkFrozen(content);
  assert(hashes.ok, "a snapshot is taken of messages that are chained");
  return withHashes(content, hashes.value);
}
