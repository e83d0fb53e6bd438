import type { RunStatus } from "#shared/domain/run.ts";
import { formatRunEvent } from "#shared/protocol/run-events.ts";
import type { RunEvent } from "#shared/protocol/run-events.ts";
import { mergeFrames } from "./frame.ts";
import type { Frame } from "./frame.ts";
import { RUN_LIMITS } from "./run-timers.ts";

/** An event ready to be sent; `seq` is where a cursor stands after it. */
export interface Sending {
  seq: number;
  sse: string;
  event: RunEvent;
}

/** Whoever reads a feed. Told that there is more; never waited for. */
export interface FeedReader {
  more(): void;
  /** an event of the moment, which no log holds */
  tell(event: RunEvent): void;
  /** Nothing more will come from here, and this is not the end of the run: look for it elsewhere. */
  abandoned(): void;
}

export type RunFeed = ReturnType<typeof createRunFeed>;

/**
 * What is durable of one run, for its readers: whole texts, and the last frames (128 KiB, at most 256).
 * A reader further behind than that gets one `snap` instead, so nothing older needs to be kept in memory
 * or read from the disk.
 */
export function createRunFeed(status: RunStatus) {
  let text = "";
  let reasoning = "";
  let state = status;
  let head = 0;
  let ended = false;
  let abandoned = false;
  let tail: Frame[] = [];
  let tailSize = 0;
  /** readers who come at the same time share one */
  let snapped: Sending | undefined;
  const readers = new Set<FeedReader>();

  function take(frame: Frame): void {
    const { event } = frame;
    snapped = undefined;
    head = frame.seq;
    tail.push(frame);
    tailSize += frame.sse.length;
    while (tail.length > RUN_LIMITS.backlogFrames || (tailSize > RUN_LIMITS.backlog && tail.length > 1))
      tailSize -= tail.shift()?.sse.length ?? 0;
    if (event.type === "d" && event.c === "t") text += event.t;
    else if (event.type === "d") reasoning += event.t;
    else state = event.state;
    if (event.type === "end") ended = true;
  }

  /** Everything up to the head, or up to the frame before `end`: readers need that one itself. */
  function snap(): Sending {
    if (snapped !== undefined) return snapped;
    const seq = ended ? head - 1 : head;
    const event = { type: "snap", seq, ch: { t: text, r: reasoning }, state } as const;
    return (snapped = { seq, event, sse: formatRunEvent(event) });
  }

  return {
    /** Frames that are durable now, in order. */
    add(frames: readonly Frame[]): void {
      for (const frame of frames) take(frame);
      for (const reader of readers) reader.more();
    },
    tell(event: RunEvent): void {
      for (const reader of readers) reader.tell(event);
    },
    /** A change of state that has no frame of its own, e.g. `stopping`. */
    setState(next: RunStatus): void {
      if (ended) return;
      state = next;
      snapped = undefined;
    },
    /** What comes after a cursor, joined to few events; nothing when the cursor is at the head. */
    after(cursor: number): Sending[] {
      if (cursor === head) return [];
      const first = tail[0]?.seq ?? head + 1;
      const unknown = cursor > head || cursor + 1 < first;
      if (!unknown) return mergeFrames(cursor + 1 === first ? tail : tail.slice(cursor + 1 - first), RUN_LIMITS.merged);
      const end = ended ? tail.at(-1) : undefined;
      return end === undefined ? [snap()] : [snap(), end];
    },
    attach(reader: FeedReader): () => void {
      readers.add(reader);
      return () => readers.delete(reader);
    },
    /** The writer is gone without having ended the run. Readers come back, to whoever has taken it over. */
    abandon(): void {
      if (ended) return;
      abandoned = true;
      for (const reader of readers) reader.abandoned();
    },
    get abandoned(): boolean {
      return abandoned;
    },
    get readers(): number {
      return readers.size;
    },
    get text(): string {
      return text;
    },
    get reasoning(): string {
      return reasoning;
    },
    get state(): RunStatus {
      return state;
    },
    /** the number of the last durable frame */
    get head(): number {
      return head;
    },
    get ended(): boolean {
      return ended;
    },
    /** about what it holds in memory, UTF-16 units */
    get size(): number {
      return text.length + reasoning.length + tailSize + (snapped?.sse.length ?? 0);
    },
  };
}
