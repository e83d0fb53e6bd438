import { expect, test } from "vitest";
import { createFakeClock } from "./fake-clock.ts";
import { createSeededRandom } from "./seeded-random.ts";

const draw = (seed: number): number[] => {
  const random = createSeededRandom(seed);
  return Array.from({ length: 20 }, () => random.next());
};

test("the same seed gives the same chance, another seed another", () => {
  expect(draw(7)).toEqual(draw(7));
  expect(draw(7)).not.toEqual(draw(8));
  expect(draw(7).every((value) => value >= 0 && value < 1)).toBe(true);
  expect(createSeededRandom(1).bytes(16)).toHaveLength(16);
});

test("time stands still until it is moved, and timers come in the order they are due", () => {
  const clock = createFakeClock(1000);
  const called: [string, number][] = [];
  clock.after(20, () => called.push(["late", clock.now()]));
  clock.after(10, () => {
    called.push(["early", clock.now()]);
    clock.after(5, () => called.push(["nested", clock.now()]));
  });
  const cancel = clock.after(12, () => called.push(["cancelled", clock.now()]));
  cancel();
  clock.advance(9);
  expect(called).toEqual([]);
  clock.advance(11);
  expect(called).toEqual([
    ["early", 1010],
    ["nested", 1015],
    ["late", 1020],
  ]);
  expect([clock.now(), clock.pending()]).toEqual([1020, 0]);
});
