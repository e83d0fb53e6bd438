import { formatRunEvent } from "#shared/protocol/run-events.ts";
import type { RunEvent } from "#shared/protocol/run-events.ts";
import { cutPoint } from "./frames.ts";

/** What a run's log holds. The other events are for those who are listening just then. */
export type LogEvent = Extract<RunEvent, { type: "s" | "d" | "end" }>;
/** An event without its number. */
export type LogBody = LogEvent extends infer Event ? (Event extends LogEvent ? Omit<Event, "seq"> : never) : never;

/** One entry of a run's log, written down once for the disk and once for all followers. */
export interface Frame {
  seq: number;
  event: LogEvent;
  /** JSON of the event without its type and number */
  json: string;
  /** the event as SSE text */
  sse: string;
}

export function createFrame(seq: number, body: LogBody): Frame {
  const { type, ...data } = { ...body, seq: undefined };
  const event = { ...body, seq } as LogEvent;
  const json = JSON.stringify(data);
  return { seq, event, json, sse: `id: ${seq}\nevent: ${type}\ndata: ${json}\n\n` };
}

/**
 * Joins neighbouring text frames of one channel, so that a reader who is behind gets few events. A joined
 * event has the number of its last frame, and no more than `limit` UTF-16 units of SSE text.
 */
export function mergeFrames(frames: readonly Frame[], limit: number): { seq: number; sse: string; event: LogEvent }[] {
  const merged: { seq: number; sse: string; event: LogEvent }[] = [];
  let open: { parts: Frame[]; size: number } | undefined;
  const close = (): void => {
    const [first, ...others] = open?.parts ?? [];
    open = undefined;
    if (first === undefined) return;
    if (others.length === 0 || first.event.type !== "d") return void merged.push(first);
    const last = others.at(-1) ?? first;
    const t = first.event.t + others.map(({ event }) => (event.type === "d" ? event.t : "")).join("");
    const event = { type: "d", seq: last.seq, c: first.event.c, o: first.event.o, t } as const;
    merged.push({ seq: last.seq, event, sse: formatRunEvent(event) });
  };
  for (const frame of frames) {
    const before = open?.parts.at(-1)?.event;
    const joins =
      open !== undefined &&
      before?.type === "d" &&
      frame.event.type === "d" &&
      before.c === frame.event.c &&
      open.size + frame.sse.length <= limit;
    if (open !== undefined && joins) {
      open.parts.push(frame);
      open.size += frame.sse.length;
    } else {
      close();
      open = { parts: [frame], size: frame.sse.length };
    }
  }
  close();
  return merged;
}

/** Cuts a text into pieces of at most `length` UTF-16 units without cutting a character. */
export function cutText(text: string, length: number): string[] {
  const pieces: string[] = [];
  for (let rest = text; rest !== "";) {
    const at = rest.length <= length ? rest.length : cutPoint(rest, length);
    pieces.push(rest.slice(0, at));
    rest = rest.slice(at);
  }
  return pieces;
}
