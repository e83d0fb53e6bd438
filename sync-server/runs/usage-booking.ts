import type { CommitStatement, Database } from "#server/storage/database.ts";
import type { AccountId, RunId, WorkspaceId } from "#shared/domain/ids.ts";
import { MAYBE_BILLED } from "./failure-classes.ts";
import type { FailureClass } from "./failure-classes.ts";
import type { ChatMessage } from "#shared/domain/prompt.ts";
import type { Provider } from "./provider.ts";
import { insertUsage } from "./run-store.ts";
import { estimatePromptTokens, estimateTokens } from "./token-estimate.ts";
import type { TokenCounter } from "./token-estimate.ts";
import { costOf, priceAt, trustedUsage } from "./usage-count.ts";
import type { AttemptUsage, Price, ReportedUsage } from "./usage-count.ts";

/** One call of a provider, as far as its bill goes. */
export interface Attempt {
  number: number;
  messages: readonly ChatMessage[];
  /** everything it wrote, all channels */
  output: string;
  reported: ReportedUsage | undefined;
  /** `undefined` when it answered */
  failure: FailureClass | undefined;
}

/** Length of one token in the guide's estimate, which costs nothing and so needs no tokenizer. */
const GUIDE_TOKEN_LENGTH = 4;

/**
 * What an attempt used: the provider's own counts if they can be true, else an estimate. A refused request
 * has no counts at all: absent means unknown, never zero.
 */
export async function countAttempt(
  attempt: Attempt,
  kind: Provider["kind"],
  prices: readonly Price[],
  now: number,
  count: TokenCounter,
): Promise<AttemptUsage> {
  const usage = trustedUsage(attempt.reported, attempt.output !== "") ?? (await estimate(attempt, kind, count));
  return { ...usage, costMicroUsd: kind === "guide" ? 0 : costOf(usage, priceAt(prices, now)) };
}

async function estimate(attempt: Attempt, kind: Provider["kind"], count: TokenCounter): Promise<AttemptUsage> {
  if (attempt.failure !== undefined && attempt.output === "" && !MAYBE_BILLED.has(attempt.failure))
    return { source: "estimated" };
  if (kind === "guide") {
    const input = attempt.messages.reduce((length, { text }) => length + text.length, 0);
    return {
      inputTokens: Math.ceil(input / GUIDE_TOKEN_LENGTH),
      outputTokens: Math.ceil(attempt.output.length / GUIDE_TOKEN_LENGTH),
      source: "estimated",
    };
  }
  return {
    inputTokens: await estimatePromptTokens(attempt.messages, count),
    outputTokens: attempt.output === "" ? undefined : await estimateTokens(attempt.output, count),
    source: "estimated",
  };
}

export interface Booking {
  id: RunId;
  accountId: AccountId;
  workspaceId: WorkspaceId;
  model: string;
}

/** The row of one attempt. `outcome`: the state it ended in, or the class of the failure a retry followed. */
export const bookAttempt = (
  database: Database,
  { id, accountId, workspaceId, model }: Booking,
  attempt: number,
  usage: AttemptUsage,
  outcome: string,
  now: number,
): CommitStatement =>
  insertUsage(database, {
    run_id: id,
    attempt,
    account_id: accountId,
    workspace_id: workspaceId,
    provider: model.slice(0, Math.max(0, model.indexOf("/"))),
    model,
    input_tokens: usage.inputTokens ?? null,
    output_tokens: usage.outputTokens ?? null,
    cached_tokens: usage.cachedTokens ?? null,
    reasoning_tokens: usage.reasoningTokens ?? null,
    source: usage.source,
    cost_micro_usd: usage.costMicroUsd ?? null,
    outcome,
    created_at: now,
  });
