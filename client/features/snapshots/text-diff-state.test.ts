import fc from "fast-check";
import { expect, test } from "vitest";
import { diffText } from "./text-diff-state.ts";
import { joinParts } from "./word-diff-state.ts";
import type { TextPart } from "./word-diff-state.ts";

function diff(before: string, after: string): TextPart[] {
  const steps = diffText(before, after);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

const sideOf = (parts: readonly TextPart[], other: TextPart["type"]): string =>
  parts.flatMap(({ type, text }) => (type === other ? [] : [text])).join("");

const marked = (parts: readonly TextPart[]): string =>
  parts.map(({ type, text }) => (type === "same" ? text : type === "added" ? `{+${text}+}` : `[-${text}-]`)).join("");

const PIECES = [
  ["the ", "sea", "\n", "moon ", "\n\n", "  ", "tide.", "\r\n", "-", "`", "x_1 ", "don't "],
  ["```\n", "```js\n", "~~~\n", "````\n", "let a = 1;\n", "> ```\n", "\n"],
  ["海は", "潮の満ち引き", "月亮", "สวัสดีชาวโลก", "。", "សួស្តី", "、", " "],
  ["😀", "👨‍👩‍👧", "🇩🇪", "e\u0301", "\u0301", "ÿ", "\ud83d", "\ude00", "\u200d"],
  ["שלום ", "عالم ", "\u202e", "\u2067", "नमस्ते ", "Привет ", "ΑΒΓ "],
].flat();

const text = fc.oneof(
  fc.array(fc.constantFrom(...PIECES), { maxLength: 40 }).map((pieces) => pieces.join("")),
  fc.string({ unit: "binary", maxLength: 60 }),
);
/** Texts that are alike: one is the other with pieces taken out and put in. */
const versions = fc
  .tuple(
    fc.array(fc.constantFrom(...PIECES), { maxLength: 60 }),
    fc.array(fc.tuple(fc.nat(60), text), { maxLength: 4 }),
  )
  .map(([pieces, edits]): [string, string] => {
    const edited = [...pieces];
    for (const [at, instead] of edits) edited.splice(at, 2, instead);
    return [pieces.join(""), edited.join("")];
  });

test("the parts give back both texts exactly, and each is what its type says", () => {
  fc.assert(
    fc.property(fc.oneof(fc.tuple(text, text), versions), ([before, after]) => {
      const parts = diff(before, after);
      expect(sideOf(parts, "added")).toBe(before);
      expect(sideOf(parts, "removed")).toBe(after);
      expect(parts.every((part) => part.text !== "")).toBe(true);
      if (before === after) expect(parts.every(({ type }) => type === "same")).toBe(true);
    }),
    { numRuns: 2_000 },
  );
});

test("no part of well-formed texts cuts a character in two", () => {
  fc.assert(
    fc.property(versions, ([before, after]) => {
      fc.pre(before.isWellFormed() && after.isWellFormed());
      for (const part of diff(before, after)) expect(part.text.isWellFormed()).toBe(true);
    }),
  );
});

test.each([
  ["The sea is calm today.", "The sea was calm today.", "The sea [-is-]{+was+} calm today."],
  ["one two three", "one three", "one [-two -]three"],
  ["Das Meer ist heute ruhig.", "Das Meer war heute sehr ruhig.", "Das Meer [-ist-]{+war+} heute{+ sehr+} ruhig."],
  ["Море сегодня спокойно.", "Море вчера спокойно.", "Море [-сегодня-]{+вчера+} спокойно."],
  ["البحر هادئ اليوم", "البحر هائج اليوم", "البحر [-هادئ-]{+هائج+} اليوم"],
  ["我喜欢大海。", "我喜欢月亮。", "我喜欢[-大海-]{+月亮+}。"],
  ["วันนี้ทะเลสงบ", "วันนี้ทะเลแรง", "วันนี้ทะเล[-สงบ-]{+แรง+}"],
  ["café au lait", "cafe\u0301 au lait", "[-café-]{+cafe\u0301+} au lait"],
  ["a 👨‍👩‍👧 b", "a 👨‍👩‍👦 b", "a [-👨‍👩‍👧-]{+👨‍👩‍👦+} b"],
  ["a b c d", "a x y d", "a [-b c-]{+x y+} d"],
])("prose is compared by words: %s", (before, after, expected) => {
  expect(marked(diff(before, after))).toBe(expected);
});

test("code is compared by lines, prose around it by words", () => {
  const before = "Try this:\n```js\nlet a = 1;\nlet b = 2;\n```\nIt is short.\n";
  const after = "Try that:\n```js\nlet a = 1;\nlet b = 3;\n```\nIt is brief.\n";
  expect(marked(diff(before, after))).toBe(
    "Try [-this-]{+that+}:\n```js\nlet a = 1;\n[-let b = 2;\n-]{+let b = 3;\n+}```\nIt is [-short-]{+brief+}.\n",
  );
  expect(
    diff(before, after)
      .filter(({ code }) => code)
      .map(({ text: code }) => code),
  ).toEqual(["```js\nlet a = 1;\n", "let b = 2;\n", "let b = 3;\n", "```\n"]);
});

test("the same line is not the same as prose and as code", () => {
  const parts = diff("```\nx = 1\n```\n", "x = 1\n");
  expect(parts.map(({ type, code }) => [type, code])).toEqual([
    ["removed", true],
    ["added", false],
  ]);
});

const part = (type: TextPart["type"], words: string): TextPart => ({ type, text: words, code: false });

test("neighbours of a kind are one part, and what was removed stands before what took its place", () => {
  expect(
    joinParts([part("added", "x"), part("removed", "a"), part("same", ""), part("added", "y"), part("same", "z")]),
  ).toEqual([part("removed", "a"), part("added", "xy"), part("same", "z")]);
});

test("a text that has little in common with another is one that took its place", () => {
  const before = "The Moon pulls the water on both sides of the Earth, and it bulges.";
  const after = "Nobody knows why cats purr; some say that they do it when the mood is right.";
  expect(marked(diff(before, after))).toBe(`[-${before}-]{+${after}+}`);
});
