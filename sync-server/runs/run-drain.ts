import { sleep } from "./clock.ts";
import type { Clock } from "./clock.ts";
import type { RunFollowers } from "./run-followers.ts";
import type { RunParts } from "./run-parts.ts";
import type { RunWriter } from "./run-writer.ts";

export interface Draining {
  followers: RunFollowers;
  /** settles when every start that was under way has been judged */
  started: () => Promise<unknown>;
  writers: () => Iterable<RunWriter>;
}

/** How long interrupted runs may take to be stored; recovery finishes what takes longer. */
const STORED_WITHIN_MS = 5000;

/** Answers whether something ended before `ms` were over. */
export async function endsWithin(clock: Clock, ended: Promise<unknown>, ms: number): Promise<boolean> {
  const enough = new AbortController();
  const inTime = ended.then(() => {
    enough.abort();
    return true;
  });
  return Promise.race([inTime, sleep(clock, ms, enough.signal).then(() => enough.signal.aborted)]);
}

/** Resolves when all these runs are over. */
export const allDone = (writers: Iterable<RunWriter>): Promise<unknown> =>
  Promise.all(Array.from(writers, ({ done }) => done));

/**
 * Tells followers to come back, lets starts be judged and runs finish for `ms`, then interrupts the rest.
 * Resolves when every run is in its document, or, where the store does not take them, after 5 s more; the next
 * start recovers those. Whoever calls takes no new runs from then on.
 */
export async function drainRuns(
  { clock }: Pick<RunParts, "clock">,
  { followers, started, writers }: Draining,
  ms: number,
): Promise<void> {
  followers.sendAwaySpread("deploy");
  await endsWithin(
    clock,
    started().then(() => allDone(writers())),
    ms,
  );
  for (const writer of writers()) writer.interrupt("deploy");
  if (!(await endsWithin(clock, allDone(writers()), STORED_WITHIN_MS)))
    for (const writer of writers()) writer.abandon();
  followers.sendAway("deploy");
}
