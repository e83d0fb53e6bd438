import type { ConversationId } from "#shared/domain/ids.ts";
import type { ConversationEntry } from "#shared/protocol/http-bodies.ts";
import { further, isNewer, lackingBodies, libraryEntries, withFeedEntry, withLocal } from "./library-state.ts";
import type { Lacking } from "./library-state.ts";
import { FIRST_ROWS } from "./library.ts";
import type { Library, LibraryEntry } from "./library.ts";
import type {
  FeedSpan,
  LocalStore,
  LocalSummary,
  PulledBody,
  SnapshotNews,
  SummaryRecord,
  TrashMarks,
} from "./local-store.ts";
import type { Tabs } from "./tab-messages.ts";
import { openUnconfirmedMarks } from "./unconfirmed-marks.ts";
import type { MarkChange } from "./unconfirmed-marks.ts";

/**
 * Hears what the feed told of snapshots, once it is stored or it is known that it cannot be. Without any news: somebody
 * else stored a page of the feed, or moved chats into this database.
 */
export type NewsListener = (news: readonly SnapshotNews[], isStored: boolean) => void;

/** The library, as sync and documents feed it. */
export interface LocalLibrary extends Library {
  /** resolves when the summaries stored on this device were read, or could not be */
  readonly ready: Promise<void>;
  /** where the feed goes on; 0 for all of it */
  cursor(): number;
  epochOf(id: ConversationId): number;
  summaryChanged(id: ConversationId, local: LocalSummary): void;
  /**
   * Ends what is shown of edits that wait nowhere on this device: those of a tab that died before it stored
   * them, or before it told that the server has them. Takes effect when told twice: an edit is shown before
   * it is stored.
   */
  keepUnsent(waiting: ReadonlySet<ConversationId>): void;
  /** Documents whose text is not on this device, or not all of it, last active first. */
  lacking(): Lacking[];
  /** These are stored on this device now. */
  tookBodies(bodies: readonly PulledBody[]): void;
  /** A deletion came from the server while edits of this device waited. */
  changedAfterDeletion(id: ConversationId): void;
  /** whether everything of it was deleted from this device while this page was open */
  isForgotten(id: ConversationId): boolean;
  /** @param onlyIf leaves what is not marked to be erased any more, a restored conversation say, as it is */
  forget(id: ConversationId, onlyIf?: "if erasing"): Promise<void>;
  /** Calls back when everything of a conversation was deleted from this device, by this tab or another one. */
  onForgotten(callback: (id: ConversationId) => void): void;
  /**
   * Takes a page of the feed; stored with its cursor in one transaction. Answers whether it could be stored. A page that
   * begins after where the feed goes on by now does not move that: what is between them was asked for again meanwhile.
   */
  takeFeed(span: FeedSpan, entries: readonly (ConversationEntry | SnapshotNews)[]): Promise<boolean>;
  /** Tells what the feed says of snapshots, and said before. There is one listener. */
  onSnapshotNews(listener: NewsListener): void;
}

/**
 * Reads the stored summaries and keeps them up to date with the feed and with what is edited here.
 * @param storeEdits stores what open documents hold in memory only: nothing of it is to be written after a deletion (C13)
 */
export function openLibrary(
  store: LocalStore,
  tabs: Tabs,
  storeEdits: () => Promise<void> = async () => undefined,
): LocalLibrary {
  const records = new Map<ConversationId, SummaryRecord>();
  const listeners = new Set<() => void>();
  const forgottenListeners = new Set<(id: ConversationId) => void>();
  /** ids of what is forgotten: nothing that was read or told before brings it back */
  const gone = new Set<ConversationId>();
  const doubted = new Set<ConversationId>();
  /** entries that are not stored here: the cursor must not be stored without them */
  const unwritten = new Map<string, ConversationEntry | SnapshotNews>();
  /** what was told of snapshots before anybody listened */
  const early: Parameters<NewsListener>[] = [];
  let tellNews: NewsListener = (...news) => void early.push(news);
  const unconfirmed = openUnconfirmedMarks();
  /** changes of marks that come to the store with the entries that made them */
  let unwrittenMarks: MarkChange[] = [];
  let entries: readonly LibraryEntry[] | undefined;
  let loaded = false;
  let cursor = 0;
  /** up to where the database has what the feed told, as far as this tab knows */
  let storedTo = 0;
  /** where the pages begin that could not be stored, one after the other, and are `unwritten` */
  let unwrittenFrom = Infinity;
  let cameAgain = false;

  function changed(): void {
    entries = undefined;
    for (const listener of listeners) listener();
  }

  /** Takes what another tab may have stored; an edit shown here is newer, unless the feed has caught up with it. */
  function takeRecord(stored: SummaryRecord): void {
    if (gone.has(stored.id)) return;
    const before = records.get(stored.id);
    const feed = stored.feed ? withFeedEntry(before, stored.feed).feed : before?.feed;
    const local = before?.local ?? stored.local;
    const shown = local && feed && !isNewer(local, feed.headSeq) ? undefined : local;
    records.set(stored.id, { ...stored, feed, local: shown, have: further(before?.have, stored.have) });
  }

  /** What a person sees first is there before all is read, which takes long where there is much. */
  async function readFirst(): Promise<void> {
    const withNewerMarks = unconfirmed.beginRead();
    const first = await store.firstSummaries(FIRST_ROWS);
    if (!first.ok || first.value.length === 0) return;
    for (const record of first.value) takeRecord(withNewerMarks(record));
    changed();
  }

  async function read(): Promise<void> {
    const withNewerMarks = unconfirmed.beginRead();
    const before = storedTo;
    const result = await store.library();
    if (result.ok) {
      const found = result.value.cursor;
      for (const record of result.value.records) takeRecord(withNewerMarks(record));
      // Less than was stored before: some of it could not be read, in this tab or another, and has to come again. From
      // the start only once: a store that cannot set aside what it cannot read says so each time.
      const isLess = found < before && (found > 0 || !cameAgain);
      if (isLess) cameAgain = true;
      if (isLess || found > cursor) {
        cursor = found;
        unwrittenFrom = Infinity;
      }
      if (isLess || found > storedTo) storedTo = found;
    }
    loaded = true;
    changed();
  }

  /** Answers whether it is stored. */
  async function storeMark(id: ConversationId, marks: TrashMarks, change: MarkChange | undefined): Promise<boolean> {
    const stored = await store.mark(id, marks);
    if (stored.ok) change?.confirm();
    return stored.ok;
  }

  function summaryChanged(id: ConversationId, local: LocalSummary): void {
    if (gone.has(id)) return;
    doubted.delete(id);
    const before = records.get(id);
    const after = withLocal(id, before, local);
    records.set(id, after);
    // Whoever made the edit stores it when it can: a wish to erase what is restored is not to outlast that.
    const change = unconfirmed.note(before, after);
    if (change) void storeMark(id, change.marks, change);
    changed();
  }

  function mark(id: ConversationId, marks: TrashMarks): void {
    const record = records.get(id);
    if (record === undefined) return;
    const after = { ...record, ...marks };
    records.set(id, after);
    const change = unconfirmed.note(record, after);
    changed();
    // A mark that cannot be stored is there until this page goes.
    void storeMark(id, marks, change).then((stored) => stored && tabs.post({ type: "feed" }));
  }

  function forgotten(id: ConversationId): void {
    gone.add(id);
    records.delete(id);
    doubted.delete(id);
    unwritten.delete(id);
    for (const tell of forgottenListeners) tell(id);
    changed();
  }

  function forgottenHere(id: ConversationId): void {
    forgotten(id);
    tabs.post({ type: "forgotten", id });
  }

  function keepUnsent(waiting: ReadonlySet<ConversationId>): void {
    for (const [id, record] of records) {
      const unsent = record.local !== undefined && record.local.headSeq === undefined;
      if (!unsent || waiting.has(id)) doubted.delete(id);
      else if (!doubted.delete(id)) doubted.add(id);
      else {
        records.set(id, { ...record, local: undefined });
        changed();
      }
    }
  }

  function takeEntry(entry: ConversationEntry | SnapshotNews): void {
    if (entry.kind === "snapshot") return void unwritten.set(entry.id, entry);
    const id = entry.id as ConversationId;
    if (gone.has(id)) return;
    const before = records.get(id);
    const after = withFeedEntry(before, entry);
    records.set(id, after);
    const change = unconfirmed.note(before, after);
    if (change) unwrittenMarks.push(change);
    unwritten.set(id, entry);
  }

  store.onFound(() => void read());
  store.onReopened(() => {
    // What the feed told of snapshots is in nobody's memory here.
    cursor = storedTo = 0;
    unwrittenFrom = Infinity;
    for (const record of records.values()) {
      const { id, feed } = record;
      if (feed) unwritten.set(id, feed);
      records.set(id, { ...record, have: undefined });
    }
  });
  tabs.onMessage((message) => {
    if (message.type === "summary") summaryChanged(message.id, message.local);
    if (message.type === "feed") {
      void read();
      tellNews([], true);
    }
    if (message.type === "forgotten") forgotten(message.id);
  });

  return {
    ready: readFirst().then(read),
    entries: () => (entries ??= libraryEntries(records)),
    loaded: () => loaded,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    cursor: () => cursor,
    epochOf: (id) => records.get(id)?.feed?.epoch ?? 0,
    summaryChanged,
    keepUnsent,
    lacking: () => lackingBodies(records),
    tookBodies(bodies) {
      for (const { id, epoch, seq } of bodies) {
        const record = records.get(id);
        if (record) records.set(id, { ...record, have: further(record.have, { epoch, seq }) });
      }
    },
    changedAfterDeletion: (id) => mark(id, { changedAfterDeletion: true }),
    setErasing: (id, erasing) => mark(id, { erasing }),
    isForgotten: (id) => gone.has(id),
    onForgotten: (callback) => void forgottenListeners.add(callback),
    async forget(id, onlyIf) {
      await storeEdits();
      const forgot = await store.forget(id, onlyIf);
      if (forgot.ok && forgot.value) forgottenHere(id);
    },
    onSnapshotNews(listener) {
      tellNews = listener;
      for (const news of early.splice(0)) listener(...news);
    },
    async takeFeed({ from, to }, page) {
      if (page.some(erasesChat)) await storeEdits();
      const news = page.filter((entry) => entry.kind === "snapshot");
      for (const entry of page) takeEntry(entry);
      if (from <= cursor) cursor = to;
      if (page.length > 0) changed();
      const written = [...unwritten.values()];
      const writtenMarks = unwrittenMarks;
      unwrittenMarks = [];
      const begin = Math.min(from, unwrittenFrom);
      const stored = await store.writeFeed({ from: begin, to }, written);
      if (news.length > 0) tellNews(news, stored.ok);
      if (!stored.ok) {
        unwrittenFrom = begin;
        unwrittenMarks.push(...writtenMarks);
        return false;
      }
      storedTo = Math.max(storedTo, to);
      unwrittenFrom = Infinity;
      for (const change of writtenMarks) change.confirm();
      for (const entry of written) if (unwritten.get(entry.id) === entry) unwritten.delete(entry.id);
      for (const id of stored.value) forgottenHere(id);
      if (written.length > 0) tabs.post({ type: "feed" });
      return true;
    },
  };
}

const erasesChat = (entry: ConversationEntry | SnapshotNews): boolean =>
  entry.kind !== "snapshot" && entry.erased === true;
