import type { ConversationId } from "#shared/domain/ids.ts";
import type { ConversationSummary } from "#shared/domain/summary.ts";
import type { FeedEntry } from "#shared/protocol/http-bodies.ts";
import type { LibraryEntry } from "./library.ts";
import type { Have, LocalSummary, SummaryRecord } from "./local-store.ts";

export type LibraryRecords = ReadonlyMap<ConversationId, SummaryRecord>;

/** Whether a summary made here is of more of the server's log than that of a feed entry. */
export const isNewer = (local: LocalSummary, feedHeadSeq: number): boolean =>
  local.headSeq === undefined || local.headSeq > feedHeadSeq;

/** The later of two places in the feed: tabs read it side by side, and one may write what it read long ago. */
const laterEntry = (one: FeedEntry | undefined, other: FeedEntry): FeedEntry =>
  one && one.feedSeq > other.feedSeq ? one : other;

/** The record with a feed entry taken in; a local summary the feed has caught up with ends. */
export function withFeedEntry(record: SummaryRecord | undefined, incoming: FeedEntry): SummaryRecord {
  const entry = laterEntry(record?.feed, incoming);
  const local = record?.local && isNewer(record.local, entry.headSeq) ? record.local : undefined;
  return { ...record, id: entry.id as ConversationId, feed: entry, local };
}

/** The record with what this device shows until the feed is as new. */
export function withLocal(id: ConversationId, record: SummaryRecord | undefined, local: LocalSummary): SummaryRecord {
  const feed = record?.feed;
  return { ...record, id, feed, local: feed && !isNewer(local, feed.headSeq) ? undefined : local };
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
    if (feed === undefined) return [];
    const haveSeq = have?.epoch === feed.epoch ? have.seq : 0;
    if (feed.headSeq <= haveSeq) return [];
    return [{ id, epoch: feed.epoch, haveSeq, feedSeq: feed.feedSeq, activityAt: feed.activityAt }];
  });
  return lacking.toSorted((a, b) => b.activityAt - a.activityAt);
}

/** What the library lists, last active first: everything that has a message, a title or a draft. */
export function libraryEntries(records: LibraryRecords): LibraryEntry[] {
  const entries = [...records.values()].flatMap((record) => {
    const entry = entryOf(record);
    return entry && !isEmpty(entry.summary) ? [entry] : [];
  });
  return entries.toSorted((a, b) => b.activityAt - a.activityAt || (a.id < b.id ? 1 : -1));
}

function entryOf({ id, feed, local }: SummaryRecord): LibraryEntry | undefined {
  if (local) return { id, summary: local.summary, activityAt: local.changedAt };
  return feed && { id, summary: feed.summary, activityAt: feed.activityAt };
}

const isEmpty = ({ messageCount, title, excerpt }: ConversationSummary): boolean =>
  messageCount === 0 && title === "" && excerpt === "";
