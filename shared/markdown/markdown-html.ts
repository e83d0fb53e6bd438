import type { MarkedToken, Token, Tokens } from "marked";
import { decodeEntities } from "./entities.ts";
import { lexIf } from "./lex-blocks.ts";
import { hasFewBlocks, hasFewMarks } from "./markdown-cost.ts";
import { safeImage, safeLink } from "./safe-url.ts";

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
  "\0": "\ufffd",
};

/** Text as it may stand between tags and in quoted attributes. */
export const escapeHtml = (text: string): string => text.replace(/[&<>"'\0]/gu, (one) => ENTITIES[one] ?? one);

/**
 * Markdown as HTML that runs nothing and loads nothing: the same tokens as the app shows, each written by its type with
 * what is in it escaped. Raw HTML is the text it was written as, an image is a link, and an address that is not http,
 * https or mailto is no link. A text that would take long to read as Markdown is shown as it was written, with its line
 * breaks: one over 200,000 characters, of quotes and lists more than 30 deep, of many thousand items, of an item of some
 * thousand lines, of tables with more than 20,000 cells, or with a thousand marks in one paragraph (`markdown-cost.ts`).
 * @param level the heading that the first level of the text becomes, 1 to 6
 */
export function markdownHtml(text: string, level: number): string {
  const found = hasFewBlocks(text) ? lexIf(text, {}, hasFewMarks) : undefined;
  if (found === undefined) return `<pre class="raw">${escapeHtml(text)}</pre>`;
  return blocks(
    found.blocks.map(({ token }) => token),
    level,
  );
}

const blocks = (tokens: readonly Token[], level: number): string =>
  tokens.map((token) => block(token as MarkedToken, level)).join("\n");

function block(token: MarkedToken, level: number): string {
  // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- inline tokens are the default's
  switch (token.type) {
    case "space":
    case "def":
      return "";
    case "hr":
      return "<hr>";
    case "paragraph":
      return `<p dir="auto">${inlines(token.tokens)}</p>`;
    case "heading": {
      const tag = `h${Math.min(token.depth + level - 1, 6)}`;
      return `<${tag} dir="auto">${inlines(token.tokens)}</${tag}>`;
    }
    case "code":
      return `<pre><code>${escapeHtml(token.text)}</code></pre>`;
    case "blockquote":
      return `<blockquote dir="auto">${blocks(token.tokens, level)}</blockquote>`;
    case "list":
      return list(token, level);
    case "table":
      return table(token);
    case "html":
      return `<p class="raw">${escapeHtml(token.raw.trimEnd())}</p>`;
    default:
      return inline(token);
  }
}

function list({ ordered, start, items }: Tokens.List, level: number): string {
  const rows = items.map((item) => {
    const own = item.tokens.some((token) => token.type === "checkbox" || firstOf(token) === "checkbox");
    const box = item.task && !own ? mark(item.checked === true) : "";
    return `<li dir="auto">${box}${blocks(item.tokens, level)}</li>`;
  });
  const begins = typeof start === "number" && Number.isSafeInteger(start) ? ` start="${start}"` : "";
  return ordered ? `<ol${begins}>${rows.join("")}</ol>` : `<ul>${rows.join("")}</ul>`;
}

const firstOf = (token: Token): string | undefined =>
  "tokens" in token ? (token.tokens as Token[] | undefined)?.[0]?.type : undefined;

const mark = (done: boolean): string => (done ? "☑ " : "☐ ");

function table({ header, rows }: Tokens.Table): string {
  const body = rows.map((cells) => row(cells, "td")).join("");
  return `<div class="table"><table><thead>${row(header, "th")}</thead><tbody>${body}</tbody></table></div>`;
}

const row = (cells: readonly Tokens.TableCell[], tag: "th" | "td"): string =>
  `<tr>${cells.map((cell) => `<${tag} dir="auto"${alignment(cell)}>${inlines(cell.tokens)}</${tag}>`).join("")}</tr>`;

const alignment = ({ align }: Tokens.TableCell): string =>
  align === "right" || align === "center" ? ` class="${align}"` : "";

const inlines = (tokens: readonly Token[] | undefined): string =>
  (tokens ?? []).map((token) => inline(token as MarkedToken)).join("");

function inline(token: MarkedToken): string {
  // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- everything else is shown as it was written
  switch (token.type) {
    case "strong":
    case "em":
    case "del":
      return `<${token.type}>${inlines(token.tokens)}</${token.type}>`;
    case "codespan":
      return `<code>${escapeHtml(token.text)}</code>`;
    case "br":
      return "<br>";
    case "escape":
      return escapeHtml(token.text);
    case "text":
      return token.tokens ? inlines(token.tokens) : escapeHtml(decodeEntities(token.text));
    case "link":
      return anchor(safeLink(decodeEntities(token.href)), inlines(token.tokens));
    case "image":
      return image(token);
    case "checkbox":
      return mark(token.checked);
    default:
      return escapeHtml(token.raw);
  }
}

const anchor = (href: string | undefined, html: string): string =>
  href === undefined
    ? `<span>${html}</span>`
    : `<a href="${escapeHtml(href)}" rel="noopener noreferrer nofollow">${html}</a>`;

function image({ href, text, raw }: Tokens.Image): string {
  const url = safeImage(decodeEntities(href));
  return url ? anchor(url.href, escapeHtml(decodeEntities(text) || url.host)) : escapeHtml(raw);
}
