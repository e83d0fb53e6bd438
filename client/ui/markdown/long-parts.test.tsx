import fc from "fast-check";
import { renderToStaticMarkup } from "react-dom/server";
import { expect, test } from "vitest";
import { NO_BLOCKS, nextBlocks } from "./block-splitter.ts";
import type { Blocks } from "./block-splitter.ts";
import { MarkdownBlock } from "./block.tsx";

// Lists, fences and tables are lexed from their last lines on: whatever else is in them, that must not show.

const blocksOf = ({ settled, tail }: Blocks) => [...settled, ...tail];
const html = (blocks: Blocks): string =>
  renderToStaticMarkup(blocksOf(blocks).map((block, index) => <MarkdownBlock key={index} block={block} />));

/** All that is shown of a text; far quicker to make than its elements. */
const shape = (blocks: Blocks): string =>
  JSON.stringify(
    blocksOf(blocks).map(({ token }) => token),
    (key, value: unknown) => (key === "raw" ? undefined : value),
  );

const few = { minLength: 1, maxLength: 4 };
const spans =
  "word|*em*|**|**bold**|`c`|`|[ref]|[x](https://a.example)|<a href='x'>|</a>|<b>|www.d.example|\\|!|[|]|~~x~~|&amp;|é";
const words = fc.array(fc.constantFrom(...spans.split("|"), "|", "  "), few).map((some) => some.join(" "));
const lineOf = (...parts: fc.Arbitrary<string>[]) => fc.tuple(...parts).map((some) => some.join(""));

const indent = fc.constantFrom("", "", "", " ", "  ", "   ", "    ", "      ", "\t");
const marker = fc.constantFrom(
  "- ",
  "- ",
  "* ",
  "+ ",
  "1. ",
  "2. ",
  "3) ",
  "10. ",
  "-",
  "-   ",
  "-\t",
  "- [ ] ",
  "- [x] ",
);
const item = lineOf(indent, marker, words);
// oxfmt-ignore
const BESIDE_ITEMS = [
  "", "", "\t", "   ", "  more", "more", "    code", "  ```", "```", "  > q", "> q", "---", "  ---", "# h", "===",
  "  | a | b |", "  |---|---|", "  [ref]: https://b.example", "- [ref]: https://c.example", "<div>", "  <div>",
];
const besideItems = fc.constantFrom(...BESIDE_ITEMS);
const listLines = fc.array(fc.oneof({ weight: 5, arbitrary: item }, besideItems), { minLength: 1, maxLength: 14 });

const besideCode = [
  "",
  "",
  "  ",
  "``",
  "```",
  "~~~",
  "    ```",
  " ```",
  "- x",
  "  deeper",
  "```x",
  "[ref]: https://a.example",
];
const fence = fc
  .tuple(
    fc.constantFrom("```", "~~~", "````", "```ts", "  ```", "   ~~~", "```` x"),
    fc.array(fc.oneof(words, fc.constantFrom(...besideCode)), { maxLength: 14 }),
    fc.constantFrom("```", "~~~", "````", "", "x"),
  )
  .map(([open, code, close]) => [open, ...code, close]);

const cell = fc.constantFrom("a", "`x`", "**b**", "[ref]", "", " ", "\\|", "`a|b`", "<b>", "www.d.example");
const row = fc.array(cell, few).map((cells) => `| ${cells.join(" | ")} |`);
const besideRows = fc.constantFrom("x", "a | b", "\t", "", "> q", "- x", "    code", "```", "# h", "  ");
const table = fc
  .tuple(
    fc.constantFrom("| a | b |", "a | b", "|a|", "x"),
    fc.constantFrom("|---|---|", "--- | :-:", "|-|", "-|-"),
    fc.array(fc.oneof({ weight: 5, arbitrary: row }, besideRows), { maxLength: 12 }),
  )
  .map(([head, line, rows]) => [head, line, ...rows]);

const quote = fc.array(
  fc.oneof(lineOf(fc.constant("> "), words), lineOf(fc.constant("> "), item), fc.constantFrom(">", "lazy", "> ```")),
  few,
);
// oxfmt-ignore
const OTHER_LINES = [
  "# H", "---", "===", "<div>", "</div>", "<!-- x", "-->", "<script>", "</script>", "    code", "[x][ref]",
  "[ref]: https://a.example", "[ref]: https://z.example 'T'",
];
const rest = fc.constantFrom(...OTHER_LINES);
const part = fc.oneof(
  { weight: 5, arbitrary: listLines },
  { weight: 2, arbitrary: fence },
  { weight: 2, arbitrary: table },
  quote,
  fc.array(words, few),
  rest.map((line) => [line]),
);
const document = fc
  .array(fc.tuple(part, fc.constantFrom("\n", "\n\n", "\n\n", "\n\n\n", "\n \n")), { minLength: 1, maxLength: 4 })
  .map((parts) => parts.map(([lines, gap]) => lines.join("\n") + gap).join(""));

test("every prefix of lists, fences, tables and quotes shows what a full parse of it shows", () => {
  fc.assert(
    fc.property(document, fc.integer({ min: 1, max: 16 }), (text, step) => {
      let blocks = NO_BLOCKS;
      for (let end = step; ; end += step) {
        const prefix = text.slice(0, end);
        blocks = nextBlocks(blocks, prefix);
        const whole = nextBlocks(NO_BLOCKS, prefix);
        expect(shape(blocks)).toBe(shape(whole));
        expect(
          blocksOf(blocks)
            .map(({ raw }) => raw)
            .join(""),
        ).toBe(prefix);
        if (end < text.length) continue;
        expect(html(blocks)).toBe(html(whole));
        return;
      }
    }),
    { numRuns: 40 },
  );
}, 60_000);

/** What is lexed for 200 more characters of a text of so many lines. */
function workAfter(lines: number, head: string, line: (index: number) => string): number {
  let text = head;
  let blocks = NO_BLOCKS;
  for (let index = 0; index < lines; index++) blocks = nextBlocks(blocks, (text += line(index % 10)));
  const before = blocks.lexed;
  const more = Array.from({ length: 20 }, (_, index) => line(index % 10)).join("");
  for (let end = 4; end <= 200; end += 4) blocks = nextBlocks(blocks, text + more.slice(0, end));
  return blocks.lexed - before;
}

test.each<[string, string, (index: number) => string]>([
  ["list", "", (at) => `- item ${at} with **bold** words\n`],
  ["loose list", "", (at) => `${at}. item ${at}\n\n`],
  ["task list", "", (at) => `- [x] item ${at}\n`],
  ["list of lists", "", (at) => `- item\n  - below ${at}\n    1. deeper\n`],
  ["list with definitions", "[b]: https://b.example\n\n", (at) => `- [a]: https://a.example\n- [b] ${at}\n`],
  ["numbered list after a paragraph", "Steps:\n", (at) => `${at + 1}. item ${at}\n`],
  ["list after a paragraph", "Before:\n", (at) => `* item ${at}\n`],
  ["fence", "```ts\n", (at) => `const x${at} = ${at};\n`],
  ["fence with empty lines", "~~~\n", (at) => `a${at}\n\n\n`],
  ["indented fence", "  ```\n", (at) => `    deeper ${at}\n`],
  ["table", "| a | b |\n|---|--:|\n", (at) => `| **${at}** | \`${at}\` |\n`],
])("the work for one more token does not grow with the length of a %s", (_, head, line) => {
  expect(workAfter(400, head, line)).toBe(workAfter(30, head, line));
});

const itemsOf = (blocks: Blocks): unknown[] => {
  const token = blocks.tail[0]?.token;
  return token?.type === "list" ? (token["items"] as unknown[]) : [];
};

test("what is kept of a list keeps its identity, so that it is not rendered again", () => {
  const text = "- one\n- two\n- three\n- four\n- five";
  const first = nextBlocks(NO_BLOCKS, text);
  const second = nextBlocks(first, `${text} and more`);
  expect(itemsOf(second)).toHaveLength(5);
  expect(
    itemsOf(second)
      .slice(0, 2)
      .map((one, index) => one === itemsOf(first)[index]),
  ).toEqual([true, true]);
});

test("a definition that comes late links what was kept before it", () => {
  const text = "- See [docs].\n- two\n- three\n- four\n- five\n- six\n";
  const before = nextBlocks(NO_BLOCKS, text);
  expect(html(nextBlocks(before, `${text}\n[docs]: https://a.example`))).toContain('href="https://a.example/"');
});
