import { availableParallelism } from "node:os";
import { expect, test } from "vitest";
import { FAULTS, NOTHING_OUT, createPlan, formatReduction, parseReduction } from "./plan.ts";
import type { Reduction } from "./plan.ts";
import { playSeeds } from "./play-seeds.ts";
import type { Played } from "./play-seeds.ts";
import { BUG, FIRST, REDUCTION, failureOf, shrunkFailureOf } from "./replay.ts";
import { replayLine } from "./shrink.ts";
import { simulate } from "./simulation.ts";
import type { SimulationReport } from "./simulation.ts";

const SEEDS = Number(process.env["SEEDS"] ?? 100);
/** processes that share the seeds */
const SHARDS = Number(process.env["SHARDS"] ?? availableParallelism());
const PROGRESS_EVERY = 500;
/** Shrinking takes up to 60 simulations; one line is enough to play the others again. */
const SHRUNK = 3;
/** a seed takes a third of a second of a processor of its own; tests share theirs */
const MOST_MS_PER_SEED = 20_000;

/** the cheapest seed with 2,000 edits without a network, which also fold a log */
const AWAY = 395;

/** Plans that once failed, shrunk, with what they found. They are played for ever. */
const KNOWN: readonly (readonly [seed: number, plan: string, found: string])[] = [
  [
    29,
    "d2,o1,-half-open,-duplicate,-http,-stall,-down,-wake,-tab-kill,-server-kill,-disk,-quota,-abort,-force-close,-evict,-locks,-provider,-away,-stranger,x0:15,x20:40,x42:48,x50:999",
    "R20: a server whose clock was set back compared no copies until the clock had caught up",
  ],
  [
    30,
    "T18581,-disk,-quota,-abort,-away,-stranger,-server-kill,-force-close,-rot,-down,-tab-kill,-evict,x25:31,x40:48,x64:999",
    "P2: a tab whose clock was set back waited a week before it followed a run again",
  ],
  [
    547,
    "-quota,-abort,-force-close,-evict,-clock,-rot,-away,-stranger,-duplicate,-disk,-locks,x0:17,x24:31,x32:34,x38:45",
    "C8: a frame that was late told a page that woke up that a dead connection lived",
  ],
  [708, "-away", "O9: an edit was stored in a database opened anew, without the one it builds on"],
  [806, "-away", "P1: a prompt that was taken back replaced the draft, and doubled what another tab wrote"],
  [842, "-away", "P2: a lease given before the server's clock was set back kept a run from being finished"],
  [872, "-away", "O7: a refusal whose body was cut was final"],
  [
    1083,
    "d1,-quota,-abort,-force-close,-evict,-clock,-cut,-half-open,-duplicate,-disk,-locks,-provider,-down,-wake,-stranger,-http,-server-kill,-away,x1:8,x12:13,x17:20,x27:28",
    "R20: the summary that a wrong live copy made outlived it, since whoever had the right one was gone",
  ],
  [
    1528,
    "-down,-wake,-tab-kill,-server-kill,-disk,-abort,-force-close,-evict,-clock,-locks,-away,-stranger,-half-open,-rot,x0:1,x2:4,x7:10,x13:30,x55:60",
    "O6: the feed told of a newer log than its summary was made from, and a device showed that for its own",
  ],
  [
    1608,
    "t1,-quota,-abort,-force-close,-evict,-clock,-server-kill,-disk,-stranger,-cut,-http,-wake,-locks,-provider,-away,x2:4,x5:21,x28:34,x36:42,x45:50,x51:61,x66:72,x75:80",
    "R20: everybody had a wrong copy from the room, and so agreed with it",
  ],
  [
    1709,
    "-disk,-quota,-abort,-away,-stranger,-clock,-locks,x45:50,x66:71",
    "C9: a wrong copy was not replaced any more after edits of another tab had waited three times",
  ],
];

const play = (seed: number, reduction: Reduction): Promise<SimulationReport> => simulate(createPlan(seed, reduction));
const ordinary = REDUCTION === undefined && BUG === undefined;

test.runIf(ordinary).each(KNOWN)("seed %i with %s holds (it found %s)", async (seed, plan) => {
  expect((await play(seed, parseReduction(plan))).violations).toEqual([]);
});

test.runIf(BUG === undefined && REDUCTION !== undefined)(`seed ${FIRST} holds`, { timeout: 600_000 }, async () => {
  const reduction = REDUCTION ?? NOTHING_OUT;
  const report = await play(FIRST, reduction);
  expect(report.violations, failureOf(FIRST, reduction, report)).toEqual([]);
});

test.runIf(ordinary)(
  `O1–O10: ${SEEDS} seeds from ${FIRST} hold: devices with tabs, runs, and everything failing`,
  { timeout: 120_000 + SEEDS * MOST_MS_PER_SEED },
  async () => {
    const startedAt = performance.now();
    const played = await playSeeds({
      first: FIRST,
      count: SEEDS,
      shards: SHARDS,
      onProgress(done, failing) {
        if (done % PROGRESS_EVERY === 0) say(`${done} of ${SEEDS} seeds, ${failing} failed`, startedAt);
      },
    });
    const { totals, failing } = played;
    const violations = failing.reduce((sum, one) => sum + one.violations.length, 0);
    const counted = Object.entries({ ...totals, violations }).map(([what, count]) => `${what} ${count}`);
    say(`Simulation: ${SEEDS} seeds from ${FIRST}, ${counted.join(", ")}`, startedAt);
    if (failing.length > 0) expect.fail(await failuresOf(failing));
    if (SEEDS < 50) return;
    // A simulation in which nothing happens would hold as well.
    expect(totals.edits).toBeGreaterThan(SEEDS * 10);
    expect(totals.acknowledged).toBeGreaterThan(SEEDS * 10);
    expect(totals.kills).toBeGreaterThan(SEEDS / 2);
    expect(totals.runs).toBeGreaterThan(SEEDS / 2);
    expect(totals.mended).toBeGreaterThan(0);
    expect(totals.healed).toBeGreaterThan(0);
  },
);

const say = (text: string, startedAt: number): void =>
  void process.stdout.write(`${text}, ${((performance.now() - startedAt) / 1000).toFixed(0)} s\n`);

/** One line for each seed that failed, and the first few shrunk, with their stories. */
async function failuresOf(failing: Played["failing"]): Promise<string> {
  const lines = failing.map(({ seed, violations }) => `${replayLine(seed, NOTHING_OUT)}\n  ${violations[0]}`);
  const shrunk: string[] = [];
  for (const { seed } of failing.slice(0, SHRUNK))
    shrunk.push(await shrunkFailureOf(seed, (reduction) => play(seed, reduction)));
  return `${failing.length} seeds failed\n${lines.join("\n")}\n\n${shrunk.join("\n\n")}`;
}

// One plan in a hundred has a week away in it, and the ordinary range starts with a hundred that have none.
test.runIf(ordinary)(`seed ${AWAY} holds: a device is away for a week`, { timeout: 60_000 }, async () => {
  expect(createPlan(AWAY).events.map(({ what }) => what)).toContain("away");
  const report = await play(AWAY, NOTHING_OUT);
  expect(report.violations, failureOf(AWAY, NOTHING_OUT, report)).toEqual([]);
});

test.runIf(ordinary)("a seed tells the same story twice", async () => {
  expect(await play(7, NOTHING_OUT)).toEqual(await play(7, NOTHING_OUT));
});

test.runIf(ordinary)("a plan without a part is the plan without that part", () => {
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
