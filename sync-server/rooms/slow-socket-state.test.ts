import { expect, test } from "vitest";
import { CLOSE_BYTES, FULL_BYTES, STUCK_MS, nextFlow } from "./slow-socket-state.ts";
import type { Standstill } from "./slow-socket-state.ts";

const FULL = FULL_BYTES + 1;

test("R12: a transport is full above 1 MiB, and dead above 8", () => {
  const flows = [0, FULL_BYTES, FULL, CLOSE_BYTES, CLOSE_BYTES + 1].map(
    (buffered) => nextFlow(undefined, { buffered, progress: 0 }, 0).flow,
  );
  expect(flows).toEqual(["flowing", "flowing", "full", "full", "dead"]);
});

test("R12: one that loses nothing for 15 s is dead; one that others fill up as fast as it drains is not", () => {
  let standstill: Standstill;
  const look = (progress: number, now: number) => {
    const next = nextFlow(standstill, { buffered: FULL, progress }, now);
    ({ standstill } = next);
    return next.flow;
  };
  expect([look(0, 0), look(0, STUCK_MS - 1), look(0, STUCK_MS)]).toEqual(["full", "full", "dead"]);
  standstill = undefined;
  // As much is there each time, and each time it is something else.
  for (let second = 0; second < 60; second++) expect(look(second * 10_000, second * 1_000)).toBe("full");
  expect(look(590_000, 59_000 + STUCK_MS)).toBe("dead");
});
