import fc from "fast-check";
import { expect, test } from "vitest";
import type { FrozenContent } from "#shared/domain/frozen-content.ts";
import { aFrozenRun, frozen } from "#tests/support/frozen.ts";
import type { FrozenTurn } from "#tests/support/frozen.ts";
import { fittingRows, foldRows, rowStateOf, startComparing, summaryOf } from "./compare-state.ts";
import type { Comparison, MessageRow } from "./compare-state.ts";

function compare(left: FrozenContent, right: FrozenContent): Comparison {
  const comparing = startComparing(left, right);
  while (comparing.steps.next().done !== true);
  return comparing.now();
}

/** Rows as words: places and state, "0=0", "1~1" changed, "2-" only left, "+2" only right, "3>1" moved, "4:4" another run. */
function sketch({ rows = [] }: Comparison): string {
  const signs = { same: "=", changed: "~", moved: ">", run: ":", removed: "-", added: "+" };
  const one = (row: MessageRow): string => {
    const sign = signs[rowStateOf(row)];
    if (row.type === "left") return `${row.left.place}${sign}`;
    return row.type === "right" ? `${sign}${row.right.place}` : `${row.left.place}${sign}${row.right.place}`;
  };
  return rows.map(one).join(" ");
}

let fresh = 0;
/** A turn whose id no other has. */
const copy = (text: string, more: Partial<FrozenTurn> = {}): FrozenTurn => ({ text, id: `copy-${fresh++}`, ...more });

const TIDES = [
  "Why are there tides?",
  "The Moon pulls the water on both sides.",
  "And the Sun?",
  "It pulls half as much.",
];

test("a snapshot beside itself is the same throughout", () => {
  const comparison = compare(frozen(TIDES), frozen(TIDES));
  expect(sketch(comparison)).toBe("0=0 1=1 2=2 3=3");
  expect(summaryOf(comparison)).toEqual({
    messages: { same: 4, changed: 0, moved: 0, run: 0, removed: 0, added: 0 },
    settings: [],
  });
});

test.each<[string, (string | FrozenTurn)[], (string | FrozenTurn)[], string]>([
  ["a branch that went on", TIDES.slice(0, 2), TIDES, "0=0 1=1 +2 +3"],
  ["a branch that ended earlier", TIDES, TIDES.slice(0, 2), "0=0 1=1 2- 3-"],
  ["restored copies with new ids", TIDES, TIDES.map((text) => copy(text)), "0=0 1=1 2=2 3=3"],
  [
    "an answer written again, with other words",
    TIDES,
    [TIDES[0]!, copy("Gravity does it."), copy(TIDES[2]!), copy(TIDES[3]!)],
    "0=0 1~1 2=2 3=3",
  ],
  [
    "a prompt said in other words, and its answer",
    TIDES,
    [copy("Why are there tides on Earth?"), copy("Because the Moon pulls."), copy(TIDES[2]!), copy(TIDES[3]!)],
    "0~0 1~1 2=2 3=3",
  ],
  [
    "a turn put in",
    TIDES,
    [
      copy(TIDES[0]!),
      copy(TIDES[1]!),
      copy("Say it simply."),
      copy("Moon tugs sea."),
      copy(TIDES[2]!),
      copy(TIDES[3]!),
    ],
    "0=0 1=1 +2 +3 2=4 3=5",
  ],
  [
    "a turn taken out, another changed",
    [...TIDES, "Thank you very much!", "You are welcome."],
    [copy("And the Sun, too?"), copy(TIDES[3]!), copy("Thank you very much!"), copy("You are welcome.")],
    "0- 1- 2~0 3=1 4=2 5=3",
  ],
  [
    "turns in another order",
    TIDES,
    [copy(TIDES[2]!), copy(TIDES[3]!), copy(TIDES[0]!), copy(TIDES[1]!)],
    "2=0 3=1 0>2 1>3",
  ],
  ["nothing in common but the place", ["Hello", "Hi"], [copy("Zebra"), copy("Stripes")], "0~0 1~1"],
])("aligns %s", (_, left, right, expected) => {
  expect(sketch(compare(frozen(left), frozen(right)))).toBe(expected);
});

test("an id counts for more than words: what is one message is compared as one", () => {
  const left = frozen(["Hello", "Good morning to you", "Fine?", "Fine."]);
  const right = frozen(["Hello", "Zebra crossing", "Fine?", copy("Good morning to you")]);
  expect(sketch(compare(left, right))).toBe("0=0 1~1 2=2 3~3");
});

test("a person's words are never compared with a model's", () => {
  const left = frozen([{ text: "The same words", role: "user" }]);
  const right = frozen([copy("The same words", { role: "assistant" })]);
  expect(sketch(compare(left, right))).toBe("0- +0");
});

test("equal words of another run are told apart, and what differs is named", () => {
  const answer = { text: "Yes.", run: aFrozenRun() };
  const other = { text: "Yes.", run: aFrozenRun({ model: "t/other", usage: undefined }) };
  const comparison = compare(frozen(["Is it?", answer]), frozen(["Is it?", other]));
  expect(sketch(comparison)).toBe("0=0 1:1");
  const row = comparison.rows?.[1];
  const facts = row?.type === "pair" ? row.facts : [];
  expect(facts.filter(({ state }) => state !== "same")).toEqual([
    { name: "model", left: "t/m", right: "t/other", state: "changed" },
    { name: "inputTokens", left: 10, right: undefined, state: "left" },
    { name: "outputTokens", left: 20, right: undefined, state: "left" },
    { name: "cost", left: 300, right: undefined, state: "left" },
  ]);
});

test("settings are compared as a table, the system prompt by words", () => {
  const left = frozen(TIDES, { systemPrompt: "Be brief.", parameters: { temperature: 1 } });
  const right = frozen(TIDES, { model: "t/n", systemPrompt: "Be kind.", parameters: { topP: 0.5 } });
  const comparison = compare(left, right);
  expect(comparison.settings).toEqual([
    { name: "model", left: "t/m", right: "t/n", state: "changed" },
    { name: "temperature", left: 1, right: undefined, state: "left" },
    { name: "topP", left: undefined, right: 0.5, state: "right" },
    { name: "maxOutputTokens", left: undefined, right: undefined, state: "same" },
  ]);
  expect(comparison.systemPrompt).toMatchObject({
    type: "changed",
    parts: [{}, { text: "brief" }, { text: "kind" }, {}],
  });
  expect(summaryOf(comparison).settings).toEqual(["model", "temperature", "topP", "systemPrompt"]);
});

test("every message of both sides is in one row, and what changed gives back both texts", () => {
  const turn = fc.record({
    text: fc.constantFrom("a b c d", "a b c e", "x y z", "x y w", "", "a"),
    id: fc.constantFrom(...Array.from({ length: 12 }, (_, index) => `id-${index}`)),
    role: fc.constantFrom("user" as const, "assistant" as const),
  });
  const branch = fc.uniqueArray(turn, { maxLength: 12, selector: ({ id }) => id });
  fc.assert(
    fc.property(branch, branch, (left, right) => {
      const { rows = [], done } = compare(frozen(left), frozen(right));
      expect(done).toBe(true);
      const lefts = rows.flatMap((row) => (row.type === "right" ? [] : [row.left.place]));
      const rights = rows.flatMap((row) => (row.type === "left" ? [] : [row.right.place]));
      expect(lefts.toSorted((a, b) => a - b)).toEqual(left.map((_, place) => place));
      expect(rights).toEqual(right.map((_, place) => place));
      for (const row of rows) {
        if (row.type !== "pair") continue;
        expect(row.left.message.role).toBe(row.right.message.role);
        const { text } = row;
        const side = (other: string): string =>
          text.type === "changed"
            ? text.parts.flatMap((part) => (part.type === other ? [] : [part.text])).join("")
            : "";
        expect([side("added"), side("removed")]).toEqual(
          text.type === "changed" ? [row.left.message.text, row.right.message.text] : ["", ""],
        );
      }
    }),
    { numRuns: 1_000 },
  );
});

test("what is the same in a row is folded, but for one beside each change", () => {
  const words = Array.from({ length: 12 }, (_, index) => `message ${index}`);
  const changed = words.map((text, index) => (index === 5 ? "changed 5" : text));
  const { rows = [] } = compare(frozen(words), frozen(changed));
  const shown = (opened: number[]): string[] =>
    foldRows(rows, new Set(opened)).map((row) => (row.type === "row" ? `${row.index}` : `${row.from}+${row.count}`));
  expect(shown([])).toEqual(["0+4", "4", "5", "6", "7+5"]);
  expect(shown([0])).toEqual(["0", "1", "2", "3", "4", "5", "6", "7+5"]);
  expect(shown([0, 7])).toHaveLength(12);
});

const fifty = (words: string): string => Array.from({ length: 50 }, (_, at) => `${words} ${at}`).join(" ");

const answered = (model: string): FrozenContent =>
  frozen(["Why?", { text: "The Moon.", run: aFrozenRun({ model }) }], { model: "" });

test("where no model was chosen, those that answered stand in its place", () => {
  const { settings } = compare(answered("t/m"), answered("t/other"));
  expect(settings[0]).toEqual({ name: "model", left: "t/m", right: "t/other", state: "changed" });
  expect(compare(frozen(["Why?"], { model: "" }), answered("t/m")).settings[0]?.state).toBe("right");
});

test("rows are drawn from the top down, as much at once as weighs little, and none before it was compared", () => {
  const left = frozen(Array.from({ length: 12 }, (_, at) => fifty(`tide${at} moon`)));
  const right = frozen(Array.from({ length: 12 }, (_, at) => fifty(`tide${at} sun`)));
  const comparing = startComparing(left, right);
  const rows = () => foldRows(comparing.now().rows ?? [], new Set());
  while (rows().length === 0) comparing.steps.next();
  expect(fittingRows(rows(), 0, 1_000)).toBe(0);
  while (rows().every((row) => row.type === "row" && row.row.type === "pair" && row.row.text.type === "waiting"))
    comparing.steps.next();
  expect(fittingRows(rows(), 0, 1_000)).toBe(1);
  while (comparing.steps.next().done !== true);

  // 50 words that were kept, 50 removed, 50 added: each row is heavy.
  const drawn = [0];
  while (drawn.at(-1) !== 12) drawn.push(fittingRows(rows(), drawn.at(-1) ?? 0, 330));
  expect(drawn).toEqual([0, 2, 4, 6, 8, 10, 12]);
  // One at least, however heavy it is.
  expect(fittingRows(rows(), 5, 1)).toBe(6);
  expect(fittingRows(rows(), 12, 330)).toBe(12);
});
