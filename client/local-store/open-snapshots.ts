import * as z from "zod/mini";
import type { Broadcast } from "#client/platform/platform.ts";
import { checkFrozen, contentIdOf } from "#shared/domain/frozen-content.ts";
import type { FrozenContent, FrozenMessage, Manifest } from "#shared/domain/frozen-content.ts";
import type { ConversationId, SnapshotId } from "#shared/domain/ids.ts";
import { assert } from "#shared/lib/assert.ts";
import { err, ok } from "#shared/lib/result.ts";
import type { Result } from "#shared/lib/result.ts";
import { chainOf } from "./frozen-records.ts";
import type { HashedMessage } from "./frozen-records.ts";
import { FIRST_ROWS } from "./library.ts";
import type { LocalStore, StoreFailure } from "./local-store.ts";
import type { NewsListener } from "./open-library.ts";
import { openSnapshotQueue } from "./snapshot-queue.ts";
import type { HeldOutbox, SnapshotOutbox } from "./snapshot-queue.ts";
import type { QueuedCommand, SettledCommand, SnapshotDeed, SnapshotRecord } from "./snapshot-record.ts";
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
  const tellTabs = (...ids: SnapshotId[]): void => channel.post({ ids });
  const outboxChanged = (): void => parts.outboxChanged({ ...queue.held(), storeAgain });

  async function storeAgain(): Promise<void> {
    await queue.storeHeld();
    outboxChanged();
    changed();
  }

  function onSettled({ command: settled }: QueuedCommand, what: SettledCommand, isStored: boolean): void {
    const { snapshotId } = settled;
    if (what.type === "done" && settled.deed.type === "erase") forget(snapshotId);
    else if (what.type === "done") {
      const next = withDone(records.get(snapshotId), settled, what.answered);
      if (next) records.set(snapshotId, next);
      if (!isStored) unstored.add(snapshotId);
    }
    outboxChanged();
    changed();
    if (isStored) tellTabs(snapshotId);
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

  /** Shows a command at once; resolves once it is stored, or it is known that this fails. */
  async function command(
    id: SnapshotId,
    conversationId: ConversationId,
    deed: SnapshotDeed,
    frozen?: FrozenContent,
  ): Promise<void> {
    const messages = frozen ? hashed(frozen) : [];
    const stored = queue.add({ snapshotId: id, conversationId, createdAt: parts.now(), deed }, messages);
    outboxChanged();
    changed();
    await stored;
    outboxChanged();
    changed();
    tellTabs(id);
    for (const tell of added) tell();
  }

  const listed = (): readonly SnapshotEntry[] => (entries ??= snapshotEntries(records, queue.all()));

  function about(id: SnapshotId, deed: SnapshotDeed): void {
    // There is nothing to delete where the server never had it, and it would wait for that for ever.
    const isGivenUp = (deed.type === "delete" || deed.type === "erase") && takenHere(id)?.refused !== undefined;
    const conversationId = conversationOf(id);
    if (isGivenUp) void giveUp(id);
    else if (conversationId !== undefined) void command(id, conversationId, deed);
  }

  async function giveUp(id: SnapshotId): Promise<void> {
    const given = records.has(id) ? queue.dropRefused(id) : queue.withdraw(id);
    changed();
    await given;
    outboxChanged();
    tellTabs(id);
  }

  const takenHere = (id: SnapshotId): QueuedCommand["command"] | undefined =>
    queue.all().find(({ command: one }) => one.snapshotId === id && one.deed.type === "take")?.command;
  const conversationOf = (id: SnapshotId): ConversationId | undefined =>
    records.get(id)?.conversationId ?? takenHere(id)?.conversationId;

  function manifestOf(id: SnapshotId): Manifest | undefined {
    const taken = takenHere(id)?.deed;
    return records.get(id)?.manifest ?? (taken?.type === "take" ? taken.manifest : undefined);
  }

  async function messagesOf(
    id: SnapshotId,
    manifest: Manifest,
  ): Promise<Result<FrozenMessage[], "missing" | StoreFailure>> {
    const here = queue.messagesHere(id);
    if (here) return ok(here.map(({ message }) => message));
    const frozen = await store.frozen(conversationOf(id) ?? "");
    if (!frozen.ok) return frozen;
    const chain = chainOf(frozen.value, manifest);
    return chain ? ok(chain) : err("missing");
  }

  async function content(id: SnapshotId): ReturnType<Snapshots["content"]> {
    const inMemory = fetched.get(id);
    if (inMemory) return ok(inMemory);
    const manifest = manifestOf(id);
    if (manifest === undefined) return err("missing");
    const messages = await messagesOf(id, manifest);
    if (!messages.ok) return messages;
    const found = { manifest, messages: messages.value };
    const expected = listed().find(({ summary }) => summary.id === id)?.summary.contentId;
    return isSound(found, expected) ? ok(found) : err("damaged");
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
        excerpt: excerptOfFrozen(messages),
        createdBy: parts.accountId,
        ...(source && { source }),
      };
      await command(id, conversationId, { type: "take", manifest, ...known, ...labels }, frozen);
      return id;
    },
    isKept(id) {
      const take = queue.all().find(({ command: one }) => one.snapshotId === id && one.deed.type === "take");
      // What is in memory only has a key below 0.
      return (
        gone.has(id) || records.has(id) || (take !== undefined && (take.key > 0 || take.command.refused !== undefined))
      );
    },
    setLabels: (id, labels) => about(id, { type: "labels", labels }),
    setDeleted: (id, deleted) => about(id, { type: deleted ? "delete" : "restore" }),
    erase: (id) => about(id, { type: "erase" }),
    giveUp,
    content,
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
      if (isStored && news.length > 0)
        tellTabs(...(news.length > TOLD_AT_MOST ? [] : news.map(({ id }) => id as SnapshotId)));
    },
    onAdded: (callback) => void added.add(callback),
  };
}

function hashed(content: FrozenContent): HashedMessage[] {
  const hashes = checkFrozen(content);
  assert(hashes.ok, "a snapshot is taken of messages that are chained");
  return withHashes(content, hashes.value);
}

const isSound = (content: FrozenContent, expected: string | undefined): boolean =>
  checkFrozen(content).ok && contentIdOf(content.manifest) === expected;
