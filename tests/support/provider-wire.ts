import type { AnswerBehaviour, ProviderUsage } from "./provider-behaviour.ts";

/** One write to the socket. */
export interface Piece {
  bytes: Uint8Array;
  /** whether a gated answer needs one release to send it */
  gated: boolean;
}

/** After `offset` bytes of the body, this much more of a channel was sent. */
export interface Mark {
  offset: number;
  channel: "text" | "reasoning";
  text: string;
}

/** The body of an answer as the bytes that go over the wire, without time. */
export interface AnswerPlan {
  pieces: readonly Piece[];
  marks: readonly Mark[];
  /** what follows the last piece */
  followUp: { type: "end" } | { type: "cut" } | { type: "stall"; commentEveryMs: number | undefined };
}

export interface AnswerRequest {
  /** the model the request named */
  model: string;
  /** whether it set `stream_options.include_usage` */
  includeUsage: boolean;
  /** number of the request, part of the completion's id */
  index: number;
}

interface Event {
  raw: string;
  gated: boolean;
  mark?: Omit<Mark, "offset"> | undefined;
}

const ABSURD: ProviderUsage = { prompt_tokens: -7, completion_tokens: 9e15, total_tokens: Number.MAX_SAFE_INTEGER };

/** Plans every byte of an answer: the events, where they are cut, and what each byte offset has delivered. */
export function planAnswer(behaviour: AnswerBehaviour, request: AnswerRequest): AnswerPlan {
  const events = [openingEvent(behaviour, request), ...tokenEvents(behaviour, request), ...tail(behaviour, request)];
  const commented = events.map((event, i) =>
    behaviour.commentEvery > 0 && i % behaviour.commentEvery === 0
      ? { ...event, raw: `: keep-alive${behaviour.newline}${behaviour.newline}${event.raw}` }
      : event,
  );
  const encoder = new TextEncoder();
  const encoded = commented.map((event) => encoder.encode(event.raw));
  const marks: Mark[] = [];
  let offset = 0;
  for (const [i, event] of commented.entries()) {
    offset += encoded[i]!.length;
    if (event.mark) marks.push({ offset, ...event.mark });
  }
  const pieces =
    behaviour.split === undefined
      ? commented.map((event, i) => ({ bytes: encoded[i]!, gated: event.gated }))
      : cutAt(Buffer.concat(encoded), behaviour.split);
  return { pieces, marks, followUp: followUp(behaviour) };
}

function cutAt(body: Uint8Array, split: NonNullable<AnswerBehaviour["split"]>): Piece[] {
  const edges = [0, ...split(body), body.length];
  return edges.slice(1).map((end, i) => ({ bytes: body.subarray(edges[i], end), gated: true }));
}

function followUp({ ending }: AnswerBehaviour): AnswerPlan["followUp"] {
  switch (ending.type) {
    case "cut":
      return { type: "cut" };
    case "stall":
      return { type: "stall", commentEveryMs: ending.commentEveryMs };
    case "done":
    case "no-done":
    case "eof":
    case "error":
      return { type: "end" };
  }
}

/** How many text tokens are sent before the ending. */
const tokensSent = ({ ending, tokens }: AnswerBehaviour): number => ("after" in ending ? ending.after : tokens.length);

function openingEvent(behaviour: AnswerBehaviour, request: AnswerRequest): Event {
  return { raw: chunk(behaviour, request, { role: "assistant", content: "" }, 0), gated: false };
}

function tokenEvents(behaviour: AnswerBehaviour, request: AnswerRequest): Event[] {
  const reasoning = behaviour.reasoning.map((text) => ({
    raw: chunk(behaviour, request, { reasoning_content: text }, 0),
    gated: true,
    mark: { channel: "reasoning" as const, text },
  }));
  const texts = behaviour.tokens.slice(0, tokensSent(behaviour)).map((text, i) => ({
    raw: insertsBefore(behaviour, i) + chunk(behaviour, request, { content: text }, i + 1),
    gated: true,
    mark: { channel: "text" as const, text },
  }));
  return [...reasoning, ...texts];
}

const insertsBefore = (behaviour: AnswerBehaviour, index: number): string =>
  behaviour.inserts
    .filter(({ before }) => before === index)
    .map(({ raw }) => raw)
    .join("");

/** Finish chunk, usage and `[DONE]` are one step of a gated answer, after the last token's. */
function tail(behaviour: AnswerBehaviour, request: AnswerRequest): Event[] {
  const { ending, finish, newline, tokens } = behaviour;
  if (ending.type === "error")
    return [{ raw: `data: ${JSON.stringify({ error: ending.error })}${newline}${newline}`, gated: true }];
  if (ending.type !== "done" && ending.type !== "no-done") return [];
  const sent = tokens.length;
  const closing = finish === undefined ? "" : chunk(behaviour, request, {}, sent, finish);
  const usage = sendsTotals(behaviour, request) ? usageChunk(behaviour, request) : "";
  const done = ending.type === "done" ? `data: [DONE]${newline}${newline}` : "";
  const raw = insertsBefore(behaviour, sent) + closing + usage + done;
  return raw === "" ? [] : [{ raw, gated: true }];
}

function sendsTotals({ usage }: AnswerBehaviour, { includeUsage }: AnswerRequest): boolean {
  if (usage === "on-request") return includeUsage;
  return usage === "always" || usage === "absurd" || typeof usage === "object";
}

function usageAfter({ usage, reasoning }: AnswerBehaviour, tokens: number): ProviderUsage | null | undefined {
  switch (usage) {
    case "missing":
      return undefined;
    case "null":
      return null;
    case "absurd":
      return ABSURD;
    case "on-request":
    case "always":
    case "every-chunk":
      return countedUsage(tokens + reasoning.length);
    default:
      return usage;
  }
}

/** What the scripted provider counts: 11 tokens of prompt, and each delta as one token of output. */
export const countedUsage = (output: number): ProviderUsage => ({
  prompt_tokens: 11,
  completion_tokens: output,
  total_tokens: 11 + output,
});

function usageChunk(behaviour: AnswerBehaviour, request: AnswerRequest): string {
  const usage = usageAfter(behaviour, behaviour.tokens.length);
  return dataLine(behaviour, { ...envelope(behaviour, request), choices: [], usage });
}

function chunk(
  behaviour: AnswerBehaviour,
  request: AnswerRequest,
  delta: Record<string, unknown>,
  tokens: number,
  finish: string | null = null,
): string {
  const perChunk = behaviour.usage === "null" || behaviour.usage === "every-chunk";
  return dataLine(behaviour, {
    ...envelope(behaviour, request),
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
    ...(perChunk ? { usage: usageAfter(behaviour, tokens) } : {}),
  });
}

const envelope = (behaviour: AnswerBehaviour, request: AnswerRequest) => ({
  id: `chatcmpl-scripted-${request.index}`,
  object: "chat.completion.chunk",
  created: 1_700_000_000,
  model: behaviour.model ?? request.model,
});

const dataLine = ({ newline }: AnswerBehaviour, body: unknown): string =>
  `data: ${JSON.stringify(body)}${newline}${newline}`;
