import type { Platform } from "#client/platform/platform.ts";
import { parseRunEvent } from "#shared/protocol/run-events.ts";
import type { FollowedRun } from "./followed-run.ts";
import type { FollowEvent } from "./run-follow-state.ts";
import { openRunEvents } from "./run-requests.ts";
import type { ByteStream } from "./run-requests.ts";
import { createSseReader } from "./sse-reader.ts";

/** One reading of a run's events, for its follower. */
export interface Reading {
  runId: string;
  /** what is here of the run */
  have(): FollowedRun;
  /** ends the reading */
  own: AbortSignal;
  report(event: FollowEvent): void;
}

/** Where a follower reads the events of its run. Both reject where a transport fails. */
export interface RunStreams {
  /** Reads what comes after what is here, until the stream ends. */
  read(reading: Reading): Promise<void>;
  /** Reads on from a stream that is open: the answer that started the run. */
  adopt(reading: Reading, stream: ByteStream): Promise<void>;
}

/** Reads each run by a stream of this tab's own. */
export const createOwnStreams = (fetch: Platform["fetch"]): RunStreams => ({
  async read(reading) {
    const answer = await openRunEvents(fetch, reading.runId, reading.have().frame, reading.own);
    if ("status" in answer) return reading.report({ type: "answered", ...answer });
    reading.report({ type: "opened" });
    await readToEnd(reading, answer.stream);
  },
  adopt: readToEnd,
});

/** One report for all events of a chunk. The stream is let go when the reading ends. */
async function readToEnd({ own, report }: Reading, stream: ByteStream): Promise<void> {
  const reader = stream.getReader();
  const parser = createSseReader();
  const letGo = (): void => void reader.cancel().catch(() => undefined);
  own.addEventListener("abort", letGo, { once: true });
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done || own.aborted) break;
      const events = parser.push(value).flatMap(({ name, data, id }) => parseRunEvent(name, data, id) ?? []);
      report({ type: "received", events });
    }
  } finally {
    own.removeEventListener("abort", letGo);
    letGo();
  }
  report({ type: "closed" });
}
