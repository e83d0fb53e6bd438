import fc from "fast-check";
import { expect, test } from "vitest";
import { mergedText, movedCaret, textChange } from "./text-change.ts";

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

test("a change typed into an older text lands at the same words of the newer one", () => {
  expect(mergedText("see か", "see かん", "please see か")).toBe("please see かん");
  expect(mergedText("か and more", "漢 and more", "か and much more")).toBe("漢 and much more");
  expect(mergedText("か", "かん", "かR")).toBe("かんR");
  expect(mergedText("abc", "abcd", "")).toBe("d");
});

test("where two sides replaced the same characters, both new words stay", () => {
  expect(mergedText("one two three", "one 2 three", "1 three")).toBe("12 three");
  expect(mergedText("one two three", "1 three", "one 2 three")).toBe("12 three");
});

test("a merge with one side unchanged is the other side, and no inserted text is lost", () => {
  fc.assert(
    fc.property(text, text, text, (base, mine, theirs) => {
      expect(mergedText(base, mine, base)).toBe(mine);
      expect(mergedText(base, base, theirs)).toBe(theirs);
      const merged = mergedText(base, mine, theirs);
      expect(merged).toContain(textChange(base, mine)?.insert ?? "");
      expect(merged).toContain(textChange(base, theirs)?.insert ?? "");
    }),
  );
});
