import * as z from "zod/mini";
import { PARAMETER_BOUNDS } from "#shared/domain/parameters.ts";
import { FINISH_REASONS, RUN_FAILURE_CODES, RUN_STATUSES } from "#shared/domain/run.ts";
import { uuidV7 } from "./http-bodies.ts";

// Bodies about runs. Requests are strict, answers are open.

const bounded = ({ min, max }: { min: number; max: number }) => z.number().check(z.gte(min), z.lte(max));

export const runParametersSchema = z.strictObject({
  temperature: z.optional(bounded(PARAMETER_BOUNDS.temperature)),
  topP: z.optional(bounded(PARAMETER_BOUNDS.topP)),
  maxOutputTokens: z.optional(z.int().check(z.gte(1), z.lte(PARAMETER_BOUNDS.maxOutputTokens.max))),
});

/** Body of `PUT /api/runs/:id`. */
export const startRunSchema = z.strictObject({
  conversationId: uuidV7,
  /** the prompt this run answers */
  parentMessageId: uuidV7,
  /** the message this run writes; made by the device, so that a repeated start writes no second one */
  messageId: uuidV7,
  model: z.string().check(z.minLength(1), z.maxLength(200)),
  parameters: runParametersSchema,
  /** a stopped, interrupted or cut-off run whose text this one carries on */
  continues: z.optional(uuidV7),
});
export type StartRun = z.infer<typeof startRunSchema>;

export const runUsageSchema = z.object({
  inputTokens: z.optional(z.number()),
  outputTokens: z.optional(z.number()),
  cachedTokens: z.optional(z.number()),
  reasoningTokens: z.optional(z.number()),
  source: z.enum(["provider", "estimated"]),
  costMicroUsd: z.optional(z.number()),
});

export const runFailureSchema = z.object({
  code: z.catch(z.enum(RUN_FAILURE_CODES), "internal"),
  retryable: z.boolean(),
  retryAt: z.optional(z.number()),
});

/** Answer of `GET /api/runs/:id`: where the run is, with everything it wrote so far. */
export const runSnapshotSchema = z.object({
  id: z.string(),
  conversationId: z.string(),
  parentMessageId: z.string(),
  messageId: z.string(),
  model: z.string(),
  resolvedModel: z.optional(z.string()),
  state: z.enum(RUN_STATUSES),
  /** the last frame of the log; 0 when there is none yet */
  seq: z.number(),
  text: z.string(),
  reasoning: z.string(),
  attempts: z.number(),
  finish: z.optional(z.enum(FINISH_REASONS)),
  failure: z.optional(runFailureSchema),
  usage: z.optional(runUsageSchema),
});
export type RunSnapshot = z.infer<typeof runSnapshotSchema>;

/** Query of `GET /api/runs/:id/events`. */
export const runEventsQuerySchema = z.strictObject({
  /** the last frame the reader has; the header `Last-Event-ID` wins over it */
  after: z.optional(z.string().check(z.regex(/^-?\d{1,15}$/))),
  /** seconds to wait for something new; without it the answer is an event stream */
  wait: z.optional(z.string().check(z.regex(/^([01]?\d|2[0-5])$/))),
});
