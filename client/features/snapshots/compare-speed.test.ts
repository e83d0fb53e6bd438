import { expect, test } from "vitest";
import { inSlices } from "#client/platform/slices.ts";
import type { FrozenContent } from "#shared/domain/frozen-content.ts";
import { createWriter } from "#tests/support/compared-pairs.ts";
import { frozen } from "#tests/support/frozen.ts";
import { createSeededRandom } from "#tests/support/seeded-random.ts";
import { startComparing } from "./compare-state.ts";

/** ms of this process's own time: other processes may have the processor meanwhile. */
const worked = (): number => process.cpuUsage().user / 1_000;

/** Takes all steps; answers ms of work in sum, and of the longest step. Some rounds, since code is slow at first. */
function timed(left: FrozenContent, right: FrozenContent, rounds: number): { sum: number; longest: number } {
  let best = { sum: Infinity, longest: Infinity };
  for (let round = 0; round < rounds; round++) {
    const { steps } = startComparing(left, right);
    let [sum, longest] = [0, 0];
    for (let done = false; !done;) {
      const began = worked();
      done = steps.next().done === true;
      const took = worked() - began;
      sum += took;
      longest = Math.max(longest, took);
    }
    best = { sum: Math.min(best.sum, sum), longest: Math.min(best.longest, longest) };
  }
  return best;
}

const say = (what: string, { sum, longest }: { sum: number; longest: number }): void =>
  void process.stdout.write(`${what}: ${sum.toFixed(1)} ms, longest step ${longest.toFixed(1)} ms\n`);

const { turnsOf, edited } = createWriter(2_026);
const turns = turnsOf(200);
const renamed = (texts: readonly string[]): FrozenContent =>
  frozen(texts.map((text, index) => ({ text, id: `copy-${index}` })));

// Budgets are those of design, with room for a machine that does other things as well.
test("200 messages of which every second differs are compared in 200 ms, in steps of a few", () => {
  const right = frozen(turns.map((text, index) => (index % 4 < 2 ? text : edited(text))));
  const figures = timed(frozen(turns), right, 4);
  say("200 messages, half of them edited", figures);
  expect(figures.sum).toBeLessThan(400);
  expect(figures.longest).toBeLessThan(16);
});

test("so are 200 that have new ids and all differ, and 200 that have nothing in common", () => {
  const likened = timed(frozen(turns), renamed(turns.map(edited)), 3);
  say("200 messages, all edited, new ids", likened);
  const strange = timed(frozen(turns), renamed(turnsOf(200)), 3);
  say("200 messages, all others", strange);
  expect(Math.max(likened.sum, strange.sum)).toBeLessThan(800);
  expect(Math.max(likened.longest, strange.longest)).toBeLessThan(16);
});

const MIB = 1_048_576;
test.each<[string, string, string]>([
  ["lines that all differ", "a b c d e f g h\n".repeat(MIB / 8), "a b c d e f g i\n".repeat(MIB / 8)],
  ["one line", `start ${"word ".repeat(MIB / 2.5)}`, `begin ${"word ".repeat(MIB / 2.5)}`],
  ["one word", "x".repeat(2 * MIB), `${"x".repeat(2 * MIB)}y`],
  ["no word twice", longLine(1), longLine(2)],
  ["many edits", manyLines(3), manyLines(4)],
  ["many lines, the first and the last of which differ", `a\n${sameLines()}b\n`, `c\n${sameLines()}d\n`],
  ["fences", "```\n~~~\n".repeat(MIB / 4), "~~~\n```\n".repeat(MIB / 4)],
  ["a script without spaces", "海潮".repeat(MIB), "潮海".repeat(MIB)],
  ["marks", "e\u0301\u0301\u0301\u0301".repeat(MIB / 3), "\u0301\u0301e\u0301".repeat(MIB / 3)],
])("a pair of 1 or 2 MB is bounded: %s", (what, before, after) => {
  const figures = timed(frozen([before]), frozen([after]), 2);
  say(`2 MB, ${what}`, figures);
  expect(figures.sum).toBeLessThan(1_500);
  expect(figures.longest).toBeLessThan(60);
});

function longLine(seed: number): string {
  const chance = createSeededRandom(seed);
  return Array.from({ length: MIB / 4 }, () => chance.below(2 ** 30).toString(36)).join(" ");
}

function sameLines(): string {
  return Array.from({ length: 19_000 }, (_, at) => `line ${at} of the same words on both sides, as in a log\n`).join(
    "",
  );
}

function manyLines(seed: number): string {
  const chance = createSeededRandom(seed);
  return Array.from({ length: MIB / 8 }, () => `line ${chance.below(200)} of these\n`).join("");
}

test("slices end in time, tell what is known, and stop when told to", async () => {
  let now = 0;
  let pauses = 0;
  const schedule = { now: () => now, pause: async () => void pauses++ };
  const abort = new AbortController();
  let taken = 0;
  function* steps(): Generator<undefined, void> {
    for (; taken < 100; taken++) {
      now += 2;
      if (taken === 60) abort.abort();
      yield;
    }
  }
  const seen: number[] = [];
  await inSlices(steps(), { onSlice: () => seen.push(taken), signal: abort.signal, schedule });
  const lengths = seen.map((count, index) => count - (seen[index - 1] ?? 0));
  expect(Math.max(...lengths) * 2).toBeLessThanOrEqual(8);
  expect(pauses).toBe(seen.length);
  expect(taken).toBeLessThan(65);
});
