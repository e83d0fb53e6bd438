import type { FrozenMessage } from "#shared/domain/frozen-content.ts";
import type { SnapshotId } from "#shared/domain/ids.ts";
import type { SnapshotLabels, SnapshotSummary } from "#shared/domain/snapshot.ts";
import { excerptOf } from "#shared/domain/summary.ts";
import type { SnapshotFeedEntry } from "#shared/protocol/feed-bodies.ts";
import type {
  AnsweredSnapshot,
  QueuedCommand,
  SnapshotCommand,
  SnapshotDeed,
  SnapshotRecord,
} from "./snapshot-record.ts";
import type { SnapshotEntry, SnapshotState } from "./snapshots.ts";

export type SnapshotRecords = ReadonlyMap<SnapshotId, SnapshotRecord>;

/**
 * Whether a feed entry is as new as an answer. Where the server did not say where its log ended, any entry that comes
 * later counts as such: it is, but for one that was on its way, and the next one mends that.
 */
const isAsNew = ({ headSeq, summary }: AnsweredSnapshot, entry: SnapshotFeedEntry, isLater: boolean): boolean =>
  headSeq === undefined
    ? isLater || isSameSummary(summary, entry.summary as SnapshotSummary)
    : entry.headSeq >= headSeq;

const isSameSummary = (one: SnapshotSummary, other: SnapshotSummary): boolean =>
  one.title === other.title &&
  one.note === other.note &&
  one.deleted === other.deleted &&
  one.tags.toSorted().join("\n") === other.tags.toSorted().join("\n");

/** The record with a feed entry taken in. Tabs read the feed side by side: of two entries the later one counts. */
export function withSnapshotEntry(
  record: SnapshotRecord | undefined,
  { manifest, ...incoming }: SnapshotFeedEntry,
): SnapshotRecord {
  const before = record?.feed;
  const isLater = before === undefined || incoming.feedSeq > before.feedSeq;
  const feed = isLater ? incoming : before;
  const answered = record?.answered;
  return {
    id: incoming.id as SnapshotId,
    conversationId: feed.summary.conversationId as SnapshotRecord["conversationId"],
    feed,
    answered: answered && isAsNew(answered, feed, isLater) ? undefined : answered,
    manifest: record?.manifest ?? (manifest as SnapshotRecord["manifest"]),
  };
}

/** The record after a command was done. */
export function withDone(
  record: SnapshotRecord | undefined,
  { snapshotId, conversationId, deed }: SnapshotCommand,
  answered: AnsweredSnapshot | undefined,
): SnapshotRecord | undefined {
  const manifest = record?.manifest ?? (deed.type === "take" ? deed.manifest : undefined);
  const shown = sealedSummary(record);
  const next = answered ?? (shown && { summary: withDeed(shown, deed), headSeq: undefined });
  if (next === undefined) return record;
  // The feed may have told of it before the answer came.
  const isOld = record?.feed !== undefined && isAsNew(next, record.feed, false);
  return { id: snapshotId, conversationId, feed: record?.feed, answered: isOld ? undefined : next, manifest };
}

/** What the server says of it, as far as this device knows. */
export const sealedSummary = (record: SnapshotRecord | undefined): SnapshotSummary | undefined =>
  record && (record.answered?.summary ?? (record.feed?.summary as SnapshotSummary | undefined));

function withDeed(summary: SnapshotSummary, deed: SnapshotDeed): SnapshotSummary {
  switch (deed.type) {
    case "labels":
      return { ...summary, ...presentLabels(deed.labels) };
    case "delete":
      return { ...summary, deleted: true };
    case "restore":
      return { ...summary, deleted: false };
    case "take":
    case "erase":
      return summary;
  }
}

const presentLabels = ({ title, note, tags }: Partial<SnapshotLabels>): Partial<SnapshotLabels> => ({
  ...(title !== undefined && { title }),
  ...(note !== undefined && { note }),
  ...(tags !== undefined && { tags }),
});

/** The first words of what is frozen. */
export const excerptOfFrozen = (messages: readonly FrozenMessage[]): string => excerptOf(messages[0]?.text ?? "");

/** Where a record stands in the list, in ascending order: later ones first. */
export const snapshotPlace = (record: SnapshotRecord): number => -(sealedSummary(record)?.createdAt ?? 0);

/**
 * All snapshots as lists show them, newest first: those that wait to be sealed, then by the time of being taken. What is
 * to be erased is not among them, unless the server will not have that, or never had it: only a person can end that.
 */
export function snapshotEntries(records: SnapshotRecords, queue: readonly QueuedCommand[]): SnapshotEntry[] {
  const commands = new Map<SnapshotId, SnapshotCommand[]>();
  for (const { command } of queue)
    commands.set(command.snapshotId, [...(commands.get(command.snapshotId) ?? []), command]);
  const sealed = [...records.values()].flatMap((record) => {
    const summary = sealedSummary(record);
    if (summary === undefined || record.feed?.erased === true) return [];
    return entryOf(summary, commands.get(record.id) ?? [], record) ?? [];
  });
  const pending = pendingEntries(records, queue, commands);
  return [...pending.toReversed(), ...sealed.toSorted(byNewest)];
}

const byNewest = ({ summary: one }: SnapshotEntry, { summary: other }: SnapshotEntry): number =>
  other.createdAt - one.createdAt || (one.id < other.id ? 1 : -1);

/** Those that were taken here and are not sealed, oldest first, each with the number it will most likely have. */
function pendingEntries(
  records: SnapshotRecords,
  queue: readonly QueuedCommand[],
  commands: ReadonlyMap<SnapshotId, SnapshotCommand[]>,
): SnapshotEntry[] {
  const numbers = new Map<string, number>();
  const taken = queue.filter(({ command }) => command.deed.type === "take" && !records.has(command.snapshotId));
  if (taken.length === 0) return [];
  for (const record of records.values()) {
    const { conversationId, number } = sealedSummary(record) ?? { conversationId: record.conversationId, number: 0 };
    numbers.set(conversationId, Math.max(numbers.get(conversationId) ?? 0, number));
  }
  return taken.flatMap(({ command }) => {
    const { snapshotId, conversationId } = command;
    const number = (numbers.get(conversationId) ?? 0) + 1;
    // One that will never be sealed gets none.
    if (command.refused === undefined) numbers.set(conversationId, number);
    const summary = pendingSummary(command, number);
    return (summary && entryOf(summary, commands.get(snapshotId) ?? [], undefined)) ?? [];
  });
}

function pendingSummary(command: SnapshotCommand, number: number): SnapshotSummary | undefined {
  const { snapshotId, conversationId, createdAt, deed } = command;
  if (deed.type !== "take") return undefined;
  const { title, note, tags, manifest, contentId, model, excerpt, createdBy } = deed;
  const { head, messageCount, settings } = manifest;
  const frozen = { contentId, head, messageCount, model: model ?? settings.model, excerpt };
  const taken = { id: snapshotId, conversationId, number, createdAt, createdBy, deleted: false };
  return { ...taken, ...frozen, title, note, tags };
}

/** `undefined` for what is to be erased. */
function entryOf(
  sealed: SnapshotSummary,
  commands: readonly SnapshotCommand[],
  record: SnapshotRecord | undefined,
): SnapshotEntry | undefined {
  let summary = sealed;
  const isTaken = !commands.some(({ deed, refused }) => deed.type === "take" && refused !== undefined);
  for (const { deed, refused } of commands) {
    if (isTaken && refused === undefined && deed.type === "erase") return undefined;
    // A change that the server refused is not what it has, and may be older than one that it took.
    if (record === undefined || refused === undefined) summary = withDeed(summary, deed);
  }
  const deletedAt = summary.deleted && record?.feed?.summary.deleted ? record.feed.deletedAt : undefined;
  return { summary, state: stateOf(commands, record), deletedAt };
}

function stateOf(commands: readonly SnapshotCommand[], record: SnapshotRecord | undefined): SnapshotState {
  const code = commands.find(({ refused }) => refused !== undefined)?.refused;
  if (code !== undefined) return { type: record === undefined ? "refused" : "change-refused", code };
  if (record === undefined) return { type: "pending" };
  return { type: commands.length > 0 ? "changing" : "sealed" };
}
