import * as z from "zod/mini";
import { feedEntrySchema, feedPlaceSchema } from "./http-bodies.ts";
import { snapshotSummarySchema } from "./snapshot-bodies.ts";

// Apart from `http-bodies.ts`, which is part of the first load of the app: snapshots are not.

/** A snapshot in the feed. An erased one says nothing but its id. */
export const snapshotEntrySchema = z.extend(feedPlaceSchema, {
  kind: z.literal("snapshot"),
  summary: snapshotSummarySchema,
});
export type SnapshotFeedEntry = z.infer<typeof snapshotEntrySchema>;

/** Answer of `GET /api/sync/feed` with entries of both kinds, in one order. */
export const wholeFeedSchema = z.object({
  entries: z.array(z.discriminatedUnion("kind", [feedEntrySchema, snapshotEntrySchema])),
  /** hand this to the next request */
  cursor: z.number(),
  /** whether there is more to read right now */
  more: z.boolean(),
});
export type WholeFeed = z.infer<typeof wholeFeedSchema>;
