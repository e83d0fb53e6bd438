import type { CommitStatement } from "#server/storage/database.ts";
import type { RunUsage } from "#shared/domain/run.ts";
import type { FailureClass } from "./failure-classes.ts";
import type { RunParts, RunPlan } from "./run-parts.ts";
import { bookAttempt, countAttempt } from "./usage-booking.ts";
import { sumUsage } from "./usage-count.ts";
import type { ReportedUsage } from "./usage-count.ts";

/** A call that was made, as far as its bill goes. */
interface BilledCall {
  number: number;
  /** everything it wrote, all channels */
  output: string;
  reported: ReportedUsage | undefined;
  /** `undefined` when it answered */
  failure: FailureClass | undefined;
}

/** What a live run has used so far. Every call is booked once, however it ended. */
export function createRunBill({ database, clock, countTokens }: RunParts, { stored, served, messages }: RunPlan) {
  const usages: RunUsage[] = [];
  return {
    /** Counts a call; answers its row, to be committed with what it ended. */
    async book(call: BilledCall, outcome: string): Promise<CommitStatement> {
      const { provider, prices } = served;
      const usage = await countAttempt({ ...call, messages }, provider.kind, prices, clock.now(), countTokens);
      usages.push(usage);
      return bookAttempt(database, { ...stored, model: served.id }, call.number, usage, outcome, clock.now());
    },
    /** over all calls; `undefined` when none was made */
    sum: (): RunUsage | undefined => sumUsage(usages),
  };
}
