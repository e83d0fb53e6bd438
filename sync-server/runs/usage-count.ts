import type { RunUsage } from "#shared/domain/run.ts";

/** Counts as a provider sent them: any field may be missing or absurd. */
export interface ReportedUsage {
  inputTokens: number | undefined;
  outputTokens: number | undefined;
  cachedTokens: number | undefined;
  reasoningTokens: number | undefined;
}

/** What one attempt used. Absent means unknown, never zero. */
export type AttemptUsage = RunUsage;

/** No model reads or writes more tokens than this in one call. */
const MOST_TOKENS = 20_000_000;

const plausible = (count: number | undefined): count is number =>
  count !== undefined && Number.isInteger(count) && count >= 0 && count <= MOST_TOKENS;

/**
 * The provider's counts, or `undefined` where they cannot be true: missing, negative, broken or enormous
 * numbers, or no output although text came.
 */
export function trustedUsage(
  reported: ReportedUsage | undefined,
  produced: boolean,
): Omit<AttemptUsage, "costMicroUsd"> | undefined {
  if (reported === undefined) return undefined;
  const { inputTokens, outputTokens, cachedTokens, reasoningTokens } = reported;
  if (!plausible(inputTokens) || !plausible(outputTokens)) return undefined;
  if (inputTokens === 0 || (produced && outputTokens === 0)) return undefined;
  return {
    inputTokens,
    outputTokens,
    cachedTokens: plausible(cachedTokens) && cachedTokens <= inputTokens ? cachedTokens : undefined,
    reasoningTokens: plausible(reasoningTokens) && reasoningTokens <= outputTokens ? reasoningTokens : undefined,
    source: "provider",
  };
}

/** Price of a model from a day on, in millionths of a US dollar per million tokens. */
export interface Price {
  /** YYYY-MM-DD, UTC */
  from: string;
  inputMicroUsdPerMillion: number;
  outputMicroUsdPerMillion: number;
  cachedInputMicroUsdPerMillion?: number | undefined;
}

/** The price in force on a day: the newest that is not in the future. */
export function priceAt(prices: readonly Price[], at: number): Price | undefined {
  const day = new Date(at).toISOString().slice(0, 10);
  return prices.filter(({ from }) => from <= day).toSorted((a, b) => (a.from < b.from ? 1 : -1))[0];
}

/** What the tokens cost in whole millionths of a US dollar, rounded up; `undefined` without counts or price. */
export function costOf(usage: Omit<AttemptUsage, "source">, price: Price | undefined): number | undefined {
  if (price === undefined || usage.inputTokens === undefined || usage.outputTokens === undefined) return undefined;
  const cached = usage.cachedTokens ?? 0;
  const cachedPrice = price.cachedInputMicroUsdPerMillion ?? price.inputMicroUsdPerMillion;
  const total =
    (usage.inputTokens - cached) * price.inputMicroUsdPerMillion +
    cached * cachedPrice +
    usage.outputTokens * price.outputMicroUsdPerMillion;
  return Math.ceil(total / 1_000_000);
}

/** What a run used over all its attempts. One estimate makes the sum an estimate. */
export function sumUsage(attempts: readonly AttemptUsage[]): RunUsage | undefined {
  if (attempts.length === 0) return undefined;
  const sum = (pick: (usage: AttemptUsage) => number | undefined): number | undefined => {
    const known = attempts.map(pick).filter((count) => count !== undefined);
    return known.length === 0 ? undefined : known.reduce((a, b) => a + b, 0);
  };
  return {
    inputTokens: sum((usage) => usage.inputTokens),
    outputTokens: sum((usage) => usage.outputTokens),
    cachedTokens: sum((usage) => usage.cachedTokens),
    reasoningTokens: sum((usage) => usage.reasoningTokens),
    source: attempts.some(({ source }) => source === "estimated") ? "estimated" : "provider",
    costMicroUsd: sum((usage) => usage.costMicroUsd),
  };
}
