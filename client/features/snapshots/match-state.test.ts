import fc from "fast-check";
import { expect, test } from "vitest";
import { gapsBetween, numberIn, sameRuns } from "./match-state.ts";

const sequences = fc.tuple(
  fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 12 }),
  fc.array(fc.integer({ min: 3, max: 8 }), { maxLength: 12 }),
);

/** The most that can match in order, by trying everything. */
function mostInOrder(left: readonly number[], right: readonly number[]): number {
  if (left.length === 0 || right.length === 0) return 0;
  const [[one, ...lefts], [other, ...rights]] = [left, right];
  if (one === other) return 1 + mostInOrder(lefts, rights);
  return Math.max(mostInOrder(lefts, right), mostInOrder(left, rights));
}

test("as many places as can are in runs, in order, each with what is the same, and no two runs are one", () => {
  fc.assert(
    fc.property(sequences, ([left, right]) => {
      const runs = sameRuns(left, right, Infinity) ?? [];
      expect(runs.reduce((sum, { length }) => sum + length, 0)).toBe(mostInOrder(left, right));
      let [at, to] = [0, 0];
      for (const [index, run] of runs.entries()) {
        expect(left.slice(run.left, run.left + run.length)).toEqual(right.slice(run.right, run.right + run.length));
        const gap = run.left - at + (run.right - to);
        expect(run.left >= at && run.right >= to && (index === 0 || gap > 0)).toBe(true);
        [at, to] = [run.left + run.length, run.right + run.length];
      }
    }),
  );
});

test("there is an answer exactly where no more differs than may", () => {
  fc.assert(
    fc.property(sequences, fc.integer({ min: 0, max: 24 }), ([left, right], most) => {
      const edits = left.length + right.length - 2 * mostInOrder(left, right);
      expect(sameRuns(left, right, most) !== undefined).toBe(edits <= most);
    }),
  );
});

test("gaps and runs together are both sequences, whole", () => {
  fc.assert(
    fc.property(sequences, ([left, right]) => {
      const gaps = gapsBetween(sameRuns(left, right, Infinity) ?? [], left.length, right.length);
      const whole = (all: readonly number[], side: "left" | "right"): number[] =>
        gaps.flatMap(({ run, ...gap }) => [
          ...all.slice(...gap[side]),
          ...(run ? all.slice(run[side], run[side] + run.length) : []),
        ]);
      expect([whole(left, "left"), whole(right, "right")]).toEqual([left, right]);
    }),
  );
});

test("equal texts have equal numbers, and others have others", () => {
  const numbers = new Map<string, number>();
  expect(["a", "b", "a", "__proto__", "b"].map((text) => numberIn(numbers, text))).toEqual([0, 1, 0, 2, 1]);
});
