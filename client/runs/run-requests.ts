import type { RunCommand } from "#client/local-store/run-command.ts";
import type { Platform } from "#client/platform/platform.ts";
import { isTerminal } from "#shared/domain/run.ts";
import * as z from "zod/mini";
import { RUN_STATUSES } from "#shared/domain/run.ts";
import { runSnapshotSchema } from "#shared/protocol/run-bodies.ts";
import type { RunSnapshot, StartRun } from "#shared/protocol/run-bodies.ts";
import { problemSchema } from "#shared/protocol/problem.ts";
import { parseRunEvent } from "#shared/protocol/run-events.ts";
import type { RunEvent } from "#shared/protocol/run-events.ts";

type Fetch = Platform["fetch"];
export type ByteStream = ReadableStream<Uint8Array>;

/** How long a long poll may wait for news, in seconds. */
const POLL_SECONDS = 20;

const runUrl = (runId: string): string => `/api/runs/${encodeURIComponent(runId)}`;
const isEventStream = (response: Response): boolean =>
  response.headers.get("content-type")?.startsWith("text/event-stream") === true;

/** What `PUT /api/runs/:id` answered. `stream` is the run's events where the server sends them at once. */
export interface StartAnswer {
  status: number;
  code: string | undefined;
  retryAfterMs: number;
  stream: ByteStream | undefined;
}

/** Starts a run. Rejects when the network does. Repeating it has one effect. */
export async function putRun(fetch: Fetch, command: RunCommand, signal: AbortSignal): Promise<StartAnswer> {
  const { conversationId, parentMessageId, messageId, model, parameters, continues } = command;
  const body: StartRun = { conversationId, parentMessageId, messageId, model, parameters };
  const response = await fetch(runUrl(command.runId), {
    method: "PUT",
    headers: { "content-type": "application/json", accept: "text/event-stream" },
    body: JSON.stringify(continues === undefined ? body : { ...body, continues }),
    signal,
  });
  const { status } = response;
  const retryAfterMs = Math.max(0, Number(response.headers.get("retry-after") ?? 0) * 1000) || 0;
  if (response.ok && isEventStream(response) && response.body) {
    return { status, code: undefined, retryAfterMs, stream: response.body };
  }
  const code = response.ok ? undefined : await problemCode(response);
  if (response.ok) await response.body?.cancel();
  return { status, code, retryAfterMs, stream: undefined };
}

/** Opens the events after a frame. Answers the bytes, or the status of any other answer. */
export async function openRunEvents(
  fetch: Fetch,
  runId: string,
  after: number,
  signal: AbortSignal,
): Promise<{ stream: ByteStream } | { status: number }> {
  const response = await fetch(`${runUrl(runId)}/events?after=${after}`, {
    headers: { accept: "text/event-stream" },
    cache: "no-store",
    signal,
  });
  if (response.status === 200 && isEventStream(response) && response.body) return { stream: response.body };
  await response.body?.cancel();
  return { status: response.status === 200 ? 502 : response.status };
}

const pollSchema = z.object({
  events: z.array(z.looseObject({ type: z.string(), seq: z.optional(z.nullable(z.number())) })),
  state: z.enum(RUN_STATUSES),
});

/** The same events by long poll: waits up to 20 s for the first. */
export async function pollRunEvents(
  fetch: Fetch,
  runId: string,
  after: number,
  signal: AbortSignal,
): Promise<{ events: RunEvent[] } | { status: number }> {
  const response = await fetch(`${runUrl(runId)}/events?after=${after}&wait=${POLL_SECONDS}`, {
    headers: { accept: "application/json" },
    cache: "no-store",
    signal,
  });
  if (response.status !== 200) {
    await response.body?.cancel();
    return { status: response.status };
  }
  const parsed = pollSchema.safeParse(await response.json());
  if (!parsed.success) return { status: 502 };
  const events = parsed.data.events.flatMap(({ type, seq, ...data }) => {
    const id = typeof seq === "number" ? String(seq) : undefined;
    return parseRunEvent(type, JSON.stringify(type === "snap" ? { ...data, seq } : data), id) ?? [];
  });
  // Nothing more of a run that is over: the same as a stream's 204.
  if (events.length === 0 && isTerminal(parsed.data.state)) return { status: 204 };
  return { events };
}

/** The whole run, or the status of any other answer. */
export async function readRun(
  fetch: Fetch,
  runId: string,
  signal: AbortSignal,
): Promise<{ snapshot: RunSnapshot } | { status: number }> {
  const response = await fetch(runUrl(runId), { headers: { accept: "application/json" }, cache: "no-store", signal });
  if (response.status !== 200) {
    await response.body?.cancel();
    return { status: response.status };
  }
  const parsed = runSnapshotSchema.safeParse(await response.json());
  return parsed.success ? { snapshot: parsed.data } : { status: 502 };
}

/** Stops a run, or makes sure that it never starts. Answers the status. Repeating it changes nothing. */
export async function postStop(fetch: Fetch, runId: string, signal: AbortSignal): Promise<number> {
  const response = await fetch(`${runUrl(runId)}/stop`, { method: "POST", signal });
  await response.body?.cancel();
  return response.status;
}

/** Rejects where the body is cut short: without its code a status may read as final that is not. */
async function problemCode(response: Response): Promise<string | undefined> {
  try {
    const parsed = problemSchema.safeParse(await response.json());
    return parsed.success ? parsed.data.code : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined; // a proxy's page: the status alone decides
    throw error;
  }
}
