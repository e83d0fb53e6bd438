import { MOST_NESTING } from "./lexing-cost.ts";

/** Longest text that is read as Markdown at once, in UTF-16 code units. */
const MOST_LENGTH = 200_000;
/** Quotes, list items, headings and fences that lines open, those in each other counted each, however short the text; */
const MOST_OPENINGS = 2_000;
/** and beyond them, one for each so many code units: tiny ones cost as much as others. */
const OPENING_LENGTH = 32;
/** Lines of list items, in the measure of `itemCost`: 2,000 lines in one, or 30 of 365. */
const MOST_ITEM_COST = 4_000_000;
/** So many openings a quote costs that begins again right after a line that went on without its mark. */
const RESUMED_QUOTE = 5;
/** Cells of tables, counting those that a row leaves out: each row has as many as its heading. */
const MOST_CELLS = 20_000;
/** Work in paragraphs, headings and cells, in the measure of `inlineCost`: about 200 ms. */
const MOST_INLINE_COST = 1_000_000;

/**
 * Whether a text can be split into blocks in a fraction of a second. The lexer looks at what is nested once for each
 * level, reads a quote anew where it is resumed, and fills up the rows of a table: `> > > …`, a line of pipes and 200 kB
 * of tiny items take seconds to minutes.
 */
export function hasFewBlocks(text: string): boolean {
  if (text.length > MOST_LENGTH) return false;
  const lines = text.split("\n");
  return (
    openingsIn(lines) <= MOST_OPENINGS + text.length / OPENING_LENGTH &&
    itemCost(lines) <= MOST_ITEM_COST &&
    cellsIn(lines) <= MOST_CELLS
  );
}

function openingsIn(lines: readonly string[]): number {
  let [openings, isWithoutMark] = [0, false];
  for (const line of lines) {
    const depth = nestingOf(line);
    if (depth > MOST_NESTING) return Infinity;
    if (depth > 0) openings += depth + (isWithoutMark ? RESUMED_QUOTE : 0);
    else if (/^\s*[#`~]/u.test(line)) openings++;
    isWithoutMark = depth === 0 && line.trim() !== "";
  }
  return openings;
}

/** The lexer reads what is left of an item for each of its lines, and once more for each list in it. */
function itemCost(lines: readonly string[]): number {
  let [cost, length, depth, isAfterBlank] = [0, 0, 0, false];
  const end = (): void => {
    cost += length * length * depth;
    [length, depth] = [0, 0];
  };
  for (const quoted of lines) {
    const line = quoted.replace(/^(?:[ \t]{0,3}>[ \t]?)+/u, "");
    const nesting = nestingOf(line);
    const isFlush = /^[^ \t]/u.test(line);
    if (isFlush && (nesting > 0 || isAfterBlank)) end();
    if (nesting > 0 || length > 0) [length, depth] = [length + 1, Math.max(depth, nesting)];
    isAfterBlank = line.trim() === "";
  }
  end();
  return cost;
}

function cellsIn(lines: readonly string[]): number {
  let [cells, columns] = [0, 0];
  for (const line of lines) {
    const isRule = line.includes("-") && /^[>\s]*[|:-][|:\s-]*$/u.test(line);
    if (isRule) columns = line.split("|").length;
    else if (line.trim() === "") columns = 0;
    cells += columns;
  }
  return cells;
}

/** How many quotes and list items a line opens; those it stands in by its indent are counted in. */
function nestingOf(line: string): number {
  const [start = ""] = /^(?:[ \t]|>|\d{1,9}[.)](?=[ \t]|$)|[-*+](?=[ \t]|$))*/u.exec(line) ?? [];
  const opened = start.match(/[^ \t\d]/gu)?.length ?? 0;
  // An indent of two is the least that a list in a list takes; what opens nothing stands in none, as code does.
  return opened === 0 ? 0 : opened + Math.floor((start.match(/[ \t]/gu)?.length ?? 0) / 2);
}

/** Whether what stands in blocks can be read in a fraction of a second. @param sources texts of paragraphs, headings, cells */
export function hasFewMarks(sources: readonly string[]): boolean {
  let cost = 0;
  for (const source of sources) {
    cost += inlineCost(source);
    if (cost > MOST_INLINE_COST) return false;
  }
  return true;
}

/** Each mark may be compared with every other one that opens nothing, and each part of a long word be an address. */
function inlineCost(source: string): number {
  const marks = source.match(/ {2,}|[*_~[\]`<&@\\!]/gu)?.length ?? 0;
  const words = source.match(/[\w.+-]{100,}/gu) ?? [];
  return marks * marks + words.reduce((sum, { length }) => sum + (length * length) / 50, 0);
}
