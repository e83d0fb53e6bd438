import fc from "fast-check";
import { expect, test } from "vitest";
import { gapsBetween, matchesOf, numberIn } from "./match-state.ts";

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

test("as many places match as can, in order, each with what is the same", () => {
  fc.assert(
    fc.property(sequences, ([left, right]) => {
      const matches = matchesOf(left, right, Infinity) ?? [];
      expect(matches).toHaveLength(mostInOrder(left, right));
      for (const [index, [at, to]] of matches.entries()) {
        expect(left[at]).toBe(right[to]);
        const [before, other] = matches[index - 1] ?? [-1, -1];
        expect(at > before && to > other).toBe(true);
      }
    }),
  );
});

test("there is an answer exactly where no more differs than may", () => {
  fc.assert(
    fc.property(sequences, fc.integer({ min: 0, max: 24 }), ([left, right], most) => {
      const edits = left.length + right.length - 2 * mostInOrder(left, right);
      expect(matchesOf(left, right, most) !== undefined).toBe(edits <= most);
    }),
  );
});

test("gaps and matches together are both sequences, whole", () => {
  fc.assert(
    fc.property(sequences, ([left, right]) => {
      const gaps = gapsBetween(matchesOf(left, right, Infinity) ?? [], left.length, right.length);
      const whole = (all: readonly number[], side: "left" | "right", at: 0 | 1): (number | undefined)[] =>
        gaps.flatMap((gap) => [...all.slice(...gap[side]), ...(gap.match ? [all[gap.match[at]]] : [])]);
      expect([whole(left, "left", 0), whole(right, "right", 1)]).toEqual([left, right]);
    }),
  );
});

test("equal texts have equal numbers, and others have others", () => {
  const numbers = new Map<string, number>();
  expect(["a", "b", "a", "__proto__", "b"].map((text) => numberIn(numbers, text))).toEqual([0, 1, 0, 2, 1]);
});
