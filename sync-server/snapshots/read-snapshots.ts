import { err, ok } from "#shared/lib/result.ts";
import type { Result } from "#shared/lib/result.ts";
import { authorize } from "#server/access/authorize.ts";
import type { Action } from "#server/access/authorize.ts";
import type { AccountPrincipal } from "#server/access/principal.ts";
import { openSnapshotTenant } from "#server/access/snapshot-tenant.ts";
import type { SnapshotFilters, SnapshotPlace, SnapshotRow } from "#server/access/snapshot-tenant.ts";
import { openTenant } from "#server/access/tenant.ts";
import type { Database } from "#server/storage/database.ts";

/** A snapshot with all that was frozen, each part as the JSON that is stored. */
export interface SnapshotTexts {
  summary: string;
  /** where the log of its document ended that the summary was made from */
  headSeq: number;
  manifest: string;
  /** first to last */
  messages: readonly string[];
}

export interface SnapshotPage {
  /** JSON of summaries, newest first */
  summaries: string[];
  /** the last of them, where there are more after it */
  next: SnapshotPlace | undefined;
}

/** Frozen messages of one conversation, in the order in which they came. */
export interface SeriesTexts {
  conversationId: string;
  messages: { hash: string; body: string }[];
  /** the place of the last one */
  after: number;
  more: boolean;
}

/** An answer with frozen messages is about so long at most; one message that is longer comes alone. */
const ANSWER_BYTES = 4 * 1024 * 1024;
/** How many messages of one conversation an answer looks at. */
const MOST_MESSAGES = 5_000;

/** A snapshot that the principal may do this with, and that is not erased. */
export async function findOwn(
  database: Database,
  principal: AccountPrincipal,
  action: Action,
  id: string,
): Promise<SnapshotRow | undefined> {
  const resource = await openTenant(database, principal).documentResource(id);
  if (resource === undefined || !authorize(principal, action, resource)) return undefined;
  const row = await openSnapshotTenant(database, principal).snapshot(id);
  return row?.erased_at === null ? row : undefined;
}

/** Throws where messages are missing that were stored together with it. */
export async function readSnapshot(
  database: Database,
  principal: AccountPrincipal,
  id: string,
  action: Action = "snapshot.read",
): Promise<Result<SnapshotTexts, "not_found">> {
  const row = await findOwn(database, principal, action, id);
  if (row === undefined) return err("not_found");
  const { summary, summary_seq: headSeq, manifest, head, conversation_id } = row;
  const chain = head === null ? [] : await openSnapshotTenant(database, principal).chain(conversation_id, head);
  const { messageCount } = JSON.parse(manifest) as { messageCount: number };
  if (chain.length !== messageCount && !(await findOwn(database, principal, action, id))) return err("not_found");
  if (chain.length !== messageCount) throw new Error(`A snapshot has ${chain.length} of ${messageCount} messages`);
  return ok({ summary, headSeq, manifest, messages: chain.map(({ body }) => body) });
}

export async function listSnapshots(
  database: Database,
  principal: AccountPrincipal,
  filters: SnapshotFilters,
  after: SnapshotPlace | undefined,
  limit: number,
): Promise<SnapshotPage> {
  // One row more than asked for tells whether there is more.
  const rows = await openSnapshotTenant(database, principal).summaries(filters, after, limit + 1);
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  const hasMore = rows.length > limit && last !== undefined;
  return {
    summaries: page.map(({ summary }) => summary),
    next: hasMore ? { createdAt: last.created_at, id: last.id } : undefined,
  };
}

/** The frozen messages of some conversations, as many as fit into one answer: whatever is left is not named. */
export async function readSeries(
  database: Database,
  principal: AccountPrincipal,
  wanted: readonly { conversationId: string; after: number }[],
): Promise<SeriesTexts[]> {
  const tenant = openSnapshotTenant(database, principal);
  const series: SeriesTexts[] = [];
  let left = ANSWER_BYTES;
  for (const { conversationId, after } of wanted) {
    if (left <= 0) break;
    const sizes = await tenant.sizesAfter(conversationId, after, MOST_MESSAGES + 1);
    const { last, bytes } = fitting(sizes.slice(0, MOST_MESSAGES), after, left, left === ANSWER_BYTES);
    left -= bytes;
    const messages = last > after ? await tenant.messagesBetween(conversationId, after, last) : [];
    const more = sizes.some(({ seq }) => seq > last);
    series.push({ conversationId, messages, after: last, more });
    if (more) break;
  }
  return series;
}

/** Up to which place messages fit. @param alone whether the first is taken however long it is */
function fitting(sizes: readonly { seq: number; bytes: number }[], after: number, room: number, alone: boolean) {
  let [last, bytes] = [after, 0];
  for (const one of sizes) {
    const isFirst = alone && bytes === 0;
    if (!isFirst && bytes + one.bytes > room) break;
    last = one.seq;
    bytes += one.bytes;
  }
  return { last, bytes };
}
