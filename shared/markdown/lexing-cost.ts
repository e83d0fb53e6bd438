/** How deep quotes and lists are read; what is deeper stands as it was written. */
export const MOST_NESTING = 30;
/** Lines of text in a row that an item may hold: the lexer reads what is left of them for each. */
const MOST_ITEM_LINES = 500;
/** Items that a list may have however short they are; beyond them, one for each so many code units. */
const MOST_SHORT_ITEMS = 5_000;
const ITEM_LENGTH = 32;
/** Lines of a quote, times how often it begins again after a line without its mark: it may be read anew each time. */
const MOST_PATCHES = 10_000;
/** Cells that a table may have beyond its own length, because rows that end early are filled up. */
const MOST_FILLED_CELLS = 5_000;
/** Code units that may be read for the ends of emphasis that has none, for each one of the text. */
const VAIN_READING = 50;
/** Marks of emphasis that are few enough not to count how long their ends are looked for. */
const FEW_MARKS = 60;
/** The most that may be read for the ends of emphasis in one text, in code units: about 20 ms. */
const MOST_VAIN_READING = 200_000;
/** Code units of words with marks in them that may be read for an address, for each one of the text. */
const MOST_WORD_READING = 200;
/** Words up to this length are not looked at. */
const LONG_WORD = 200;

/** Whether an item's text has too many lines in a row that begin no block. Pieces of code between fences do not count. */
export function isLongText(text: string): boolean {
  if (text.length < 2 * MOST_ITEM_LINES) return false;
  let [count, fence] = [0, ""];
  for (const line of text.split("\n")) {
    const mark = /^\s*(`{3,}|~{3,})/u.exec(line)?.[1] ?? "";
    if (fence === "") {
      fence = mark;
      count = /^\s*(?:$|[-*+>#|`~<=]|\d{1,9}[.)])/u.test(line) ? 0 : count + 1;
    } else if (mark.startsWith(fence)) fence = "";
    if (count > MOST_ITEM_LINES) return true;
  }
  return false;
}

const ITEM = /^([ \t]*)([-*+]|\d{1,9}[.)])(?:[ \t]+|$)/;
const LINE_OF_MARKS = /^[ \t]*(?:(?:-[ \t]*){3,}|(?:\*[ \t]*){3,})$/;

/** How many items a text begins, those in each other too. */
export function itemsIn(text: string): number {
  let items = 0;
  for (const line of text.split("\n")) if (ITEM.test(line)) items++;
  return items;
}

/** Whether a list has more items, those in each other too, than can be read and shown in a fraction of a second. */
export const isCrowded = (items: number, length: number): boolean => items > MOST_SHORT_ITEMS + length / ITEM_LENGTH;

/** The beginning of a text that certainly is one list, if it is crowded; without the line end after it. */
export function crowdedList(src: string): string | undefined {
  if (src.length < 2 * MOST_SHORT_ITEMS) return undefined;
  let [items, length, inner, kind, wasEmpty] = [0, 0, Infinity, "", false];
  for (const { line, at } of linesOf(src)) {
    const { width, item } = placeOf(line);
    // An item without words that a blank line follows has ended.
    if (width === Infinity && wasEmpty) inner = Infinity;
    else if (width < inner) {
      if (!item || !item.kind.startsWith(kind)) break;
      ({ inner, kind } = item);
    }
    if (item) items++;
    if (width < Infinity) length = at + line.trimEnd().length;
    wasEmpty = item?.isEmpty === true;
  }
  return isCrowded(items, length) ? src.slice(0, length) : undefined;
}

/** The lines of a text, one by one, since often only the first are needed. */
function* linesOf(text: string): Generator<{ line: string; at: number }> {
  let at = 0;
  for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", at)) {
    yield { line: text.slice(at, end), at };
    at = end + 1;
  }
  yield { line: text.slice(at), at };
}

/** How far a line is indented (one that is blank, without end), and the item it opens: what stands in it begins at `inner`. */
function placeOf(line: string) {
  const blank = /^[ \t]*/u.exec(line)?.[0] ?? "";
  if (blank.length === line.length) return { width: Infinity, item: undefined };
  const width = widthOf(blank);
  const [all = "", , mark] = ITEM.exec(line) ?? [];
  if (mark === undefined || LINE_OF_MARKS.test(line)) return { width, item: undefined };
  const isEmpty = all.length === line.length;
  const beside = width + mark.length;
  const space = widthOf(all) - beside;
  // Code in an item begins right beside its mark.
  return { width, item: { kind: mark.slice(-1), isEmpty, inner: beside + (isEmpty || space > 4 ? 1 : space) } };
}

const widthOf = (indent: string): number => indent.replaceAll("\t", "    ").length;

/** Whether a quote too often begins again after lines that went on without its mark. @param raw all of its lines */
export function isPatchy(raw: string): boolean {
  let [patches, lines, isMarked] = [0, 0, true];
  for (const line of raw.split("\n")) {
    const marked = /^ {0,3}>/u.test(line);
    if (marked && !isMarked) patches++;
    isMarked = marked;
    lines++;
  }
  return patches * lines > MOST_PATCHES;
}

/** Whether a table would have far more cells than are written. @param length code units of all of it */
export const isSparse = (columns: number, rows: number, length: number): boolean =>
  columns * rows > length + MOST_FILLED_CELLS;

/** How many code units may be read for ends of emphasis in vain; `undefined` where there are too few marks to count. */
export function vainReading(src: string): number | undefined {
  const marks = src.match(/[*_~]/gu)?.length ?? 0;
  return marks > FEW_MARKS ? Math.min(VAIN_READING * src.length, MOST_VAIN_READING) : undefined;
}

/** Whether words are so long that looking for an address at each mark in them takes long. */
export function hasLongWords(src: string): boolean {
  let reading = 0;
  for (const word of longWords(src)) {
    const marks = word.endsWith("@") ? word.length : (word.match(/[*_`~!]/gu)?.length ?? 0);
    reading += marks * word.length;
  }
  return reading > MOST_WORD_READING * src.length;
}

const AROUND_WORDS = ' \n\t()[]<>",:;\\@';

/** The long words of a text, with an `@` right after. Looks at their ends first: most characters are not looked at. */
function* longWords(src: string): Generator<string> {
  const isIn = (at: number): boolean => !AROUND_WORDS.includes(src.charAt(at));
  for (let start = 0; start + LONG_WORD <= src.length;) {
    let at = start + LONG_WORD - 1;
    while (at >= start && isIn(at)) at--;
    if (at >= start) {
      start = at + 1;
      continue;
    }
    at = start + LONG_WORD;
    while (at < src.length && isIn(at)) at++;
    yield src.slice(start, src.charAt(at) === "@" ? at + 1 : at);
    start = at + 1;
  }
}
