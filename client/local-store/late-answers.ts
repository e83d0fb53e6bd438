import type { Clock } from "#client/platform/platform.ts";
import { err } from "#shared/lib/result.ts";
import type { Result } from "#shared/lib/result.ts";
import type { StoreFailure } from "./local-store.ts";

/**
 * ms a transaction may take before it is worked without: a tab that was frozen in the middle of one makes all others
 * wait. Behind one that takes longer, others are not waited for as long.
 */
const ANSWER_MS = 8_000;
const ANSWER_BEHIND_MS = 1_000;

type Wait = <T>(work: Promise<Result<T, StoreFailure>>) => Promise<Result<T, StoreFailure>>;

/**
 * Waits for transactions, for so long. What is then said to have failed may come to be all the same, as with a tab that
 * dies before it hears.
 * @param allAnswered called when nothing is late any more
 */
export function createLateAnswers(clock: Pick<Clock, "after"> | undefined, allAnswered: () => void): Wait {
  if (clock === undefined) return (work) => work;
  let late = 0;
  const answered = (): void => {
    late -= 1;
    if (late === 0) allAnswered();
  };
  return (work) =>
    new Promise((resolve, reject) => {
      const stop = clock.after(late > 0 ? ANSWER_BEHIND_MS : ANSWER_MS, () => {
        late += 1;
        work.then(answered, answered);
        resolve(err("silent"));
      });
      work.finally(stop).then(resolve, reject);
    });
}
