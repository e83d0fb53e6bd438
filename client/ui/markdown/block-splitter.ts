import { FENCE, nextKept, restored } from "./kept-part.ts";
import type { KeptPart } from "./kept-part.ts";
import { lexBlocks } from "#shared/markdown/lex-blocks.ts";
import type { LexedBlock, Links } from "#shared/markdown/lex-blocks.ts";

/** A piece of Markdown that keeps its identity while it stays the same. */
export interface Block extends LexedBlock {
  /** what of it is not lexed again */
  kept?: KeptPart | undefined;
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
 * lexed, and of a long list, table or fence only its end. Gives the same blocks as lexing the whole text. A text
 * that does not grow out of `before` is lexed anew.
 */
export function nextBlocks(before: Blocks, input: string): Blocks {
  const text = input.includes("\r") ? input.replace(/\r\n?/gu, "\n") : input;
  const start = text.startsWith(before.settledText) ? before : NO_BLOCKS;
  const rest = text.slice(start.settledText.length);
  const lexed = lexTail(start, rest);
  const changed = changedLabels(start.links, lexed.links);
  const settledBefore = relinked(start.settled, changed, lexed.links);
  const tail = lexed.blocks.map((block, index) => {
    const known = start.tail[index];
    if (changed.length === 0 && known && isSame(known, block)) return known;
    return { ...block, kept: nextKept(block, block.kept, lexed.links) };
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
    lexed: before.lexed + lexed.lexed + settledBefore.lexed + (redefines ? freshText.length : 0),
  };
}

interface LexedTail {
  blocks: Block[];
  links: Links;
  lexed: number;
}

function lexTail(start: Blocks, rest: string): LexedTail {
  const short = shortened(start.tail, rest);
  const lexed = short.marks.length > 0 ? lexShortened(start, rest, short) : undefined;
  if (lexed) return lexed;
  return { ...lexBlocks(rest, start.settledLinks), lexed: short.text.length + rest.length };
}

/** A kept part that is left out of a text, and where in the short text its stand-in is. */
interface Mark {
  at: number;
  kept: KeptPart;
  raw: string;
}

/** The text with stand-ins for all kept parts of the blocks it began with. */
function shortened(tail: readonly Block[], rest: string): { text: string; marks: Mark[] } {
  const marks: Mark[] = [];
  let text = "";
  let taken = 0;
  let at = 0;
  for (const { raw, kept } of tail) {
    const left = kept && raw.slice(0, kept.length);
    if (kept && left !== undefined && rest.startsWith(left, at)) {
      text += rest.slice(taken, at);
      marks.push({ at: text.length, kept, raw: left });
      text += kept.standIn;
      taken = at + kept.length;
    }
    at += raw.length;
  }
  return marks.length > 0 ? { text: text + rest.slice(taken), marks } : { text: "", marks };
}

/** Lexes the short text and puts the kept parts back; `undefined` where only the whole text can tell. */
function lexShortened(start: Blocks, rest: string, { text, marks }: { text: string; marks: readonly Mark[] }) {
  const inside: Links = Object.fromEntries(marks.flatMap(({ kept }) => Object.entries(kept.links)));
  const { blocks, links } = lexBlocks(text, { ...inside, ...start.settledLinks });
  const changed = changedLabels(start.links, links);
  if (marks.some(({ raw }) => names(raw, changed))) return undefined;
  const whole: Block[] = [];
  let shortAt = 0;
  let at = 0;
  let found = 0;
  for (const block of blocks) {
    const mark = marks.find((one) => one.at === shortAt);
    shortAt += block.raw.length;
    if (!mark) {
      whole.push(block);
      at += block.raw.length;
      continue;
    }
    found++;
    const more = mark.kept.length - mark.kept.standIn.length;
    const raw = rest.slice(at, at + block.raw.length + more);
    const token = restored(mark.kept, block.token, raw);
    if (!token) return undefined;
    whole.push({ raw, token: { ...token, raw: raw.slice(0, token.raw.length + more) }, kept: mark.kept });
    at += raw.length;
  }
  return found === marks.length ? { blocks: whole, links, lexed: text.length } : undefined;
}

/** Whether two blocks show the same. What follows a block can change how the lexer reads it, to its last line. */
function isSame(one: Block, other: Block): boolean {
  if (one.raw !== other.raw || one.token.type !== other.token.type || one.token.raw !== other.token.raw) return false;
  return !("text" in one.token && "text" in other.token) || one.token.text === other.token.text;
}

function settledCount(tail: readonly Block[]): number {
  for (let index = tail.length - 1 - BLOCKS_AFTER_SETTLED; index >= 0; index--) {
    const block = tail[index];
    if (block && isEnded(block)) return index + 1;
  }
  return 0;
}

/** Whether nothing that follows a block, after another one, can belong to it. */
const isEnded = ({ raw, token: { type } }: Block): boolean =>
  type === "heading" || type === "hr" || (type === "code" && FENCE.test(raw)) || ENDS_BLANK.test(raw);

function changedLabels(before: Links, after: Links): string[] {
  const labels = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...labels].filter(
    (label) => before[label]?.href !== after[label]?.href || before[label]?.title !== after[label]?.title,
  );
}

/** Whether a text may name one of these labels: it has the first word of one. Labels are folded as the lexer does. */
function names(raw: string, labels: readonly string[]): boolean {
  if (labels.length === 0) return false;
  const words = raw.toLowerCase().toUpperCase().toLowerCase();
  return labels.some((label) => words.includes(label.split(" ", 1)[0] ?? label));
}

/** Settled blocks that name a label whose definition came or changed later are lexed again, alone. */
function relinked(blocks: readonly Block[], labels: readonly string[], links: Links) {
  if (labels.length === 0) return { blocks, lexed: 0 };
  let lexed = 0;
  const next = blocks.map((block) => {
    if (!names(block.raw, labels)) return block;
    lexed += block.raw.length;
    return { raw: block.raw, token: lexBlocks(block.raw, links).blocks[0]?.token ?? block.token };
  });
  return { blocks: next, lexed };
}
