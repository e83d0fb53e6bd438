import { afterEach, expect, test, vi } from "vitest";
import type * as RunLog from "#server/runs/run-log.ts";
import type * as UpdateCheck from "#server/rooms/update-check.ts";
import { NOTHING_OUT, createPlan, parseReduction } from "./plan.ts";
import type { Reduction } from "./plan.ts";
import { PLANTED_BUGS, acknowledgeBeforeCommit, fanOutBeforeAppend } from "./planted-bugs.ts";
import type { PlantedBug } from "./planted-bugs.ts";
import { BUG, FIRST, REDUCTION, failureOf } from "./replay.ts";
import { replayLine, shrink } from "./shrink.ts";
import { simulate } from "./simulation.ts";
import type { SimulationReport } from "./simulation.ts";

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

test.runIf(BUG !== undefined)(`seed ${FIRST} with ${BUG} in it holds`, { timeout: 600_000 }, async () => {
  const reduction = REDUCTION ?? NOTHING_OUT;
  const report = await run(FIRST, reduction, BUG);
  expect(report.violations, failureOf(FIRST, reduction, report)).toEqual([]);
});

/** Little enough to be quick: each bug shows where two devices share one conversation. */
const SMALL: Reduction = { devices: 2, documents: 1, off: [], without: [] };
const MOST_SEEDS = 100;
const MOST_SHRINKING = 24;
const ORACLES: Record<PlantedBug, RegExp> = {
  "ack-before-commit": /^(O1|R6|O6|O7|P2)/u,
  "no-dependency-check": /honest/u,
  "fan-out-before-append": /^P2/u,
};

async function firstSeedToFail(bug: PlantedBug): Promise<{ seed: number; report: SimulationReport }> {
  for (let seed = 1; seed <= MOST_SEEDS; seed++) {
    const report = await run(seed, SMALL, bug);
    if (report.violations.length > 0) return { seed, report };
  }
  throw new Error(`${MOST_SEEDS} seeds did not find it`);
}

test.runIf(BUG === undefined && REDUCTION === undefined).each(PLANTED_BUGS)(
  "the oracles find %s, and the shrunk line replays it",
  { timeout: 600_000 },
  async (bug) => {
    const { seed, report } = await firstSeedToFail(bug);
    expect(report.violations[0]).toMatch(ORACLES[bug]);
    const { reduction, runs } = await shrink(seed, report, (smaller) => run(seed, smaller, bug), {
      from: SMALL,
      most: MOST_SHRINKING,
    });
    const line = replayLine(seed, reduction, bug);
    const [left, whole] = [reduction, SMALL].map((one) => createPlan(seed, one).events.length);
    process.stdout.write(
      `Planted ${bug}: found by ${seed} seeds, shrunk in ${runs} runs to ${left} of ${whole} events\n  ${line}\n`,
    );

    // The line is all that a reader has: what it says must fail, and only because of the bug.
    const said = parseReduction(/PLAN=(\S+)/u.exec(line)?.[1] ?? "");
    expect((await run(seed, said, bug)).violations.length).toBeGreaterThan(0);
    expect((await run(seed, said)).violations).toEqual([]);
  },
);
