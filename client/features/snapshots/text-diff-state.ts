import { gapsBetween, numberIn, sameRuns } from "./match-state.ts";
import type { Run } from "./match-state.ts";
import { diffWords, joinParts } from "./word-diff-state.ts";
import type { TextPart } from "./word-diff-state.ts";

interface Line {
  text: string;
  code: boolean;
  /** equal for lines that are: a hostile text has many long ones that differ at their ends */
  number: number;
}

/** Most lines that may differ: beyond, what differs is replaced as a whole. */
const MOST_LINE_EDITS = 200;
/** Most lines of a text: beyond, only what it begins and ends with is looked at. */
const MOST_LINES = 20_000;
/** Most times that a stretch may go from prose to code: beyond, all of it is shown as prose. */
const MOST_RUNS = 500;
/** After so many code units of reading there is a pause; each line counts as some. */
const PAUSE_LENGTH = 100_000;
const LINE_COST = 32;
/** Longest line that may open or close a fence. */
const FENCE_LENGTH = 200;

const FENCE = /^[ \t>]*(`{3,}|~{3,})(.*)/u;

/**
 * What was changed in a text: by words in prose, by lines in fenced code. Pauses after each few ms of work, whatever the
 * texts are.
 */
export function* diffText(before: string, after: string): Generator<undefined, TextPart[]> {
  if (before === after) return before === "" ? [] : [{ type: "same", text: before, code: false }];
  const numbers = new Map<string, number>();
  const old = yield* readLines(before, numbers);
  const fresh = old && (yield* readLines(after, numbers));
  if (!old || !fresh) return diffWords(before, after);
  const parts: TextPart[] = [];
  const hunk = { removed: [] as Line[], added: [] as Line[] };
  function* settle(): Generator<undefined, void> {
    for (const [removed, added] of stretchesOf(hunk.removed, hunk.added)) {
      parts.push(...diffStretch(removed, added));
      yield;
    }
    hunk.removed = [];
    hunk.added = [];
  }
  for (const { type, lines } of diffLines(old, fresh)) {
    if (lines.length === 0) continue;
    if (type !== "same") {
      hunk[type] = hunk[type].concat(lines);
      continue;
    }
    yield* settle();
    for (const run of runsOf(lines)) parts.push({ type: "same", ...joined(run) });
  }
  yield* settle();
  return joinParts(parts);
}

/** The lines of a text with their line ends, and whether each is code; `undefined` where they are too many. */
function* readLines(text: string, numbers: Map<string, number>): Generator<undefined, Line[] | undefined> {
  const lines: Line[] = [];
  let fence: string | undefined;
  let cost = 0;
  for (let from = 0; from < text.length;) {
    const end = text.indexOf("\n", from);
    const line = text.slice(from, end === -1 ? text.length : end + 1);
    from += line.length;
    const after = nextFence(fence, line);
    const code = fence !== undefined || after !== undefined;
    fence = after;
    lines.push({ text: line, code, number: numberIn(numbers, (code ? "c" : "p") + line) });
    if (lines.length > MOST_LINES) return undefined;
    cost += line.length + LINE_COST;
    if (cost < PAUSE_LENGTH) continue;
    cost = 0;
    yield;
  }
  return lines;
}

/** The fence that is open after a line. It is looked for where the line begins, however long that is. */
function nextFence(open: string | undefined, line: string): string | undefined {
  const [, mark, rest = ""] = FENCE.exec(line.slice(0, FENCE_LENGTH)) ?? [];
  if (open === undefined) return mark;
  return mark?.startsWith(open) && rest.trim() === "" ? undefined : open;
}

interface LineChange {
  type: TextPart["type"];
  lines: readonly Line[];
}

/** Which lines both have, in order. */
function diffLines(old: readonly Line[], fresh: readonly Line[]): LineChange[] {
  const [left, right] = [old, fresh].map((lines) => lines.map(({ number }) => number)) as [number[], number[]];
  const most = Math.min(left.length, right.length);
  let start = 0;
  while (start < most && left[start] === right[start]) start++;
  let end = 0;
  while (end < most - start && left.at(-1 - end) === right.at(-1 - end)) end++;
  const middle = { old: old.slice(start, old.length - end), fresh: fresh.slice(start, fresh.length - end) };
  const runs = sameRuns(left.slice(start, left.length - end), right.slice(start, right.length - end), MOST_LINE_EDITS);
  return [
    { type: "same", lines: old.slice(0, start) },
    ...changesOf(runs ?? [], middle),
    { type: "same", lines: old.slice(old.length - end) },
  ];
}

interface Lines {
  old: readonly Line[];
  fresh: readonly Line[];
}

/** Without any run, all of it was replaced. */
const changesOf = (runs: readonly Run[], { old, fresh }: Lines): LineChange[] =>
  gapsBetween(runs, old.length, fresh.length).flatMap(({ left, right, run }): LineChange[] => [
    { type: "removed", lines: old.slice(...left) },
    { type: "added", lines: fresh.slice(...right) },
    { type: "same", lines: run ? old.slice(run.left, run.left + run.length) : [] },
  ]);

/** Lines that follow each other and are all code, or all prose. */
function runsOf(lines: readonly Line[]): Line[][] {
  const runs: Line[][] = [];
  for (const line of lines) {
    const run = runs.at(-1);
    if (run?.[0]?.code === line.code) run.push(line);
    else runs.push([line]);
  }
  return runs;
}

/** What took the place of what, stretch by stretch where both go from prose to code alike. */
function stretchesOf(removed: readonly Line[], added: readonly Line[]): [Line[], Line[]][] {
  const [old, fresh] = [runsOf(removed), runsOf(added)];
  if (old.length + fresh.length > MOST_RUNS) return [[asProse(removed), asProse(added)]];
  const alike = old.length === fresh.length && old.every((run, index) => run[0]?.code === fresh[index]?.[0]?.code);
  if (alike) return old.map((run, index) => [run, fresh[index] ?? []]);
  return [...old.map((run): [Line[], Line[]] => [run, []]), ...fresh.map((run): [Line[], Line[]] => [[], run])];
}

const asProse = (lines: readonly Line[]): Line[] => lines.map((line) => ({ ...line, code: false }));

function joined(lines: readonly Line[]): { text: string; code: boolean } {
  return { text: lines.map(({ text }) => text).join(""), code: lines[0]?.code === true };
}

function diffStretch(removed: readonly Line[], added: readonly Line[]): TextPart[] {
  const [old, fresh] = [joined(removed), joined(added)];
  if (!old.code && !fresh.code) return diffWords(old.text, fresh.text);
  return [
    { type: "removed", ...old },
    { type: "added", ...fresh },
  ];
}
