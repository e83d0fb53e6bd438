import { Hono } from "hono";
import type { Feed, FeedEntry } from "#shared/protocol/feed-bodies.ts";
import { feedQuerySchema } from "#shared/protocol/http-bodies.ts";
import { openTenant } from "#server/access/tenant.ts";
import type { FeedRow } from "#server/access/tenant.ts";
import type { Database } from "#server/storage/database.ts";
import type { AppEnv } from "./app-env.ts";
import { readQuery } from "./body.ts";

const USUAL_LIMIT = 500;
const MOST = 1000;

/** `GET /api/sync/feed?cursor=&limit=`: the caller's documents that changed after the cursor. */
export const feedRoutes = (database: Database): Hono<AppEnv> =>
  new Hono<AppEnv>().get("/", async (c) => {
    const query = readQuery(c.req.url, feedQuerySchema);
    if (!query.ok) return query.failure;
    const cursor = Number(query.value.cursor ?? 0);
    const limit = Math.min(Number(query.value.limit ?? USUAL_LIMIT), MOST);
    // One row more than asked for tells whether there is more.
    const rows = await openTenant(database, c.var.principal).feedAfter(cursor, limit + 1);
    const page = rows.slice(0, limit);
    const feed: Feed = {
      entries: page.map(entryOf),
      cursor: page.at(-1)?.feedSeq ?? cursor,
      more: rows.length > limit,
    };
    return c.json(feed);
  });

function entryOf({
  kind,
  feedSeq,
  id,
  epoch,
  summarySeq,
  activityAt,
  summary,
  manifest,
  ...trash
}: FeedRow): FeedEntry {
  const place = { id, feedSeq, epoch, headSeq: summarySeq, activityAt, ...trashOf(trash) };
  const frozen = manifest ? { manifest: JSON.parse(manifest) as unknown } : undefined;
  // Written by the server itself in the shape of its kind.
  return { kind, ...place, summary: JSON.parse(summary) as unknown, ...frozen } as FeedEntry;
}

function trashOf({ deletedAt, deletedSeq, erasedAt }: Pick<FeedRow, "deletedAt" | "deletedSeq" | "erasedAt">) {
  if (erasedAt !== null) return { erased: true };
  return { ...(deletedAt !== null && { deletedAt }), ...(deletedSeq !== null && { deletedSeq }) };
}
