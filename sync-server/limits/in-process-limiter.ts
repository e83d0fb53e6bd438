import { RateLimiterMemory } from "rate-limiter-flexible";
import { assert } from "#shared/lib/assert.ts";
import { BUCKET_NAME, LIMIT_RULES } from "./limit-rules.ts";
import type { LimitRule, LimitRules, LimitScope } from "./limit-rules.ts";
import type { LimitKeys, LimitKind, Limiter } from "./limiter.ts";

/** How many buckets of one rule are remembered, at half a kB each. */
const MOST_BUCKETS = 5_000;

/** The limiter of one process. What it counted, it forgets when the process ends. */
export function createInProcessLimiter(rules: LimitRules = LIMIT_RULES, mostBuckets = MOST_BUCKETS): Limiter {
  const shelves = new Map(
    Object.entries(rules).map(([kind, ofKind]) => [
      kind,
      Object.entries(ofKind).map(([scope, rule]) => ({
        nameOf: BUCKET_NAME[scope as LimitScope],
        buckets: createBuckets(rule, mostBuckets),
      })),
    ]),
  );

  const meant = (kind: LimitKind, keys: LimitKeys) =>
    (shelves.get(kind) ?? []).flatMap(({ nameOf, buckets }) => {
      const name = nameOf(keys);
      return name === undefined ? [] : [{ name, buckets }];
    });

  async function giveBack(kind: LimitKind, keys: LimitKeys, cost = 1): Promise<void> {
    await Promise.all(meant(kind, keys).map(({ name, buckets }) => buckets.giveBack(name, cost)));
  }

  return {
    async take(kind, keys, cost = 1) {
      const levels = await Promise.all(meant(kind, keys).map(({ name, buckets }) => buckets.take(name, cost)));
      const short = levels.filter(({ isShort }) => isShort);
      if (short.length === 0) {
        const { limit, remaining, resetMs } = levels.reduce(tighter, NOTHING_COUNTED);
        return { ok: true, limit, remaining, resetMs };
      }
      // What is refused costs nothing: hammering one bucket must not use up another, least of all somebody else's.
      await giveBack(kind, keys, cost);
      const { limit, resetMs } = short.reduce((a, b) => (b.resetMs > a.resetMs ? b : a));
      return { ok: false, limit, remaining: 0, resetMs, retryAfterMs: resetMs };
    },
    giveBack,
  };
}

/** How full a bucket is after a take. */
interface Level {
  isShort: boolean;
  limit: number;
  remaining: number;
  resetMs: number;
}

const NOTHING_COUNTED: Level = { isShort: false, limit: Infinity, remaining: Infinity, resetMs: 0 };

const tighter = (a: Level, b: Level): Level => (b.remaining < a.remaining ? b : a);

/**
 * The buckets of one rule. When there are too many, the one that is full again soonest is forgotten: a flood of new
 * names makes the server forgive, never refuse, and who has so many names needs no forgiving.
 */
function createBuckets({ points: limit, seconds }: LimitRule, most: number) {
  const counts = new RateLimiterMemory({ points: limit, duration: seconds, keyPrefix: "" });
  /** in the order in which they were first taken from, which is that in which they are full again */
  const names = new Set<string>();

  return {
    async take(name: string, cost: number): Promise<Level> {
      assert(cost <= limit, "what is taken at once is ever in a bucket");
      // Not `consume`, which rejects with what is no error when points are short.
      const counted = await counts.penalty(name, cost);
      if (counted.isFirstInDuration) {
        names.delete(name);
        names.add(name);
        const [oldest] = names;
        if (names.size > most && oldest !== undefined) {
          names.delete(oldest);
          await counts.delete(oldest);
        }
      }
      const { consumedPoints, remainingPoints: remaining, msBeforeNext: resetMs } = counted;
      return { isShort: consumedPoints > limit, limit, remaining, resetMs };
    },
    async giveBack(name: string, cost: number): Promise<void> {
      const counted = await counts.get(name);
      // In a bucket that has been filled again since, there is nothing to put back.
      if (counted && counted.consumedPoints >= cost) await counts.reward(name, cost);
    },
  };
}
