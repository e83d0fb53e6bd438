import fc from "fast-check";
import { expect, test } from "vitest";
import { movedCaret, textChange } from "./text-change.ts";

const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.string({ unit: fc.constantFrom("a", "b", "😀", "😁", "é"), maxLength: 12 }),
);

test("applying the change to the old text gives the new one", () => {
  fc.assert(
    fc.property(text, text, (before, after) => {
      const change = textChange(before, after);
      if (!change) expect(before).toBe(after);
      else expect(before.slice(0, change.at) + change.insert + before.slice(change.at + change.remove)).toBe(after);
    }),
  );
});

test("a change never cuts a character in half", () => {
  expect(textChange("x😀", "x😁")).toEqual({ at: 1, remove: 2, insert: "😁" });
  fc.assert(
    fc.property(text, text, (before, after) => {
      const change = textChange(before, after);
      if (change) expect(change.insert).not.toMatch(/\p{Surrogate}/u);
    }),
  );
});

test("typing in the middle is one insertion there", () => {
  expect(textChange("hello world", "hello dear world")).toEqual({ at: 6, remove: 0, insert: "dear " });
});

test("a caret keeps its place in the words around it", () => {
  expect(movedCaret(3, { at: 5, remove: 0, insert: "abc" })).toBe(3);
  expect(movedCaret(8, { at: 5, remove: 0, insert: "abc" })).toBe(11);
  expect(movedCaret(6, { at: 5, remove: 4, insert: "" })).toBe(5);
  expect(movedCaret(5, { at: 5, remove: 0, insert: "abc" })).toBe(5);
});
