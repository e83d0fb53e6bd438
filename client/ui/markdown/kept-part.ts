import type { MarkedToken, Token, Tokens } from "marked";
import { isCrowded, isSparse, itemsIn } from "#shared/markdown/lexing-cost.ts";
import { lexBlocks } from "#shared/markdown/lex-blocks.ts";
import type { LexedBlock, Links } from "#shared/markdown/lex-blocks.ts";

/**
 * The beginning of a list, table or fence that can not change any more while text is only added: all but its last
 * lines. It is lexed no more; a short stand-in takes its place, and what was lexed of it is put back afterwards.
 */
export interface KeptPart {
  /** code units of the block's raw text that are not lexed again */
  length: number;
  /** what is lexed in their place */
  standIn: string;
  /** definitions inside */
  links: Links;
  content:
    /** `within`: all items that these hold, with themselves */
    | { type: "list"; start: number | ""; items: readonly Tokens.ListItem[]; within: number }
    | { type: "table"; header: Tokens.TableCell[]; rows: readonly Tokens.TableCell[][] }
    | { type: "code"; text: string };
}

/** The last items, rows or lines are lexed again: they can still grow, or become part of one another. */
const STILL_OPEN = 3;

/**
 * The token of a block whose beginning was lexed as its stand-in, whole again; `undefined` if it came out otherwise, or
 * the lexer would refuse the whole.
 * @param raw all of the block
 */
export function restored(kept: KeptPart, lexed: Token, raw: string): Token | undefined {
  const token = lexed as MarkedToken;
  const { content } = kept;
  if (token.type === "list" && content.type === "list") return withItems(token, kept, content, raw);
  if (token.type === "table" && content.type === "table") return withRows(token, content, raw);
  return token.type === "code" && content.type === "code" ? { ...token, text: content.text + token.text } : undefined;
}

type Kept<Type> = Extract<KeptPart["content"], { type: Type }>;

function withItems(token: Tokens.List, { standIn, length }: KeptPart, kept: Kept<"list">, raw: string) {
  const [first, ...items] = token.items;
  if (first?.raw !== standIn || items.length === 0) return undefined;
  if (isCrowded(kept.within + itemsIn(raw.slice(length)), raw.trimEnd().length)) return undefined;
  // Whether it is loose is part of what each item was lexed to.
  const alike = token.loose === kept.items[0]?.loose;
  return alike ? { ...token, start: kept.start, items: [...kept.items, ...items] } : undefined;
}

function withRows(token: Tokens.Table, { header, rows }: Kept<"table">, raw: string) {
  if (token.rows.length === 0) return undefined;
  if (isSparse(header.length, rows.length + token.rows.length, raw.trimEnd().length)) return undefined;
  return { ...token, header, rows: [...rows, ...token.rows] };
}

/** What of a block need not be lexed again, given what was kept of it before. */
export function nextKept({ raw, token }: LexedBlock, before: KeptPart | undefined, links: Links): KeptPart | undefined {
  const whole = token as MarkedToken;
  if (whole.type === "list") return nextKeptItems(whole, before, links);
  if (whole.type === "table") return nextKeptRows(raw, whole, before);
  if (whole.type === "code") return nextKeptLines(raw, whole, before);
  return undefined;
}

const MARKER = /^ {0,3}(?:[*+-]|\d{1,9}[.)])(?:[ \t]+(?=\S))?/;

const NO_ITEMS = { items: [], within: 0 };

function nextKeptItems(list: Tokens.List, before: KeptPart | undefined, links: Links): KeptPart | undefined {
  const {
    items: { length: known },
    within,
  } = before?.content.type === "list" ? before.content : NO_ITEMS;
  const items = list.items.slice(0, Math.max(0, list.items.length - STILL_OPEN));
  const fresh = items.slice(known);
  const last = fresh.at(-1);
  if (!last) return before;
  // The stand-in makes the list as loose as what it stands for.
  const loose = before?.standIn.endsWith("\n\n") === true || fresh.some(loosens);
  return {
    length: fresh.reduce((sum, item) => sum + item.raw.length, before?.length ?? 0),
    standIn: standInFor(last, list.start, loose),
    links: { ...before?.links, ...definedIn(fresh, links) },
    content: { type: "list", start: list.start, items, within: within + itemsIn(fresh.map(({ raw }) => raw).join("")) },
  };
}

/**
 * An item indented and marked like another, so that what follows it is taken the same way, but with the number the
 * list begins with: only a list from 1 follows a paragraph without an empty line.
 */
function standInFor({ raw }: Tokens.ListItem, start: Tokens.List["start"], loose: boolean): string {
  const marker = (MARKER.exec(raw)?.[0] ?? "").replace(/\d+/, String(start));
  return `${marker}${/\s$/.test(marker) ? "" : " "}x\n${loose ? "\n" : ""}`;
}

/** The two ways one item makes its list loose, as the lexer has them. */
const loosens = ({ raw, tokens }: Tokens.ListItem): boolean =>
  /\n[ \t]*\n[ \t]*$/.test(raw) || tokens.some((token) => token.type === "space" && /\n.*\n/.test(token.raw));

function definedIn(items: readonly Tokens.ListItem[], links: Links): Links {
  const labels = items
    .filter(({ raw }) => raw.includes("]:"))
    .flatMap(({ raw }) => Object.keys(lexBlocks(raw, {}).links));
  return Object.fromEntries(labels.flatMap((label) => (links[label] ? [[label, links[label]]] : [])));
}

function nextKeptRows(raw: string, table: Tokens.Table, before: KeptPart | undefined): KeptPart | undefined {
  const known = before?.content.type === "table" ? before.content : undefined;
  const rows = table.rows.slice(0, Math.max(0, table.rows.length - STILL_OPEN));
  const fresh = rows.length - (known?.rows.length ?? 0);
  if (fresh <= 0) return before;
  const head = afterLines(raw, 0, 2);
  return {
    length: afterLines(raw, before?.length ?? head, fresh),
    standIn: raw.slice(0, head),
    links: {},
    content: { type: "table", header: known?.header ?? table.header, rows },
  };
}

export const FENCE = /^ {0,3}(?:`{3}|~{3})/;

function nextKeptLines(raw: string, { text }: Tokens.Code, before: KeptPart | undefined): KeptPart | undefined {
  if (!FENCE.test(raw)) return undefined;
  const known = before?.content.type === "code" ? before.content.text.length : 0;
  const end = beforeLines(text, STILL_OPEN);
  if (end <= known) return before;
  const fresh = text.slice(known, end).split("\n").length - 1;
  const head = afterLines(raw, 0, 1);
  return {
    length: afterLines(raw, before?.length ?? head, fresh),
    standIn: raw.slice(0, head),
    links: {},
    content: { type: "code", text: text.slice(0, end) },
  };
}

/** Where the line begins that is so many lines further on. */
function afterLines(text: string, from: number, lines: number): number {
  let at = from;
  for (let line = 0; line < lines; line++) at = text.indexOf("\n", at) + 1;
  return at;
}

/** Where the line begins that only so many line ends follow; 0 when there are no more than those. */
function beforeLines(text: string, lines: number): number {
  let at = text.length;
  for (let line = 0; line < lines; line++) {
    if (at <= 0) return 0;
    at = text.lastIndexOf("\n", at - 1);
  }
  return at + 1;
}
