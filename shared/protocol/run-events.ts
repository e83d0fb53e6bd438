import * as z from "zod/mini";
import { FINISH_REASONS, RUN_STATUSES, TERMINAL_RUN_STATUSES } from "#shared/domain/run.ts";
import { runFailureSchema, runUsageSchema } from "./run-bodies.ts";

/**
 * Events of `GET /api/runs/:id/events`, by their SSE names. `s`, `d` and `end` are frames of the log and
 * carry its number as the SSE id; `snap` carries the number it replaces everything up to; the others have
 * no id and never move a cursor.
 */
const schemas = {
  /** an attempt starts */
  s: z.object({
    v: z.number(),
    run: z.string(),
    msg: z.string(),
    state: z.enum(RUN_STATUSES),
    attempt: z.number(),
    model: z.optional(z.string()),
  }),
  /** text `t` of channel `c` (t text, r reasoning) that begins at UTF-16 offset `o` of that channel */
  d: z.object({ c: z.enum(["t", "r"]), o: z.number(), t: z.string() }),
  /** the whole run up to `seq` */
  snap: z.object({ seq: z.number(), ch: z.object({ t: z.string(), r: z.string() }), state: z.enum(RUN_STATUSES) }),
  /** the last frame */
  end: z.object({
    state: z.enum(TERMINAL_RUN_STATUSES),
    finish: z.optional(z.enum(FINISH_REASONS)),
    failure: z.optional(runFailureSchema),
    usage: z.optional(runUsageSchema),
    /** lengths of the channels, so that a reader can prove it has everything */
    len: z.object({ t: z.number(), r: z.number() }),
  }),
  /** the provider refused; attempt `n` of `max` starts at `at` (ms since 1970) */
  retry: z.object({ class: z.string(), at: z.number(), n: z.number(), max: z.number() }),
  /** nothing came from the provider for `ms` milliseconds */
  stall: z.object({ ms: z.number() }),
  /** the server goes away: come back at once */
  bye: z.object({ reason: z.string() }),
};

type Schemas = typeof schemas;
export type RunEvent = {
  [Name in keyof Schemas]: { type: Name; seq: number | undefined } & z.infer<Schemas[Name]>;
}[keyof Schemas];

/** Answer of `GET /api/runs/:id/events?wait=`: the events after the cursor, as they would have been streamed. */
export const runEventsSchema = z.object({
  events: z.array(z.looseObject({ type: z.string(), seq: z.optional(z.number()) })),
  state: z.enum(RUN_STATUSES),
});

/**
 * Reads one event. `undefined` for names a newer server may send and for data that is not what the name
 * promises; the reader's offset check then asks for a snapshot.
 */
export function parseRunEvent(name: string, data: string, id: string | undefined): RunEvent | undefined {
  if (!Object.hasOwn(schemas, name)) return undefined;
  let raw: unknown;
  try {
    raw = JSON.parse(data);
  } catch {
    return undefined; // a proxy's mangled line reads like a lost frame
  }
  const parsed = schemas[name as keyof Schemas].safeParse(raw);
  const seq = id !== undefined && /^\d+$/.test(id) ? Number(id) : undefined;
  return parsed.success ? ({ type: name, seq, ...parsed.data } as RunEvent) : undefined;
}

/** Writes one event as SSE text (WHATWG HTML §9.2). JSON keeps line breaks escaped, so data is one line. */
export function formatRunEvent(event: RunEvent): string {
  const { type, seq, ...data } = event;
  const body = event.type === "snap" ? { ...data, seq: event.seq } : data;
  const id = seq === undefined ? "" : `id: ${seq}\n`;
  return `${id}event: ${type}\ndata: ${JSON.stringify(body)}\n\n`;
}
