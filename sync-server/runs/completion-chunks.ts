import * as z from "zod/mini";
import type { FinishReason } from "#shared/domain/run.ts";
import { classifyError, plainWordOf } from "./failure-classes.ts";
import type { ProviderFailure } from "./failure-classes.ts";
import type { ReportedUsage } from "./usage-count.ts";

/** What one data line of a Chat Completions stream says. */
export type CompletionPart =
  | { type: "model"; model: string }
  /** the state of the system that answers */
  | { type: "fingerprint"; fingerprint: string }
  | { type: "text"; text: string }
  | { type: "reasoning"; text: string }
  | { type: "finish"; finish: FinishReason }
  | { type: "usage"; usage: ReportedUsage }
  | { type: "done" }
  /** the line is no chunk, and is skipped */
  | { type: "unreadable" }
  | { type: "failed"; failure: ProviderFailure };

/** A stream with more unreadable lines than this is no stream of completions. */
export const MOST_BAD_LINES = 20;

const text = z.nullish(z.string());
const count = z.nullish(z.number());
const chunkSchema = z.object({
  model: z.optional(z.catch(z.optional(z.string()), undefined)),
  system_fingerprint: z.catch(text, undefined),
  choices: z.optional(
    z.nullable(
      z.array(
        z.object({
          index: z.optional(z.number()),
          delta: z.nullish(z.object({ content: text, refusal: text, reasoning_content: text, reasoning: text })),
          finish_reason: text,
        }),
      ),
    ),
  ),
  usage: z.catch(
    z.nullish(
      z.object({
        prompt_tokens: count,
        completion_tokens: count,
        prompt_tokens_details: z.nullish(z.object({ cached_tokens: count })),
        completion_tokens_details: z.nullish(z.object({ reasoning_tokens: count })),
      }),
    ),
    undefined,
  ),
  error: z.optional(z.unknown()),
});
type Chunk = z.infer<typeof chunkSchema>;

const FINISHES: Readonly<Record<string, FinishReason>> = {
  stop: "stop",
  eos: "stop",
  length: "length",
  max_tokens: "length",
  tool_calls: "tool",
  function_call: "tool",
  content_filter: "content_filter",
};

/**
 * Reads the data lines of one Chat Completions stream. A line that is no such chunk is `unreadable`; with too many of
 * them the answer is `bad_response`.
 */
export function createChunkReader() {
  let badLines = 0;
  /** as the last chunk named it: each chunk does, and only a new name says something */
  let model: string | undefined;
  let fingerprint: string | undefined;

  function partsOf({ error, model: named, system_fingerprint: system, choices, usage }: Chunk): CompletionPart[] {
    if (error !== undefined && error !== null) return [{ type: "failed", failure: failureOf(error) }];
    const parts: CompletionPart[] = named && named !== model ? [{ type: "model", model: (model = named) }] : [];
    if (system && system !== fingerprint) parts.push({ type: "fingerprint", fingerprint: (fingerprint = system) });
    const choice = choices?.find(({ index }) => index === undefined || index === 0);
    if (choice) parts.push(...partsOfChoice(choice));
    if (usage) parts.push({ type: "usage", usage: usageOf(usage) });
    return parts;
  }

  return {
    read(data: string): CompletionPart[] {
      if (isDone(data)) return [{ type: "done" }];
      const raw = parseJson(data);
      const plain = plainTextOf(raw, { model, fingerprint });
      if (plain !== undefined) return [{ type: "text", text: plain }];
      const parsed = chunkSchema.safeParse(raw);
      if (parsed.success) return partsOf(parsed.data);
      badLines += 1;
      if (badLines <= MOST_BAD_LINES) return [{ type: "unreadable" }];
      return [{ type: "unreadable" }, { type: "failed", failure: { class: "bad_response", said: "unreadable_lines" } }];
    },
  };
}

const isDone = (data: string): boolean => data.length < 100 && data.trim() === "[DONE]";

function parseJson(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    return undefined; // no chunk, which the schema will say
  }
}

/**
 * The text of a chunk that says a piece of text and nothing else, as nearly all do. It is one the schema accepts;
 * `undefined` leaves the chunk to the schema, which costs several times as much.
 */
function plainTextOf(raw: unknown, known: { model?: string | undefined; fingerprint?: string | undefined }) {
  const { model, system_fingerprint: system, ...rest } = (raw ?? {}) as Partial<Record<keyof Chunk, unknown>>;
  const { choices, usage, error } = rest;
  const isNews = model !== known.model || (isSaid(system) && system !== known.fingerprint);
  const says = !isNews && !isSaid(usage) && !isSaid(error) && Array.isArray(choices) && choices.length === 1;
  return says ? plainTextOfChoice((choices[0] ?? {}) as Partial<Choice>) : undefined;
}

function plainTextOfChoice({ index, delta, finish_reason: finish }: Partial<Choice>): string | undefined {
  if (index !== 0 || !delta || isSaid(finish)) return undefined;
  const { content, refusal, reasoning_content: reasoningContent, reasoning } = delta;
  if (isSaid(refusal) || isSaid(reasoningContent) || isSaid(reasoning)) return undefined;
  return typeof content === "string" && content !== "" ? content : undefined;
}

const isSaid = (value: unknown): boolean => value !== undefined && value !== null;

type Choice = NonNullable<Chunk["choices"]>[number];

function partsOfChoice({ delta, finish_reason: finish }: Choice): CompletionPart[] {
  const parts: CompletionPart[] = [];
  const reasoning = delta?.reasoning_content || delta?.reasoning;
  if (reasoning) parts.push({ type: "reasoning", text: reasoning });
  const content = delta?.content || delta?.refusal;
  if (content) parts.push({ type: "text", text: content });
  if (finish) parts.push({ type: "finish", finish: FINISHES[finish] ?? "stop" });
  return parts;
}

function usageOf(usage: NonNullable<Chunk["usage"]>): ReportedUsage {
  return {
    inputTokens: usage.prompt_tokens ?? undefined,
    outputTokens: usage.completion_tokens ?? undefined,
    cachedTokens: usage.prompt_tokens_details?.cached_tokens ?? undefined,
    reasoningTokens: usage.completion_tokens_details?.reasoning_tokens ?? undefined,
  };
}

/** Reads the error object of a stream or of a refusal's body. */
export function readProviderError(error: unknown): {
  code: string | undefined;
  type: string | undefined;
  message: string | undefined;
  param: string | undefined;
} {
  const record = (error !== null && typeof error === "object" ? error : { message: error }) as Record<string, unknown>;
  const field = (name: string): string | undefined => {
    const value = record[name];
    return typeof value === "string" ? value : typeof value === "number" ? String(value) : undefined;
  };
  return { code: field("code"), type: field("type"), message: field("message"), param: field("param") };
}

function failureOf(raw: unknown): ProviderFailure {
  const error = readProviderError(raw);
  return { class: classifyError(error), said: plainWordOf(error) };
}
