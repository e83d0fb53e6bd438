import { describe, expect, test } from "vitest";
import { markdownHtml } from "./markdown-html.ts";

const MOST = 200_000;
const filled = (part: string, length = MOST): string => part.repeat(Math.ceil(length / part.length)).slice(0, length);
const rows = (columns: number, count: number): string =>
  `${"|a".repeat(columns)}|\n${"|-".repeat(columns)}|\n${"|\n".repeat(count)}`;

/** What took from a second to hours, or all memory, before there was a bound. */
const HOSTILE: Record<string, string> = {
  "bold and italic that never close": filled("**a*b "),
  "italic in words": filled("*a_b"),
  "paragraphs of open marks": filled(`${filled("**a*b ", 1_500)}\n\n`),
  "an address that never ends": `${filled("a.", MOST - 1)}@`,
  "quotes in quotes": filled("> "),
  "quotes in quotes without blanks": filled(">"),
  "quotes in lists": filled("- > "),
  "lists in lists": filled("1. "),
  "quotes that go on without their mark": filled("> a\nb\n"),
  "tiny items": filled("- [ ] a\n"),
  "lists of one tiny item": filled("1) a\n2. b\n", 19_000),
  "tiny items with blank lines between them": filled("- a\n\n", 19_000),
  headings: filled("# a\n"),
  "an item of many lines": filled("  b\n").replace("  b", "- b"),
  "items of many lines": filled(`- a\n${"  b\n".repeat(1_200)}`),
  "an item of many lists": filled("  - b\n").replace("  - b", "- b"),
  "a wide table": rows(1_000, 1_000),
  "a wide table in a quote": rows(1_000, 1_000).replaceAll(/^/gmu, "> "),
  "one character too many": filled("word ", MOST + 1),
};

describe("a text that would take long to read as Markdown is shown as it was written, at once", () => {
  test.each(Object.entries(HOSTILE))("%s", (_, text) => {
    const began = performance.now();
    const html = markdownHtml(text, 3);
    // A tenth of it on a machine that does nothing else.
    expect(performance.now() - began).toBeLessThan(2_000);
    expect(html.startsWith('<pre class="raw">')).toBe(true);
    const written = html.replaceAll("&gt;", ">").replaceAll(/<\/?pre[^>]*>/gu, "");
    expect(written === text).toBe(true);
  });
});

/** As a model writes. */
const section = (at: number): string =>
  [
    `## Part ${at}`,
    `Some **bold**, *italic* and \`code\` with [a link](https://a.example/${at}) and a_name_in_words.`,
    filled("Plain words of a paragraph. ", 1_200),
    `- one\n- two\n  - deeper\n    1. deepest\n- [ ] three`,
    "| a | b | c |\n| --- | :-: | --: |\n| 1 | 2 | 3 |\n| 4 | 5 | 6 |",
    `> quoted\n> twice\n\n---`,
    `\`\`\`ts\n${"const value = [1, 2, 3].map((one) => one * 2); // *_[\n".repeat(20)}\`\`\``,
  ].join("\n\n");

test("a long text as models write it is Markdown to its end", () => {
  const text = Array.from({ length: 70 }, (_, at) => section(at)).join("\n\n");
  expect(text.length).toBeGreaterThan(170_000);
  expect(text.length).toBeLessThan(MOST);
  const html = markdownHtml(`${text}\n\n**the end**`, 3);
  expect(html).not.toContain('<pre class="raw">');
  expect(html.match(/<table>/gu)).toHaveLength(70);
  expect(html.endsWith('<p dir="auto"><strong>the end</strong></p>')).toBe(true);
});

test("what a model nests and lists is read as well", () => {
  expect(markdownHtml(`${"> ".repeat(20)}a`, 3).match(/<blockquote/gu)).toHaveLength(20);
  const long = "- an item of some length, as those of a long list have it\n  - and one below it, of some more words\n";
  expect(markdownHtml(long.repeat(2_000), 3).match(/<li/gu)).toHaveLength(4_000);
  expect(markdownHtml("- item\n".repeat(2_000), 3).match(/<li/gu)).toHaveLength(2_000);
  expect(markdownHtml(`- a\n\n  \`\`\`\n${"  code();\n".repeat(500)}  \`\`\``, 3)).toContain("<pre><code>code();");
  expect(markdownHtml(`| a | b |\n| - | - |\n${"| 1 | 2 |\n".repeat(2_000)}`, 3).match(/<tr>/gu)).toHaveLength(2_001);
});
