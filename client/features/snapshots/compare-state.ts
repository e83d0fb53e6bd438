import type { FrozenContent, FrozenMessage } from "#shared/domain/frozen-content.ts";
import { alignMessages } from "./align-state.ts";
import type { Aligned } from "./align-state.ts";
import { runRows, settingRows } from "./fact-rows-state.ts";
import type { FactRow } from "./fact-rows-state.ts";
import { diffText } from "./text-diff-state.ts";
import type { TextPart } from "./word-diff-state.ts";

/** Two texts beside each other. */
export type ComparedText =
  | { type: "same"; text: string }
  /** they differ; where, is still being found out */
  | { type: "waiting"; left: string; right: string }
  | { type: "changed"; parts: readonly TextPart[] };

/** A message as it stands on one side, with its place there, from 0. */
export interface PlacedMessage {
  place: number;
  message: FrozenMessage;
}

export type MessageRow =
  | {
      type: "pair";
      left: PlacedMessage;
      right: PlacedMessage;
      /** it stands in another order on the right */
      moved: boolean;
      text: ComparedText;
      reasoning: ComparedText;
      /** of answers: what is known of their runs */
      facts: readonly FactRow[];
    }
  | { type: "left"; left: PlacedMessage }
  | { type: "right"; right: PlacedMessage };

export interface Comparison {
  /** whether all of it was found out */
  done: boolean;
  settings: readonly FactRow[];
  systemPrompt: ComparedText;
  /** in the order of the right side; `undefined` until it is known which message is which */
  rows: readonly MessageRow[] | undefined;
}

/** Something being compared: what is known of it now, and the steps to know more. */
export interface Comparing {
  /** Rows that did not change since are the same objects. */
  now(): Comparison;
  /** Each takes a few ms at most. */
  steps: Iterator<undefined, void>;
}

/** Compares what two snapshots hold; nothing of the messages is known before the first steps were taken. */
export function startComparing(left: FrozenContent, right: FrozenContent): Comparing {
  const [before, after] = [left.manifest.settings, right.manifest.settings];
  let rows: MessageRow[] | undefined;
  let systemPrompt = textOf(before.systemPrompt, after.systemPrompt);
  let done = false;
  const settings = settingRows(left, right);

  function* steps(): Generator<undefined, void> {
    const aligned = yield* alignMessages(left.messages, right.messages);
    rows = aligned.map((one) => rowOf(one, left.messages, right.messages));
    yield;
    systemPrompt = yield* compared(systemPrompt);
    for (const [index, row] of rows.entries()) {
      if (row.type !== "pair") continue;
      if (row.text.type !== "waiting" && row.reasoning.type !== "waiting") continue;
      const text = yield* compared(row.text);
      rows[index] = { ...row, text, reasoning: yield* compared(row.reasoning) };
      yield;
    }
    done = true;
  }
  return { steps: steps(), now: () => ({ done, settings, systemPrompt, rows: rows && [...rows] }) };
}

const textOf = (left: string, right: string): ComparedText =>
  left === right ? { type: "same", text: left } : { type: "waiting", left, right };

function* compared(text: ComparedText): Generator<undefined, ComparedText> {
  return text.type === "waiting" ? { type: "changed", parts: yield* diffText(text.left, text.right) } : text;
}

const placed = (messages: readonly FrozenMessage[], place: number): PlacedMessage => ({
  place,
  message: messages[place] as FrozenMessage,
});

function rowOf(aligned: Aligned, left: readonly FrozenMessage[], right: readonly FrozenMessage[]): MessageRow {
  if (aligned.type === "left") return { type: "left", left: placed(left, aligned.left) };
  if (aligned.type === "right") return { type: "right", right: placed(right, aligned.right) };
  const pair = { left: placed(left, aligned.left), right: placed(right, aligned.right) };
  const [{ message: old }, { message: fresh }] = [pair.left, pair.right];
  return {
    type: "pair",
    ...pair,
    moved: aligned.moved,
    text: textOf(old.text, fresh.text),
    reasoning: textOf(old.reasoning ?? "", fresh.reasoning ?? ""),
    facts: runRows(old, fresh),
  };
}

/** What may be said of a row in one word. `run`: the same words, of another run. */
export type RowState = "same" | "changed" | "moved" | "run" | "removed" | "added";

export function rowStateOf(row: MessageRow): RowState {
  if (row.type !== "pair") return row.type === "left" ? "removed" : "added";
  if (row.text.type !== "same") return "changed";
  if (row.moved) return "moved";
  return row.reasoning.type === "same" && row.facts.every(({ state }) => state === "same") ? "same" : "run";
}

/** How many messages there are of each state, and which settings differ. */
export interface ComparisonSummary {
  messages: Readonly<Record<RowState, number>>;
  settings: readonly (FactRow["name"] | "systemPrompt")[];
}

export function summaryOf({ rows = [], settings, systemPrompt }: Comparison): ComparisonSummary {
  const messages = { same: 0, changed: 0, moved: 0, run: 0, removed: 0, added: 0 };
  for (const row of rows) messages[rowStateOf(row)]++;
  const differing = settings.filter(({ state }) => state !== "same").map(({ name }) => name);
  return { messages, settings: systemPrompt.type === "same" ? differing : [...differing, "systemPrompt"] };
}

/** Rows as they are shown: those that are the same in a row are folded into one. */
export type ShownRow =
  | { type: "row"; row: MessageRow; index: number }
  | { type: "folded"; from: number; count: number };

/** So many rows that are the same stand unfolded beside a change, to show where it is. */
const BESIDE = 1;
/** Fewer than this are not worth folding. */
const LEAST_FOLDED = 2;

/** @param opened where folds begin that a reader has opened */
export function foldRows(rows: readonly MessageRow[], opened: ReadonlySet<number>): ShownRow[] {
  const differs = rows.map((row) => rowStateOf(row) !== "same");
  const isBeside = (index: number): boolean =>
    differs.slice(Math.max(0, index - BESIDE), index + BESIDE + 1).some(Boolean);
  const shown: ShownRow[] = [];
  for (let index = 0; index < rows.length;) {
    let end = index;
    while (end < rows.length && !isBeside(end)) end++;
    if (end - index >= LEAST_FOLDED && !opened.has(index)) {
      shown.push({ type: "folded", from: index, count: end - index });
      index = end;
      continue;
    }
    end = Math.max(end, index + 1);
    for (const row of rows.slice(index, end)) shown.push({ type: "row", row, index: index++ });
  }
  return shown;
}

/** A row with its heading and its details, in parts of a text. */
const ROW_WEIGHT = 10;

/** What a row costs to draw, in parts of a text: each mark is a box, and plain text next to nothing. */
function weightOf(shown: ShownRow): number {
  if (shown.type === "folded" || shown.row.type !== "pair") return ROW_WEIGHT;
  const { text } = shown.row;
  return ROW_WEIGHT + (text.type === "changed" ? text.parts.length : 0);
}

/**
 * Up to which message rows may be drawn at once, where those before `drawn` are: those compared already, one at least, that
 * weigh no more than `most`. Counted are all messages, folded or not, so that opening a fold leaves drawn what is below it.
 */
export function fittingRows(rows: readonly ShownRow[], drawn: number, most: number): number {
  let weight = 0;
  let end = drawn;
  for (const row of rows) {
    if (startOf(row) < drawn) continue;
    weight += weightOf(row);
    if (isWaiting(row) || (end > drawn && weight > most)) break;
    end = endOf(row);
  }
  return end;
}

/** The place of the first message that a shown row stands for, from 0. */
export const startOf = (shown: ShownRow): number => (shown.type === "row" ? shown.index : shown.from);

const endOf = (shown: ShownRow): number => (shown.type === "row" ? shown.index + 1 : shown.from + shown.count);

const isWaiting = (shown: ShownRow): boolean =>
  shown.type === "row" &&
  shown.row.type === "pair" &&
  (shown.row.text.type === "waiting" || shown.row.reasoning.type === "waiting");
