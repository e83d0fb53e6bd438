import { expect, test } from "vitest";
import { countingParts } from "./json-parts.ts";

function fits(json: unknown, containers: number, commas: number, { members = 100, depth = 100 } = {}): boolean {
  const text = typeof json === "string" ? json : JSON.stringify(json);
  const steps = countingParts(new TextEncoder().encode(text), { containers, commas, members, depth });
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

test("counts objects, arrays and commas, up to as many as may be", () => {
  const json = { one: [1, 2, 3], other: { deep: [] } };
  expect(fits(json, 4, 3)).toBe(true);
  expect(fits(json, 3, 3)).toBe(false);
  expect(fits(json, 4, 2)).toBe(false);
});

test("does not count what stands in a string, however it is escaped", () => {
  expect(fits({ text: '[{,"[{,\\', next: "\\\\[,", "k,[": "\u0001[" }, 1, 2)).toBe(true);
  expect(fits(['\\",[', "\\"], 1, 1)).toBe(true);
  expect(fits(['\\",[', "\\"], 1, 0)).toBe(false);
});

test("counts over the end of a step, and reads no further than it has to", () => {
  const long = [`${"x".repeat(262_141)}\\`, "[[[[", [[]]];
  expect(fits(long, 3, 2)).toBe(true);
  expect(fits(long, 2, 2)).toBe(false);
  const steps = countingParts(new TextEncoder().encode("[".repeat(4 * 1024 * 1024)), {
    containers: 100,
    commas: 0,
    members: 1,
    depth: 1_000,
  });
  expect(steps.next()).toEqual({ done: true, value: false });
});

test("holds each object to its members, and arrays to none", () => {
  const json = { one: 1, two: [1, 2, 3, 4, 5, 6], three: { a: 1, b: 2, c: 3 } };
  expect(fits(json, 9, 99, { members: 3 })).toBe(true);
  expect(fits(json, 9, 99, { members: 2 })).toBe(false);
  expect(fits([{ a: 1, b: 2 }, { a: 1, b: 2 }, {}], 9, 99, { members: 2 })).toBe(true);
});

test("holds what is in each other to its depth", () => {
  expect(fits([[[]], [[]]], 9, 9, { depth: 3 })).toBe(true);
  expect(fits([[[]], [[]]], 9, 9, { depth: 2 })).toBe(false);
  expect(fits("]]]],[", 9, 9, { depth: 1 })).toBe(false);
});
