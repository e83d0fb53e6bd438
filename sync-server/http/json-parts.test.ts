import { expect, test } from "vitest";
import { countingParts } from "./json-parts.ts";

function fits(json: unknown, containers: number, commas: number): boolean {
  const text = typeof json === "string" ? json : JSON.stringify(json);
  const steps = countingParts(new TextEncoder().encode(text), { containers, commas });
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
  const steps = countingParts(new TextEncoder().encode("[".repeat(4 * 1024 * 1024)), { containers: 100, commas: 0 });
  expect(steps.next()).toEqual({ done: true, value: false });
});
