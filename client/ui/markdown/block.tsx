import { markdownWords } from "#client/ui/words/markdown-words.ts";
import { createElement, memo } from "react";
import type { ReactNode } from "react";
import type { MarkedToken, Token, Tokens } from "marked";
import type { Block } from "./block-splitter.ts";
import { CodeBlock } from "./code-block.tsx";
import { TaskMark, renderInline } from "./inline.tsx";
import { InParts } from "./parts.tsx";

/** One block; renders again only when the splitter made a new one. */
export const MarkdownBlock = memo(({ block }: { block: Block }) => renderBlock(block.token));
MarkdownBlock.displayName = "MarkdownBlock";

const FENCE_OPENS = /^ {0,3}(`{3,}|~{3,})/;

/** Whether a code token is finished: indented, or with a closing fence. */
export function isClosed(token: Tokens.Code): boolean {
  const fence = FENCE_OPENS.exec(token.raw)?.[1];
  if (fence === undefined) return true;
  const raw = token.raw.trimEnd();
  const last = raw.slice(raw.lastIndexOf("\n") + 1).trim();
  return last.length < raw.length && last.startsWith(fence) && /^(`+|~+)$/u.test(last);
}

function renderBlock(raw: Token): ReactNode {
  const token = raw as MarkedToken;
  // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- inline tokens are the default's
  switch (token.type) {
    case "space":
    case "def":
      return null;
    case "hr":
      return <hr />;
    case "paragraph":
      return <p dir="auto">{renderInline(token.tokens)}</p>;
    case "heading":
      // The page has its own h1 and h2: headings of an answer begin below them.
      return createElement(
        `h${Math.min(token.depth + 2, 6)}`,
        { dir: "auto", "data-depth": token.depth },
        renderInline(token.tokens),
      );
    case "code":
      return <CodeBlock code={token.text} language={languageOf(token.lang)} closed={isClosed(token)} />;
    case "blockquote":
      return <blockquote dir="auto">{renderBlocks(token.tokens)}</blockquote>;
    case "list":
      return <List list={token} />;
    case "table":
      return <Table table={token} />;
    case "html":
      return <p className="raw-html">{token.raw.trimEnd()}</p>;
    default:
      return renderInline([token]);
  }
}

const renderBlocks = (tokens: readonly Token[]): ReactNode[] =>
  tokens.map((token, index) => <MarkdownBlock key={index} block={{ raw: token.raw, token }} />);

const languageOf = (lang: string | undefined): string => /^[^\s{,]*/u.exec(lang ?? "")?.[0] ?? "";

function List({ list }: { list: Tokens.List }) {
  const items = <InParts items={list.items} render={renderListItem} />;
  return list.ordered ? <ol start={typeof list.start === "number" ? list.start : 1}>{items}</ol> : <ul>{items}</ul>;
}

const renderListItem = (item: Tokens.ListItem, index: number): ReactNode => (
  <li key={index} dir="auto" data-task={item.task || undefined}>
    {item.task && !hasOwnMark(item) && <TaskMark done={item.checked === true} />}
    {renderItem(item)}
  </li>
);

/** Newer lexers put the box into the item's tokens, inside the first paragraph where the list is loose. */
const hasOwnMark = (item: Tokens.ListItem): boolean =>
  item.tokens.some(
    (token) =>
      token.type === "checkbox" ||
      ("tokens" in token && (token.tokens as Token[] | undefined)?.[0]?.type === "checkbox"),
  );

const renderItem = (item: Tokens.ListItem): ReactNode[] =>
  item.tokens.map((token, index) =>
    token.type === "text" || token.type === "checkbox" ? (
      <span key={index}>{renderInline([token])}</span>
    ) : (
      <MarkdownBlock key={index} block={{ raw: token.raw, token }} />
    ),
  );

const cell = (one: Tokens.TableCell, index: number, Tag: "th" | "td") => (
  <Tag key={index} dir="auto" data-align={one.align ?? undefined} scope={Tag === "th" ? "col" : undefined}>
    {renderInline(one.tokens)}
  </Tag>
);

const renderRow = (row: Tokens.TableCell[], index: number): ReactNode => (
  <tr key={index}>{row.map((one, column) => cell(one, column, "td"))}</tr>
);

function Table({ table }: { table: Tokens.Table }) {
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls must be reachable by keyboard
    <section className="table-scroll" aria-label={markdownWords.table} tabIndex={0}>
      <table>
        <thead>
          <tr>{table.header.map((one, index) => cell(one, index, "th"))}</tr>
        </thead>
        <tbody>
          <InParts items={table.rows} render={renderRow} />
        </tbody>
      </table>
    </section>
  );
}
