import type { ConversationId } from "#shared/domain/ids.ts";
import type { ConversationSummary } from "#shared/domain/summary.ts";
import type { FeedEntry } from "#shared/protocol/http-bodies.ts";
import type { LibraryEntry } from "./library.ts";
import type { LocalSummary, SummaryRecord } from "./local-store.ts";

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
  return { id: entry.id as ConversationId, feed: entry, local };
}

/** The record with what this device shows until the feed is as new. */
export function withLocal(id: ConversationId, record: SummaryRecord | undefined, local: LocalSummary): SummaryRecord {
  const feed = record?.feed;
  return { id, feed, local: feed && !isNewer(local, feed.headSeq) ? undefined : local };
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
