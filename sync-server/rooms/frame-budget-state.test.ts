import { expect, test } from "vitest";
import { encodeFrame } from "#shared/protocol/sync-frames.ts";
import { createFrameBudget, frameCost } from "./frame-budget-state.ts";

const update = (length: number) => encodeFrame({ type: "update", update: new Uint8Array(length) });

test("1,000 short frames pass at once, then 200 a second", () => {
  const budget = createFrameBudget(0);
  for (let i = 0; i < 1_000; i++) expect(budget.take(0, 1)).toBe(0);
  expect(budget.take(0, 1)).toBe(5);
  expect(budget.take(1_000, 199)).toBe(0);
  expect(budget.take(1_000, 1)).toBe(5);
});

test("a clock that steps back earns nothing", () => {
  const budget = createFrameBudget(10_000);
  expect(budget.take(10_000, 1_000)).toBe(0);
  expect(budget.take(0, 1)).toBe(5);
});

test("what makes the server work costs more: long frames by their length, a SyncStep1 like 20", () => {
  expect(frameCost(update(100))).toBe(1);
  expect(frameCost(update(4 * 1024 * 1024 - 100))).toBe(256);
  expect(frameCost(encodeFrame({ type: "step1", stateVector: new Uint8Array([0]) }))).toBe(20);
  expect(frameCost(encodeFrame({ type: "query-awareness" }))).toBe(1);
  expect(frameCost(new Uint8Array())).toBe(1);
});
