import { afterEach, expect, test, vi } from "vitest";
import type * as RunLog from "#server/runs/run-log.ts";
import type * as UpdateCheck from "#server/rooms/update-check.ts";
import { FAULTS, NOTHING_OUT, createPlan, formatReduction, parseReduction } from "./plan.ts";
import type { Reduction } from "./plan.ts";
import { PLANTED_BUGS, acknowledgeBeforeCommit, fanOutBeforeAppend } from "./planted-bugs.ts";
import type { PlantedBug } from "./planted-bugs.ts";
import { replayLine, shrink } from "./shrink.ts";
import { simulate } from "./simulation.ts";
import type { SimulationReport } from "./simulation.ts";

const FIRST = Number(process.env["SEED"] ?? 1);
const PLAN = process.env["PLAN"];
const SEEDS = Number(process.env["SEEDS"] ?? (PLAN === undefined ? 100 : 1));
const REDUCTION = PLAN === undefined || PLAN === "all" ? NOTHING_OUT : parseReduction(PLAN);
const BUG = PLANTED_BUGS.find((bug) => bug === process.env["BUG"]);

/** Plans that once failed, shrunk, with what they found. They are played for ever. */
const KNOWN: readonly (readonly [seed: number, plan: string, found: string])[] = [
  [
    29,
    "d2,o1,-half-open,-duplicate,-http,-stall,-down,-wake,-tab-kill,-server-kill,-disk,-quota,-abort,-force-close,-evict,-locks,-provider,-away,-stranger,x0:15,x20:40,x42:48,x50:77",
    "R20: a server whose clock was set back compared no copies until the clock had caught up",
  ],
];

const planted = vi.hoisted(() => ({ bug: undefined as string | undefined }));
afterEach(() => (planted.bug = undefined));

vi.mock("#server/rooms/update-check.ts", async (original) => {
  const real = await original<typeof UpdateCheck>();
  const checkUpdate: typeof real.checkUpdate = (...check) => {
    const checked = real.checkUpdate(...check);
    return planted.bug === "no-dependency-check" && !checked.ok && checked.failure === "gap"
      ? { ok: true, value: [] }
      : checked;
  };
  return { ...real, checkUpdate };
});

vi.mock("#server/runs/run-log.ts", async (original) => {
  const real = await original<typeof RunLog>();
  const early = fanOutBeforeAppend(real.openRunLog);
  const openRunLog: typeof real.openRunLog = (options) =>
    (planted.bug === "fan-out-before-append" ? early : real.openRunLog)(options);
  return { ...real, openRunLog };
});

function run(seed: number, reduction: Reduction, bug?: PlantedBug): Promise<SimulationReport> {
  planted.bug = bug;
  const wrapDatabase = bug === "ack-before-commit" ? acknowledgeBeforeCommit : undefined;
  return simulate(createPlan(seed, reduction), { wrapDatabase });
}

/** Fails with the story of the smallest plan that fails as this one did, and the line that replays it. */
async function expectToHold(seed: number, report: SimulationReport): Promise<void> {
  if (report.violations.length === 0) return;
  const given = PLAN !== undefined;
  const smallest = given
    ? { reduction: REDUCTION, report, runs: 0 }
    : await shrink(seed, report, (reduction) => run(seed, reduction, BUG));
  const line = replayLine(seed, smallest.reduction, BUG);
  const story = smallest.report.story.slice(-60).join("\n");
  expect.fail(`${smallest.report.violations.join("\n")}\n${story}\nshrunk in ${smallest.runs} runs; replay:\n${line}`);
}

test.runIf(PLAN === undefined).each(KNOWN)("seed %i with %s holds (it found %s)", async (seed, plan) => {
  expect((await run(seed, parseReduction(plan))).violations).toEqual([]);
});

test(
  `O1–O10: ${SEEDS} seeds from ${FIRST} hold: devices with tabs, runs, and everything failing`,
  { timeout: 120_000 + SEEDS * 20_000 },
  async () => {
    const totals = { edits: 0, kills: 0, acknowledged: 0, runs: 0, diverged: 0, mended: 0, healed: 0 };
    for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
      const report = await run(seed, REDUCTION, BUG);
      await expectToHold(seed, report);
      for (const what of Object.keys(totals) as (keyof typeof totals)[]) totals[what] += report[what];
    }
    process.stdout.write(`${SEEDS} seeds from ${FIRST}: ${JSON.stringify(totals)}\n`);
    if (PLAN !== undefined || SEEDS < 50) return;
    // A simulation in which nothing happens would hold as well.
    expect(totals.edits).toBeGreaterThan(SEEDS * 10);
    expect(totals.acknowledged).toBeGreaterThan(SEEDS * 10);
    expect(totals.kills).toBeGreaterThan(SEEDS / 2);
    expect(totals.runs).toBeGreaterThan(SEEDS / 2);
    expect(totals.mended).toBeGreaterThan(0);
    expect(totals.healed).toBeGreaterThan(0);
  },
);

test.runIf(PLAN === undefined)("a seed tells the same story twice", async () => {
  expect(await run(7, NOTHING_OUT)).toEqual(await run(7, NOTHING_OUT));
});

test.runIf(PLAN === undefined)("a plan without a part is the plan without that part", () => {
  const whole = createPlan(7);
  const reduction: Reduction = {
    devices: 1,
    tabs: 1,
    trouble: 8_000,
    off: ["clock", "cut"],
    without: [
      [0, 3],
      [9, 12],
    ],
  };
  const less = createPlan(7, parseReduction(formatReduction(reduction)));
  expect(less.devices).toEqual([1]);
  expect(whole.events).toEqual(expect.arrayContaining([...less.events]));
  expect(less.events.every(({ number, what, at }) => number > 2 && what !== "clock" && at < 8_000)).toBe(true);
  expect(() => parseReduction("d2,q7")).toThrow("q7");
  expect(FAULTS).toContain("cut");
});

const MOST_SEEDS = 40;
const ORACLES: Record<PlantedBug, RegExp> = {
  "ack-before-commit": /^(O1|R6|O6|O7|P2)/u,
  "no-dependency-check": /honest/u,
  "fan-out-before-append": /^P2/u,
};

test.runIf(PLAN === undefined).each(PLANTED_BUGS)(
  "the oracles find %s, and the shrunk line replays it",
  { timeout: 600_000 },
  async (bug) => {
    let seed = 0;
    let report: SimulationReport | undefined;
    while (report === undefined || report.violations.length === 0) {
      seed += 1;
      expect(seed, "seeds that did not find it").toBeLessThanOrEqual(MOST_SEEDS);
      report = await run(seed, NOTHING_OUT, bug);
    }
    expect(report.violations[0]).toMatch(ORACLES[bug]);
    const { reduction, runs } = await shrink(seed, report, (smaller) => run(seed, smaller, bug), 30);
    const line = replayLine(seed, reduction, bug);
    process.stdout.write(
      `${bug}: found by seed ${seed} of 1…, shrunk in ${runs} runs to ${createPlan(seed, reduction).events.length} of ${createPlan(seed).events.length} events\n  ${line}\n`,
    );

    // The line is all that a reader has: what it says must fail, and only because of the bug.
    const said = parseReduction(/PLAN=(\S+)/u.exec(line)?.[1] ?? "");
    expect((await run(seed, said, bug)).violations.length).toBeGreaterThan(0);
    expect((await run(seed, said)).violations).toEqual([]);
  },
);
