import { renderToStaticMarkup } from "react-dom/server";
import { describe, expect, test } from "vitest";
import { NO_BLOCKS, nextBlocks } from "./block-splitter.ts";
import type { Blocks } from "./block-splitter.ts";
import { Markdown } from "./markdown.tsx";

const filled = (part: string, length = 60_000): string => part.repeat(Math.ceil(length / part.length)).slice(0, length);
const rows = (columns: number, count: number): string =>
  `${"|a".repeat(columns)}|\n${"|-".repeat(columns)}|\n${"|\n".repeat(count)}`;

/** What threw, or took the lexer from a second to minutes, before its work was bounded. */
const HOSTILE: Record<string, string> = {
  "quotes in quotes": filled("> "),
  "quotes in quotes without blanks": filled(">"),
  "quotes in lists": filled("- > "),
  "lists in lists": filled("1. "),
  "bold and italic that never close": filled("**a*b "),
  "struck through that never closes": filled("~~a~b "),
  "italic in one long word": filled("a*"),
  "bold in one long word": filled("a**b"),
  "an address that never ends": `${filled("a.")}@`,
  "paragraphs of open marks": filled(`${filled("**a*b ", 1_500)}\n\n`),
  "an item of many lines": filled("  b\n").replace("  b", "- b"),
  "a wide table": rows(1_000, 30_000),
  "quoted items that go on without their mark": filled("> - a\nb\n"),
  "quotes in quotes that go on without their mark": filled("> > a\nb\n"),
  "tiny items": filled("- a\n", 300_000),
  "items between lines": filled("- a\n---\n"),
};

const blocksOf = ({ settled, tail }: Blocks) => [...settled, ...tail];
const shape = (blocks: Blocks): string =>
  JSON.stringify(
    blocksOf(blocks).map(({ token }) => token),
    (key, value: unknown) => (key === "raw" ? undefined : value),
  );
const textOf = (html: string): string =>
  html
    .replaceAll(/<[^>]*>/gu, "")
    .replaceAll("&gt;", ">")
    .replaceAll("&amp;", "&");

describe("a text that is hard to read as Markdown is read in bounded time, and nothing of it is lost", () => {
  test.each(Object.entries(HOSTILE))("%s", (_, text) => {
    const began = performance.now();
    const blocks = nextBlocks(NO_BLOCKS, text);
    // A tenth of it on a machine that does nothing else.
    expect(performance.now() - began).toBeLessThan(4_000);
    expect(
      blocksOf(blocks)
        .map(({ raw }) => raw)
        .join("") === text,
    ).toBe(true);
  });
});

test("only the piece that is hard to read stands as it was written, with its line breaks", () => {
  const items = filled("- a\n", 40_000).trimEnd();
  const shown = renderToStaticMarkup(<Markdown text={`**Before**\n\n${items}\n\n**After**`} />);
  expect(shown).toContain("<strong>Before</strong>");
  expect(shown).toContain(`<p class="raw-html">${items}</p>`);
  expect(shown).toContain("<strong>After</strong>");
});

test("marks whose ends are not looked for any more are shown as marks, and what follows in other paragraphs is read", () => {
  const open = filled("**a*b ", 3_000);
  const shown = renderToStaticMarkup(<Markdown text={`${open}\n\n*read*`} />);
  expect(textOf(shown)).toContain(open.trimEnd());
  expect(shown).toContain("<em>read</em>");
});

test("a word too long to look for addresses in keeps its line breaks", () => {
  const word = filled("a*", 5_000);
  const shown = renderToStaticMarkup(<Markdown text={`one\n${word}\ntwo`} />);
  expect(shown).toContain(`one<br/>${word}<br/>two`);
});

/** Each crosses a bound at a place of its own while it grows. */
test.each<[string, string, string, number]>([
  ["a list", "Before\n\n", filled("- a\n", 24_000), 997],
  ["a list of lists", "", filled("- a\n  - b\n", 36_000), 997],
  ["a numbered list that goes on as another", "", `${filled("1. a\n", 27_000)}2) b\n\nThe **end**`, 997],
  ["an item of many lines", "- a\n", filled("  b\n", 2_400), 37],
  ["a table that is filled up", "", `${rows(100, 90)}\n\nafter`, 7],
  ["a quote that goes on without its mark", "", filled("> a\nb\n", 1_200), 7],
  ["open marks", "", filled("**a*b ", 1_200), 7],
  ["one long word", "", filled("a*", 1_200), 7],
  ["quotes in quotes", "", filled("> ", 100), 1],
])(
  "%s that becomes hard to read shows at each length what a full parse shows",
  (_, head, rest, step) => {
    const text = head + rest;
    let blocks = NO_BLOCKS;
    const shapes = new Set<boolean>();
    for (let end = step; end < text.length + step; end += step) {
      blocks = nextBlocks(blocks, text.slice(0, end));
      shapes.add(shape(blocks) === shape(nextBlocks(NO_BLOCKS, text.slice(0, end))));
    }
    expect([...shapes]).toEqual([true]);
  },
  60_000,
);

test("what people and models write in length is read as before", () => {
  const items = filled("- an item of some words, as a list has them\n", 200_000);
  expect(renderToStaticMarkup(<Markdown text={items} />).match(/<li/gu)?.length).toBeGreaterThan(4_500);
  const code = `- a\n\n  \`\`\`\n${"  code();\n".repeat(3_000)}  \`\`\``;
  expect(renderToStaticMarkup(<Markdown text={code} />)).not.toContain("raw-html");
  const table = `| a | b | c |\n| - | - | - |\n${"| one | two | three |\n".repeat(3_000)}`;
  expect(renderToStaticMarkup(<Markdown text={table} />).match(/<tr/gu)).toHaveLength(3_001);
  const bold = "**Word**: some *more* words and `code` with snake_case_names and [a link](https://a.example).\n";
  const shown = renderToStaticMarkup(<Markdown text={bold.repeat(200)} />);
  expect(shown.match(/<strong>/gu)).toHaveLength(200);
  expect(shown.match(/<em>/gu)).toHaveLength(200);
  const hex = `Key: ${filled("0123456789abcdef", 20_000)} and **bold**`;
  expect(renderToStaticMarkup(<Markdown text={hex} />)).toContain("<strong>bold</strong>");
});
