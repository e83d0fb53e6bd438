import fc from "fast-check";
import { expect, test } from "vitest";
import { createMemoryBudget, roomBudget } from "./memory-budget-state.ts";

test("R16: what fits is taken, what others take is waited for, and what never fits is said to be too big", () => {
  const budget = createMemoryBudget(100);
  budget.holds("a", 40);
  budget.holds("b", 30);
  expect(budget.mayGrow("a", 30)).toBe("fits");
  expect(budget.mayGrow("a", 31)).toBe("crowded");
  expect(budget.mayGrow("a", 60)).toBe("crowded");
  expect(budget.mayGrow("a", 61)).toBe("too-big");
  budget.holds("b", 0);
  expect(budget.mayGrow("a", 60)).toBe("fits");
});

test("R16: a document is opened where it fits, and one that is bigger than everything, alone", () => {
  const budget = createMemoryBudget(100);
  expect(budget.mayOpen("big", 500)).toBe(true);
  budget.holds("big", 500);
  expect(budget.excess(0)).toBe(400);
  expect(budget.mayOpen("small", 1)).toBe(false);
  expect(budget.mayOpen("big", 500)).toBe(true);
  budget.holds("big", 0);
  expect(budget.mayOpen("small", 1)).toBe(true);
});

test("whatever rooms hold and let go of, the total is the sum of what they hold", () => {
  const step = fc.record({ room: fc.constantFrom("a", "b", "c", "d"), bytes: fc.nat(1_000) });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const budget = createMemoryBudget(1_000);
      const held = new Map<string, number>();
      for (const { room, bytes } of steps) {
        budget.holds(room, bytes);
        held.set(room, bytes);
      }
      const sum = [...held.values()].reduce((all, bytes) => all + bytes, 0);
      expect([budget.total(), budget.excess(0)]).toEqual([sum, sum - 1_000]);
    }),
  );
});

test("the smallest heap leaves documents more than one of the longest takes as text", () => {
  expect(roomBudget(176 * 2 ** 20)).toBeGreaterThan(50 * 2 ** 20);
});
