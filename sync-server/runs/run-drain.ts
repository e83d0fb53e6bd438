import { sleep } from "./clock.ts";
import type { RunFollowers } from "./run-followers.ts";
import type { RunParts } from "./run-parts.ts";
import type { RunWriter } from "./run-writer.ts";

export interface Draining {
  followers: RunFollowers;
  /** settles when every start that was under way has been judged */
  started: () => Promise<unknown>;
  writers: () => Iterable<RunWriter>;
}

/** Resolves when all these runs are over. */
export const allDone = (writers: Iterable<RunWriter>): Promise<unknown> =>
  Promise.all(Array.from(writers, ({ done }) => done));

/**
 * Tells followers to come back, lets runs finish for `ms`, then interrupts the rest. Resolves when every run
 * is in its document. Whoever calls takes no new runs from then on.
 */
export async function drainRuns(
  { clock }: Pick<RunParts, "clock">,
  { followers, started, writers }: Draining,
  ms: number,
): Promise<void> {
  followers.sendAwaySpread("deploy");
  await started();
  const enough = new AbortController();
  await Promise.race([allDone(writers()).then(() => enough.abort()), sleep(clock, ms, enough.signal)]);
  for (const writer of writers()) writer.interrupt("deploy");
  await allDone(writers());
  followers.sendAway("deploy");
}
