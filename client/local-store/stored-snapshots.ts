import * as z from "zod/mini";
import { snapshotEntrySchema } from "#shared/protocol/feed-bodies.ts";
import { manifestSchema, snapshotSummarySchema } from "#shared/protocol/snapshot-bodies.ts";
import type { SnapshotFeedEntry } from "#shared/protocol/feed-bodies.ts";
import type { SnapshotCommand, SnapshotRecord } from "./snapshot-record.ts";

// What is stored of snapshots, parsed where it is read: a disk may garble it (see `stored-records.ts`).

const text = z.string();
const labels = { title: text, note: text, tags: z.array(text) };

const commandSchema = z.object({
  snapshotId: text,
  conversationId: text,
  createdAt: z.number(),
  refused: z.optional(text),
  deed: z.union([
    z.object({
      type: z.literal("take"),
      ...labels,
      manifest: manifestSchema,
      contentId: text,
      leaf: text,
      excerpt: text,
      createdBy: text,
    }),
    z.object({ type: z.literal("labels"), labels: z.partial(z.object(labels)) }),
    z.object({ type: z.enum(["restore", "delete", "erase"]) }),
  ]),
});

const recordSchema = z.object({
  id: text,
  conversationId: text,
  feed: z.optional(snapshotEntrySchema),
  answered: z.optional(z.object({ summary: snapshotSummarySchema, headSeq: z.optional(z.number()) })),
  manifest: z.optional(manifestSchema),
});

/** Whether it can be delivered. */
export const isSnapshotCommand = (raw: unknown): raw is SnapshotCommand => commandSchema.safeParse(raw).success;

/** Whether it can be shown. */
export const isSnapshotRecord = (raw: unknown): raw is SnapshotRecord => recordSchema.safeParse(raw).success;

/** Those entries of a page of the feed that are of snapshots and that this version understands. */
export const snapshotEntriesIn = (page: readonly unknown[]): SnapshotFeedEntry[] =>
  page.flatMap((raw) => {
    const parsed = snapshotEntrySchema.safeParse(raw);
    return parsed.success ? [parsed.data] : [];
  });
