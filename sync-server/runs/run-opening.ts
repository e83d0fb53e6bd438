import type { RunTable } from "#server/storage/schema.ts";
import { createFrame, cutText } from "./frame.ts";
import type { Frame, LogBody } from "./frame.ts";
import { FRAME_LENGTH, createFramer } from "./frames.ts";
import { storedRun } from "./run-store.ts";
import type { StoredRun } from "./run-store.ts";

/**
 * What the log of an attempt begins with: its `s` event and, for the first attempt of a run that carries on
 * another one's text, that text.
 */
export function openingOf({ id, messageId, model }: StoredRun, attempt: number, carried: string): LogBody[] {
  const bodies: LogBody[] = [{ type: "s", v: 1, run: id, msg: messageId, state: "streaming", attempt, model }];
  if (attempt > 1) return bodies;
  const framer = createFramer();
  for (const piece of cutText(carried, FRAME_LENGTH))
    for (const frame of [...framer.push("t", piece), ...framer.flush()]) bodies.push({ type: "d", ...frame });
  return bodies;
}

/** The row of a queued run as it is once its first attempt begins, and the frames that are stored with it. */
export function beginRow(row: RunTable, carried: string, now: number): { row: RunTable; frames: Frame[] } {
  const stored = storedRun(row);
  const frames = openingOf(stored, 1, carried).map((body, index) => createFrame(index + 1, body));
  const facts = { ...stored.facts, status: "streaming", startedAt: now };
  return { frames, row: { ...row, state: "streaming", attempt: 1, seq: frames.length, facts: JSON.stringify(facts) } };
}
