import * as z from "zod/mini";
import { FROZEN_FORMAT } from "#shared/domain/frozen-content.ts";
import type { FrozenMessage, Manifest } from "#shared/domain/frozen-content.ts";
import { PARAMETER_BOUNDS } from "#shared/domain/parameters.ts";
import { FINISH_REASONS, RUN_FAILURE_CODES, TERMINAL_RUN_STATUSES } from "#shared/domain/run.ts";
import { MOST_TAGS, NOTE_LENGTH, TAG_LENGTH } from "#shared/domain/snapshot.ts";
import { TITLE_LENGTH } from "#shared/domain/summary.ts";
import { uuidV7 } from "./http-bodies.ts";

// What is frozen is parsed strictly on the way in: a field that this version does not know could not be vouched for.

/**
 * The longest body of a request that carries messages, in bytes. A document has 6 MiB: its messages are as long in JSON,
 * or twice that where every character is one that JSON escapes (quotes, line ends).
 */
export const FREEZE_BODY_BYTES = 16 * 1024 * 1024;
/** Most messages of one snapshot. */
export const MOST_FROZEN_MESSAGES = 10_000;
/** Of what a body of so many may be made: an answer with all that is known of it has 4 objects and 32 fields, in 5 levels. */
export const FREEZE_BODY_PARTS = {
  containers: 4 * MOST_FROZEN_MESSAGES + 10,
  commas: 32 * MOST_FROZEN_MESSAGES + 100,
  members: 32,
  depth: 8,
};

const hash = z.string().check(z.regex(/^[0-9a-f]{64}$/, "must be SHA-256 in lower-case hex"));
const time = z.number();
const short = z.string().check(z.maxLength(200));
const text = z.string().check(z.maxLength(4 * 1024 * 1024));
/** It is in the document of each snapshot, which has to fit into a frame with room to spare. */
const systemPrompt = z.string().check(z.maxLength(200_000));
const count = z.int().check(z.nonnegative());

const bounded = ({ min, max }: { min: number; max: number }) => z.optional(z.number().check(z.gte(min), z.lte(max)));
const parameters = z.strictObject({
  temperature: bounded(PARAMETER_BOUNDS.temperature),
  topP: bounded(PARAMETER_BOUNDS.topP),
  maxOutputTokens: bounded(PARAMETER_BOUNDS.maxOutputTokens),
});

const frozenRunSchema = z.strictObject({
  id: uuidV7,
  model: short,
  provider: short,
  resolvedModel: z.optional(short),
  systemFingerprint: z.optional(short),
  parameters,
  status: z.enum(TERMINAL_RUN_STATUSES),
  finish: z.optional(z.enum(FINISH_REASONS)),
  failure: z.optional(z.enum(RUN_FAILURE_CODES)),
  usage: z.optional(
    z.strictObject({
      inputTokens: z.optional(count),
      outputTokens: z.optional(count),
      cachedTokens: z.optional(count),
      reasoningTokens: z.optional(count),
      source: z.enum(["provider", "estimated"]),
      costMicroUsd: z.optional(count),
    }),
  ),
  queuedAt: time,
  startedAt: z.optional(time),
  firstTokenAt: z.optional(time),
  endedAt: z.optional(time),
  receipt: z.optional(z.string().check(z.maxLength(4_000))),
});

export const frozenMessageSchema = z.strictObject({
  previous: z.nullable(hash),
  id: uuidV7,
  role: z.enum(["user", "assistant"]),
  author: z.optional(short),
  text,
  reasoning: z.optional(text),
  createdAt: time,
  run: z.optional(frozenRunSchema),
});

export const manifestSchema = z.strictObject({
  format: z.literal(FROZEN_FORMAT),
  settings: z.strictObject({ model: short, systemPrompt, parameters }),
  messageCount: z.int().check(z.gte(1), z.lte(MOST_FROZEN_MESSAGES)),
  head: z.nullable(hash),
  origin: z.optional(z.strictObject({ snapshotId: uuidV7, contentId: hash })),
});

const title = z.string().check(z.maxLength(TITLE_LENGTH));
const note = z.string().check(z.maxLength(NOTE_LENGTH));
const tags = z.array(z.string().check(z.minLength(1), z.maxLength(TAG_LENGTH))).check(z.maxLength(MOST_TAGS));

/**
 * Body of `POST /api/snapshots`. Without `manifest` the server freezes the branch that its copy of the conversation
 * shows. With one, it freezes exactly that: the messages up to `leaf` in its own copy where they are those that are
 * named, else `messages`; where it has neither it answers `messages_missing`.
 */
export const takeSnapshotSchema = z.strictObject({
  id: uuidV7,
  conversationId: uuidV7,
  title: z.optional(title),
  note: z.optional(note),
  tags: z.optional(tags),
  leaf: z.optional(uuidV7),
  manifest: z.optional(manifestSchema),
  messages: z.optional(z.array(frozenMessageSchema).check(z.maxLength(MOST_FROZEN_MESSAGES))),
});
export type TakeSnapshot = z.infer<typeof takeSnapshotSchema>;

/** The same with messages that nobody looked at yet: each is to be parsed by `frozenMessageSchema`. */
export const takeSnapshotFrameSchema = z.extend(takeSnapshotSchema, {
  messages: z.optional(
    z.custom<unknown[]>((value) => Array.isArray(value) && value.length <= MOST_FROZEN_MESSAGES, "too many messages"),
  ),
});

/** Body of `PATCH /api/snapshots/:id`. `deleted: false` takes it out of the trash. */
export const changeSnapshotSchema = z.strictObject({
  title: z.optional(title),
  note: z.optional(note),
  tags: z.optional(tags),
  deleted: z.optional(z.literal(false)),
});
export type ChangeSnapshot = z.infer<typeof changeSnapshotSchema>;

/** Body of `POST /api/snapshots/:id/duplicate`: the new conversation's id, and its title where it is to have its own. */
export const duplicateSnapshotSchema = z.strictObject({ conversationId: uuidV7, title: z.optional(title) });
export type DuplicateSnapshot = z.infer<typeof duplicateSnapshotSchema>;

/** Query of `GET /api/snapshots`, newest first. `from` and `until` are ISO 8601 times of being taken. */
export const snapshotsQuerySchema = z.strictObject({
  conversation: z.optional(uuidV7),
  tag: z.optional(z.string().check(z.maxLength(TAG_LENGTH))),
  creator: z.optional(short),
  model: z.optional(short),
  from: z.optional(z.iso.datetime({ offset: true })),
  until: z.optional(z.iso.datetime({ offset: true })),
  deleted: z.optional(z.enum(["true", "false"])),
  cursor: z.optional(z.string().check(z.maxLength(200))),
  limit: z.optional(z.string().check(z.regex(/^[1-9]\d{0,2}$/))),
});

/** Query of `DELETE /api/snapshots/:id`: with `erase`, one that is in the trash goes for good. */
export const deleteSnapshotQuerySchema = z.strictObject({ erase: z.optional(z.literal("true")) });

/** Answer of `POST /api/snapshots/:id/duplicate`. */
export const duplicatedSchema = z.object({ conversationId: z.string() });

/** A snapshot as lists show it: `SnapshotSummary`. */
export const snapshotSummarySchema = z.object({
  id: z.string(),
  conversationId: z.string(),
  number: z.number(),
  contentId: z.string(),
  head: z.nullable(z.string()),
  messageCount: z.number(),
  model: z.string(),
  excerpt: z.string(),
  title: z.string(),
  note: z.string(),
  tags: z.array(z.string()),
  createdAt: z.number(),
  createdBy: z.string(),
  deleted: z.boolean(),
});

/** Answer of `GET /api/snapshots`. */
export const snapshotsSchema = z.object({
  snapshots: z.array(snapshotSummarySchema),
  /** hand this to the next request; absent where there are no more */
  cursor: z.optional(z.string()),
});

/** Answer of `GET /api/snapshots/:id`, and of all that makes or changes one: with all that was frozen. */
export const snapshotSchema = z.extend(snapshotSummarySchema, {
  manifest: manifestSchema,
  messages: z.array(frozenMessageSchema),
  /** where the log ended that says all this: what the feed tells of less is older */
  headSeq: z.optional(z.number()),
});
export type SnapshotAnswer = z.infer<typeof snapshotSchema>;

/** Most conversations of one request for frozen messages. */
export const MOST_WANTED_SERIES = 200;

/**
 * Body of `POST /api/snapshots/messages`: of which conversations the frozen messages are wanted, and after which place
 * of each; 0 for all.
 */
export const wantedMessagesSchema = z.strictObject({
  wanted: z
    .array(z.strictObject({ conversationId: uuidV7, after: z.int().check(z.nonnegative()) }))
    .check(z.minLength(1), z.maxLength(MOST_WANTED_SERIES)),
});

/** Its answer, in order of what was wanted; what did not fit into it is not named and is to be asked for again. */
export const frozenMessagesSchema = z.object({
  series: z.array(
    z.object({
      conversationId: z.string(),
      messages: z.array(z.object({ hash: z.string(), message: frozenMessageSchema })),
      /** the place of the last one */
      after: z.number(),
      /** whether there are more of it now */
      more: z.boolean(),
    }),
  ),
});

/** What was parsed is what the domain calls it. */
export const asManifest = (parsed: z.infer<typeof manifestSchema>): Manifest => parsed as Manifest;
export const asFrozenMessage = (parsed: z.infer<typeof frozenMessageSchema>): FrozenMessage => parsed as FrozenMessage;
