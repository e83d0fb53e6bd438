import { expect, test } from "vitest";
import { simulate } from "./simulation.ts";

const SEEDS = Number(process.env["SEEDS"] ?? 100);
const FIRST = Number(process.env["SEED"] ?? 1);

/** Seeds that once failed, with what they found. They run for ever. */
const KNOWN: readonly (readonly [seed: number, found: string])[] = [];

/** What to print of a seed that fails: its last events, and the line that replays it. */
const storyOf = (seed: number, story: readonly string[]): string =>
  `${story.slice(-40).join("\n")}\nreplay: SEED=${seed} SEEDS=1 npx vitest run tests/convergence`;

test.each(KNOWN)("seed %i holds (it once found: %s)", (seed) => {
  const report = simulate({ seed });
  expect(report.violations, storyOf(seed, report.story)).toEqual([]);
});

test(
  `O1–O3, O9, R6: ${SEEDS} seeds from ${FIRST} of 3 devices against a server that is killed hold`,
  { timeout: 60_000 + SEEDS * 5_000 },
  () => {
    const totals = { edits: 0, kills: 0, acknowledged: 0 };
    for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
      const report = simulate({ seed });
      expect(report.violations, storyOf(seed, report.story)).toEqual([]);
      totals.edits += report.edits;
      totals.kills += report.kills;
      totals.acknowledged += report.acknowledged;
    }
    // A simulation in which nothing happens would hold as well.
    expect(totals.edits).toBeGreaterThan(SEEDS * 20);
    expect(totals.acknowledged).toBeGreaterThan(SEEDS * 10);
    expect(totals.kills).toBeGreaterThan(SEEDS / 2);
  },
);

test("a seed tells the same story twice", () => {
  expect(simulate({ seed: 7 })).toEqual(simulate({ seed: 7 }));
});

test("the oracles see a server that acknowledges before it has stored", () => {
  const found = [1, 2, 3, 4, 5].flatMap((seed) => simulate({ seed, server: { lies: 0.05 } }).violations);
  expect(found.some((violation) => violation.includes("O1"))).toBe(true);
});
