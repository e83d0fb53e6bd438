import * as z from "zod/mini";
import { snapshotEntrySchema } from "#shared/protocol/feed-bodies.ts";
import { manifestSchema } from "#shared/protocol/snapshot-bodies.ts";
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
      model: z.optional(text),
      excerpt: text,
      createdBy: text,
      source: z.optional(z.literal("file")),
    }),
    z.object({ type: z.literal("labels"), labels: z.partial(z.object(labels)) }),
    z.object({ type: z.enum(["restore", "delete", "erase"]) }),
  ]),
});

/** Whether it can be delivered. */
export const isSnapshotCommand = (raw: unknown): raw is SnapshotCommand => commandSchema.safeParse(raw).success;

type Fields = Record<string, unknown>;
const isFields = (raw: unknown): raw is Fields => typeof raw === "object" && raw !== null;
const areTexts = (raw: Fields, ...keys: string[]): boolean => keys.every((key) => typeof raw[key] === "string");
const areNumbers = (raw: Fields, ...keys: string[]): boolean => keys.every((key) => Number.isFinite(raw[key]));

const isSummary = (raw: unknown): boolean =>
  isFields(raw) &&
  areTexts(raw, "id", "conversationId", "contentId", "model", "excerpt", "title", "note", "createdBy") &&
  areNumbers(raw, "number", "messageCount", "createdAt") &&
  Array.isArray(raw["tags"]) &&
  raw["tags"].every((tag) => typeof tag === "string");

const isFeedPlace = (raw: unknown): boolean =>
  isFields(raw) && areNumbers(raw, "feedSeq", "headSeq") && isSummary(raw["summary"]);

const isAnswered = (raw: unknown): boolean => isFields(raw) && isSummary(raw["summary"]);

/**
 * Whether it can be shown. By hand, because thousands are read when a page opens; what its manifest says is compared with
 * its content id when it is read.
 */
export const isSnapshotRecord = (raw: unknown): raw is SnapshotRecord =>
  isFields(raw) &&
  areTexts(raw, "id", "conversationId") &&
  (raw["feed"] === undefined || isFeedPlace(raw["feed"])) &&
  (raw["answered"] === undefined || isAnswered(raw["answered"])) &&
  (raw["manifest"] === undefined || isFields(raw["manifest"]));

/** Those entries of a page of the feed that are of snapshots and that this version understands. */
export const snapshotEntriesIn = (page: readonly unknown[]): SnapshotFeedEntry[] =>
  page.flatMap((raw) => {
    const parsed = snapshotEntrySchema.safeParse(raw);
    return parsed.success ? [parsed.data] : [];
  });
