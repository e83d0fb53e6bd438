import { Lexer } from "marked";
import type { Token } from "marked";

type Links = Record<string, { href: string | null; title: string | null | undefined }>;

/** One top-level piece of Markdown with the blank lines after it. Keeps its identity while it stays the same. */
export interface Block {
  raw: string;
  token: Token;
}

/** A text as blocks. Blocks before `settledText`'s end can not change any more while the text only grows. */
export interface Blocks {
  settled: readonly Block[];
  settledText: string;
  settledLinks: Links;
  tail: readonly Block[];
  /** link definitions of the whole text */
  links: Links;
  /** UTF-16 code units that went through the lexer so far; the measure of work */
  lexed: number;
}

export const NO_BLOCKS: Blocks = { settled: [], settledText: "", settledLinks: {}, tail: [], links: {}, lexed: 0 };

const ENDS_BLANK = /\n[ \t]*\n[ \t\n]*$/;
/** A block is final once this many blocks follow it: the last may still merge with the one before (streamdown#608). */
const BLOCKS_AFTER_SETTLED = 2;

/**
 * The blocks of `text`, reusing those of an earlier prefix of it: only what comes after the last settled block is
 * lexed. Gives the same blocks as lexing the whole text. A text that does not grow out of `before` is lexed anew.
 */
export function nextBlocks(before: Blocks, input: string): Blocks {
  const text = input.includes("\r") ? input.replace(/\r\n?/gu, "\n") : input;
  const start = text.startsWith(before.settledText) ? before : NO_BLOCKS;
  const rest = text.slice(start.settledText.length);
  const lexed = lexBlocks(rest, start.settledLinks);
  const changed = changedLabels(start.links, lexed.links);
  const settledBefore = relinked(start.settled, changed, lexed.links);
  const tail = lexed.blocks.map((block, index) => {
    const known = start.tail[index];
    return changed.length === 0 && known?.raw === block.raw ? known : block;
  });

  const count = settledCount(tail);
  const fresh = tail.slice(0, count);
  const freshText = fresh.map((block) => block.raw).join("");
  // Which definitions are settled is only known from their own blocks; most text has none.
  const redefines = freshText.includes("]:");
  const settledLinks = redefines ? lexBlocks(freshText, start.settledLinks).links : start.settledLinks;
  return {
    settled: count > 0 ? [...settledBefore.blocks, ...fresh] : settledBefore.blocks,
    settledText: count > 0 ? start.settledText + freshText : start.settledText,
    settledLinks,
    tail: count > 0 ? tail.slice(count) : tail,
    links: lexed.links,
    lexed: before.lexed + rest.length + settledBefore.lexed + (redefines ? freshText.length : 0),
  };
}

function lexBlocks(text: string, links: Links): { blocks: Block[]; links: Links } {
  const lexer = new Lexer({ gfm: true });
  const found = lexer.tokens.links as Links;
  Object.assign(found, links);
  const blocks: Block[] = [];
  for (const token of lexer.lex(text)) {
    const last = blocks.at(-1);
    if (token.type === "space" && last) last.raw += token.raw;
    else blocks.push({ raw: token.raw, token });
  }
  return { blocks, links: found };
}

function settledCount(tail: readonly Block[]): number {
  for (let index = tail.length - 1 - BLOCKS_AFTER_SETTLED; index >= 0; index--) {
    const block = tail[index];
    if (block && ENDS_BLANK.test(block.raw)) return index + 1;
  }
  return 0;
}

function changedLabels(before: Links, after: Links): string[] {
  const labels = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...labels].filter(
    (label) => before[label]?.href !== after[label]?.href || before[label]?.title !== after[label]?.title,
  );
}

/** Settled blocks that name a label whose definition came or changed later are lexed again, alone. */
function relinked(blocks: readonly Block[], labels: readonly string[], links: Links) {
  if (labels.length === 0) return { blocks, lexed: 0 };
  let lexed = 0;
  const next = blocks.map((block) => {
    const words = block.raw.toLowerCase().replace(/\s+/gu, " ");
    if (!labels.some((label) => words.includes(label))) return block;
    lexed += block.raw.length;
    return { raw: block.raw, token: lexBlocks(block.raw, links).blocks[0]?.token ?? block.token };
  });
  return { blocks: next, lexed };
}
