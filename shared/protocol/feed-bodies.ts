import * as z from "zod/mini";
import { conversationEntrySchema, feedPlace } from "./http-bodies.ts";
import { manifestSchema, snapshotSummarySchema } from "./snapshot-bodies.ts";

// Beside the other bodies, because a first visit loads those, and reads of snapshots later.

export const snapshotEntrySchema = z.object({
  kind: z.literal("snapshot"),
  ...feedPlace,
  summary: snapshotSummarySchema,
  /** what its messages do not say, so that devices can show all of it without asking; absent where it is erased */
  manifest: z.optional(manifestSchema),
});
export type SnapshotFeedEntry = z.infer<typeof snapshotEntrySchema>;

export const feedEntrySchema = z.union([conversationEntrySchema, snapshotEntrySchema]);
export type FeedEntry = z.infer<typeof feedEntrySchema>;

/** Answer of `GET /api/sync/feed`: documents changed after the cursor, each once, in order of change. */
export const feedSchema = z.object({
  entries: z.array(feedEntrySchema),
  /** hand this to the next request */
  cursor: z.number(),
  /** whether there is more to read right now */
  more: z.boolean(),
});
export type Feed = z.infer<typeof feedSchema>;
