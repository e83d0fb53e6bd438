import { memoryUsage } from "node:process";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createInProcessLimiter } from "./in-process-limiter.ts";
import type { LimitRules } from "./limit-rules.ts";
import { UNLIMITED } from "./limiter.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const NONE: LimitRules = {
  "sign-in": {},
  challenge: {},
  "sign-up": {},
  mail: {},
  guest: {},
  run: {},
  sync: {},
  search: {},
  share: {},
  usual: {},
};

/** Three a minute per address, five in two minutes per account. */
const RULES: LimitRules = {
  ...NONE,
  usual: { address: { points: 3, seconds: 60 }, account: { points: 5, seconds: 120 } },
};
const HOME = { address: "192.0.2.1" };

async function takeAll(limiter = createInProcessLimiter(RULES), keys: object = HOME) {
  for (let taken = 0; taken < 3; taken++) expect(await limiter.take("usual", keys)).toMatchObject({ ok: true });
  return limiter;
}

test("points go down, and none left is a refusal that says when there are some again", async () => {
  const limiter = createInProcessLimiter(RULES);
  expect(await limiter.take("usual", HOME)).toEqual({ ok: true, limit: 3, remaining: 2, resetMs: 60_000 });
  vi.advanceTimersByTime(10_000);
  expect(await limiter.take("usual", HOME, 2)).toEqual({ ok: true, limit: 3, remaining: 0, resetMs: 50_000 });
  expect(await limiter.take("usual", HOME)).toEqual({
    ok: false,
    limit: 3,
    remaining: 0,
    resetMs: 50_000,
    retryAfterMs: 50_000,
  });
});

test("the time to come back is true, whatever was refused meanwhile: a ms before is too early", async () => {
  const limiter = await takeAll();
  for (let refused = 0; refused < 100; refused++) await limiter.take("usual", HOME);
  const outcome = await limiter.take("usual", HOME);
  const retryAfterMs = outcome.ok ? 0 : outcome.retryAfterMs;
  expect(retryAfterMs).toBe(60_000);
  vi.advanceTimersByTime(retryAfterMs - 1);
  expect(await limiter.take("usual", HOME)).toMatchObject({ ok: false, retryAfterMs: 1 });
  vi.advanceTimersByTime(1);
  expect(await limiter.take("usual", HOME)).toMatchObject({ ok: true, remaining: 2 });
});

test("each address, and each kind, has its own points", async () => {
  const limiter = await takeAll(createInProcessLimiter({ ...RULES, run: RULES.usual }));
  expect(await limiter.take("usual", { address: "192.0.2.2" })).toMatchObject({ ok: true, remaining: 2 });
  expect(await limiter.take("run", HOME)).toMatchObject({ ok: true, remaining: 2 });
});

test("the tightest bucket is the one that is told of", async () => {
  const limiter = createInProcessLimiter(RULES);
  const keys = { ...HOME, accountId: "ada" };
  expect(await limiter.take("usual", keys)).toMatchObject({ limit: 3, remaining: 2 });
  await limiter.take("usual", { accountId: "ada" }, 3);
  expect(await limiter.take("usual", keys)).toMatchObject({ limit: 5, remaining: 0, resetMs: 120_000 });
});

test("what is refused costs nothing anywhere, and waits for the slowest of the buckets that are empty", async () => {
  const limiter = await takeAll();
  await limiter.take("usual", { accountId: "ada" }, 5);
  expect(await limiter.take("usual", { ...HOME, accountId: "ada" })).toMatchObject({
    ok: false,
    retryAfterMs: 120_000,
  });
  await limiter.take("usual", { ...HOME, accountId: "bob" });
  expect(await limiter.take("usual", { accountId: "bob" })).toMatchObject({ remaining: 4 });
});

test("of many at the same time no more are admitted than there are points", async () => {
  const limiter = createInProcessLimiter(RULES);
  const outcomes = await Promise.all(Array.from({ length: 50 }, () => limiter.take("usual", HOME)));
  expect(outcomes.filter(({ ok }) => ok)).toHaveLength(3);
});

test("what is given back can be taken again, and no more than that", async () => {
  const limiter = await takeAll();
  await limiter.giveBack("usual", HOME);
  expect(await limiter.take("usual", HOME)).toMatchObject({ ok: true, remaining: 0 });
  expect(await limiter.take("usual", HOME)).toMatchObject({ ok: false });
});

test("what is given back too late, or was never taken, adds nothing", async () => {
  const limiter = await takeAll();
  vi.advanceTimersByTime(60_000);
  await limiter.giveBack("usual", HOME);
  await limiter.giveBack("usual", { address: "192.0.2.2" });
  expect(await limiter.take("usual", HOME)).toMatchObject({ remaining: 2 });
  expect(await limiter.take("usual", { address: "192.0.2.2" })).toMatchObject({ remaining: 2 });
});

test("what no rule counts is admitted without an end, as everything is where limits are off", async () => {
  const outcome = { ok: true, limit: Infinity, remaining: Infinity, resetMs: 0 };
  expect(await createInProcessLimiter(RULES).take("search", HOME)).toEqual(outcome);
  expect(await createInProcessLimiter(RULES).take("usual", { name: "ada" })).toEqual(outcome);
  expect(await UNLIMITED.take("usual", HOME)).toEqual(outcome);
});

test("more than a bucket ever holds is a bug of the caller", async () => {
  await expect(createInProcessLimiter(RULES).take("usual", HOME, 4)).rejects.toThrow("ever in a bucket");
});

test("the bucket that would be full again soonest is forgotten first, and nobody is refused for want of room", async () => {
  const limiter = createInProcessLimiter(RULES, 3);
  await takeAll(limiter, { address: "first" });
  await takeAll(limiter, { address: "second" });
  for (const address of ["third", "fourth"])
    expect(await limiter.take("usual", { address })).toMatchObject({ ok: true, remaining: 2 });
  expect(await limiter.take("usual", { address: "second" })).toMatchObject({ ok: false });
  expect(await limiter.take("usual", { address: "first" })).toMatchObject({ ok: true, remaining: 2 });
});

test("a bucket that starts anew is no longer the oldest", async () => {
  const limiter = createInProcessLimiter(RULES, 2);
  await limiter.take("usual", { address: "first" });
  vi.advanceTimersByTime(30_000);
  await limiter.take("usual", { address: "second" });
  vi.advanceTimersByTime(30_000);
  await takeAll(limiter, { address: "first" });
  await limiter.take("usual", { address: "third" });
  expect(await limiter.take("usual", { address: "first" })).toMatchObject({ ok: false });
});

test("200,000 addresses in turn take up a few MB, and all of them are admitted", async () => {
  vi.useRealTimers();
  const limiter = createInProcessLimiter();
  const before = heapBytes();
  for (let at = 0; at < 200_000; at++) {
    const outcome = await limiter.take("usual", { address: `10.${at >> 16}.${(at >> 8) & 255}.${at & 255}` });
    if (!outcome.ok) throw new Error(`number ${at} was refused`);
  }
  // All of them would take up 90 MB.
  expect(heapBytes() - before).toBeLessThan(20_000_000);
});

test("a bucket that is full again is forgotten, and no more timers wait than there are buckets", async () => {
  const limiter = createInProcessLimiter(RULES, 100);
  for (let at = 0; at < 1_000; at++) await limiter.take("usual", { address: `${at}` });
  expect(vi.getTimerCount()).toBe(100);
  vi.advanceTimersByTime(60_000);
  expect(vi.getTimerCount()).toBe(0);
});

test("a take costs next to nothing", async () => {
  vi.useRealTimers();
  const limiter = createInProcessLimiter();
  const durations: number[] = [];
  for (let at = 0; at < 20_000; at++) {
    const keys = { ...HOME, accountId: `account-${at % 100}`, workspaceId: `workspace-${at % 10}` };
    const start = performance.now();
    await limiter.take("usual", keys);
    durations.push(performance.now() - start);
  }
  expect(durations.toSorted((a, b) => a - b)[durations.length / 2]).toBeLessThan(0.05);
});

/** What is alive, not what awaits collection. */
function heapBytes(): number {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  return memoryUsage().heapUsed;
}
