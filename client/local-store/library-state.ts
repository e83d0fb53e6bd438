import type { ConversationId } from "#shared/domain/ids.ts";
import type { ConversationSummary } from "#shared/domain/summary.ts";
import type { ConversationEntry } from "#shared/protocol/http-bodies.ts";
import type { LibraryEntry } from "./library.ts";
import type { Have, ListPlace, LocalSummary, SummaryRecord, TrashMarks } from "./local-store.ts";

export type LibraryRecords = ReadonlyMap<ConversationId, SummaryRecord>;

/** Whether a summary made here is of more of the server's log than that of a feed entry. */
export const isNewer = (local: LocalSummary, feedHeadSeq: number): boolean =>
  local.headSeq === undefined || local.headSeq > feedHeadSeq;

/** The later of two places in the feed: tabs read it side by side, and one may write what it read long ago. */
const laterEntry = (one: ConversationEntry | undefined, other: ConversationEntry): ConversationEntry =>
  one && one.feedSeq > other.feedSeq ? one : other;

/** The record with a feed entry taken in; a local summary the feed has caught up with ends. */
export function withFeedEntry(record: SummaryRecord | undefined, incoming: ConversationEntry): SummaryRecord {
  const entry = laterEntry(record?.feed, incoming);
  const local = record?.local && isNewer(record.local, entry.headSeq) ? record.local : undefined;
  return { ...record, id: entry.id as ConversationId, feed: entry, local, ...marksAfter(record, entry) };
}

/** Whether a conversation is in the trash, as far as this device shows it. */
export const isDeleted = (record: SummaryRecord | undefined): boolean =>
  (record?.local ?? record?.feed)?.summary.deleted === true;

/** Whether an entry that is not deleted ends a deletion this device knows. */
function isRestored(record: SummaryRecord | undefined, entry: ConversationEntry): boolean {
  if (record === undefined) return false;
  const { feed, local } = record;
  // One entry may tell of a deletion and of what ended it: what was shown here counts as well as the feed before.
  const wasDeleted = feed?.summary.deleted === true || isDeleted(record);
  const isDeletedAnew = local?.summary.deleted === true && isNewer(local, entry.headSeq);
  return wasDeleted && !isDeletedAnew;
}

function marksAfter(record: SummaryRecord | undefined, entry: ConversationEntry): TrashMarks {
  if (!entry.summary.deleted) return isRestored(record, entry) ? NO_MARKS : {};
  const { local } = record ?? {};
  // What was shown here as not deleted was written without knowing, and waits, or came to the server after the deletion.
  const isLate =
    local?.summary.deleted === false &&
    (local.headSeq === undefined ||
      (local.headSeq <= entry.headSeq && local.headSeq > (entry.deletedSeq ?? entry.headSeq)));
  return isLate ? { changedAfterDeletion: true } : {};
}

/** Of what was restored, here or elsewhere. */
const NO_MARKS: TrashMarks = { changedAfterDeletion: undefined, erasing: undefined };

/** The record with what this device shows until the feed is as new. */
export function withLocal(id: ConversationId, record: SummaryRecord | undefined, local: LocalSummary): SummaryRecord {
  const feed = record?.feed;
  const restored = isDeleted(record) && !local.summary.deleted ? NO_MARKS : {};
  return { ...record, id, feed, local: feed && !isNewer(local, feed.headSeq) ? undefined : local, ...restored };
}

/** The further of two places in a document's log. */
export function further(one: Have | undefined, other: Have | undefined): Have | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  if (one.epoch !== other.epoch) return one.epoch > other.epoch ? one : other;
  return one.seq >= other.seq ? one : other;
}

/** A document the feed knows more of than this device has. */
export interface Lacking {
  id: ConversationId;
  epoch: number;
  /** what this device has of that epoch; 0 for nothing */
  haveSeq: number;
  feedSeq: number;
  /** ms since 1970 by the server's clock */
  activityAt: number;
}

/** What is to be pulled, last active first. */
export function lackingBodies(records: LibraryRecords): Lacking[] {
  const lacking = [...records.values()].flatMap(({ id, feed, have }) => {
    if (feed === undefined || feed.erased === true) return [];
    const haveSeq = have?.epoch === feed.epoch ? have.seq : 0;
    if (feed.headSeq <= haveSeq) return [];
    return [{ id, epoch: feed.epoch, haveSeq, feedSeq: feed.feedSeq, activityAt: feed.activityAt }];
  });
  return lacking.toSorted((a, b) => b.activityAt - a.activityAt);
}

/** Where a record stands in the list of chats, in ascending order; `undefined` for what is not in it. */
export function listPlace(record: SummaryRecord): ListPlace | undefined {
  const entry = entryOf(record);
  if (entry === undefined || entry.summary.deleted || entry.summary.archived || isEmpty(entry.summary))
    return undefined;
  return [entry.summary.pinned ? 0 : 1, -entry.activityAt];
}

/** What the library lists, last active first: everything that has a message, a title or a draft. */
export function libraryEntries(records: LibraryRecords): LibraryEntry[] {
  const entries = [...records.values()].flatMap((record) => {
    const entry = entryOf(record);
    return entry && (entry.changedAfterDeletion || !isEmpty(entry.summary)) ? [entry] : [];
  });
  return entries.toSorted((a, b) => b.activityAt - a.activityAt || (a.id < b.id ? 1 : -1));
}

function entryOf({ id, feed, local, changedAfterDeletion, erasing }: SummaryRecord): LibraryEntry | undefined {
  const shown = local ?? feed;
  if (shown === undefined) return undefined;
  const erased = feed?.erased === true;
  return {
    id,
    summary: erased ? { ...shown.summary, deleted: true } : shown.summary,
    activityAt: "changedAt" in shown ? shown.changedAt : shown.activityAt,
    deletedAt: feed?.deletedAt,
    changedAfterDeletion: changedAfterDeletion === true,
    erased,
    erasing: erasing === true,
  };
}

const isEmpty = ({ messageCount, title, excerpt }: ConversationSummary): boolean =>
  messageCount === 0 && title === "" && excerpt === "";
