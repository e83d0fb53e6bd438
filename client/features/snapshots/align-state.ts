import type { FrozenMessage } from "#shared/domain/frozen-content.ts";
import { anchorsOf } from "./anchor-state.ts";
import { alikeness, wordSetOf } from "./alike-state.ts";
import type { WordSet } from "./alike-state.ts";
import { numberIn, sameRuns } from "./match-state.ts";

/** Two messages that are one, or a message that only one side has; by their places. */
export type Aligned =
  | { type: "pair"; left: number; right: number; moved: boolean }
  | { type: "left"; left: number }
  | { type: "right"; right: number };

/** Most messages in a row whose texts are equal on no side: beyond, equal ones are found by their places alone. */
const MOST_MESSAGE_EDITS = 1_000;
/** How far from its place, counted from either end of a gap, a message that is alike is looked for. */
const REACH = 12;
/** Most places of a gap: beyond, what is in it is not looked at for likeness. */
const GAP_PLACES = 250_000;
/** From this share of words on, two texts are versions of one. */
const ALIKE = 0.25;
/** What being one is worth in itself, beside the share of words. */
const IN_PLACE = 0.1;

/** Messages whose words are looked at between two pauses. */
const ROWS_PER_STEP = 4;

/** Pairs found so far: the place on the right by the place on the left. */
type Pairs = Map<number, number>;

/**
 * Says which messages of two branches are the same: by id, then by equal text in order, then by equal text anywhere, then
 * what is alike or stands in the same place between two that are. Pauses after each few ms of work.
 */
export function* alignMessages(
  left: readonly FrozenMessage[],
  right: readonly FrozenMessage[],
): Generator<undefined, Aligned[]> {
  const pairs: Pairs = new Map();
  pairById(left, right, pairs);
  yield;
  if (pairs.size < Math.max(left.length, right.length)) {
    pairEqual(left, right, pairs);
    yield;
    for (const gap of gapsOf(left.length, right.length, pairs)) yield* pairAlike(left, right, gap, pairs);
  }
  return inOrder(left.length, right.length, pairs);
}

function pairById(left: readonly FrozenMessage[], right: readonly FrozenMessage[], pairs: Pairs): void {
  const places = new Map(right.map(({ id, role }, place) => [`${role} ${id}`, place]));
  for (const [place, { id, role }] of left.entries()) {
    const other = places.get(`${role} ${id}`);
    if (other === undefined) continue;
    pairs.set(place, other);
    places.delete(`${role} ${id}`);
  }
}

/** The places of what is not paired. */
function unpaired(length: number, taken: Iterable<number>): number[] {
  const known = new Set(taken);
  return Array.from({ length }, (_, place) => place).filter((place) => !known.has(place));
}

function pairEqual(left: readonly FrozenMessage[], right: readonly FrozenMessage[], pairs: Pairs): void {
  const lefts = unpaired(left.length, pairs.keys());
  const rights = unpaired(right.length, pairs.values());
  const numbers = new Map<string, number>();
  const numbered = (messages: readonly FrozenMessage[], places: readonly number[]): number[] =>
    places.map((place) => {
      const { role, text } = messages[place] as FrozenMessage;
      return numberIn(numbers, text) * 2 + (role === "user" ? 0 : 1);
    });
  const [old, fresh] = [numbered(left, lefts), numbered(right, rights)];
  for (const run of sameRuns(old, fresh, MOST_MESSAGE_EDITS) ?? [])
    for (let step = 0; step < run.length; step++)
      pairs.set(lefts[run.left + step] as number, rights[run.right + step] as number);
  pairMoved(old, fresh, { lefts, rights }, pairs);
}

/** Equal messages that stand in another order. */
function pairMoved(
  old: readonly number[],
  fresh: readonly number[],
  { lefts, rights }: { lefts: readonly number[]; rights: readonly number[] },
  pairs: Pairs,
): void {
  const taken = new Set(pairs.values());
  const free = new Map<number, number[]>();
  for (const [index, number] of fresh.entries()) {
    const place = rights[index] as number;
    if (!taken.has(place)) free.set(number, [...(free.get(number) ?? []), place]);
  }
  for (const [index, number] of old.entries()) {
    const place = lefts[index] as number;
    const other = pairs.has(place) ? undefined : free.get(number)?.shift();
    if (other !== undefined) pairs.set(place, other);
  }
}

interface Gap {
  lefts: readonly number[];
  rights: readonly number[];
}

/** What lies unpaired between two pairs that stand in order, where there is something on both sides, and not too much. */
function gapsOf(lefts: number, rights: number, pairs: Pairs): Gap[] {
  const anchors = [...anchorsOf(pairs), [lefts, rights] as const];
  const taken = new Set(pairs.values());
  const gaps: Gap[] = [];
  let [left, right] = [0, 0];
  for (const [nextLeft, nextRight] of anchors) {
    const gap: Gap = { lefts: placesFrom(left, nextLeft, pairs), rights: placesFrom(right, nextRight, taken) };
    const places = gap.lefts.length * gap.rights.length;
    if (places > 0 && places <= GAP_PLACES) gaps.push(gap);
    [left, right] = [nextLeft + 1, nextRight + 1];
  }
  return gaps;
}

function placesFrom(from: number, to: number, taken: { has: (place: number) => boolean }): number[] {
  const places: number[] = [];
  for (let place = from; place < to; place++) if (!taken.has(place)) places.push(place);
  return places;
}

/** What is compared for likeness: the messages of a gap, in order, with their words. */
interface Candidate {
  role: FrozenMessage["role"];
  words: WordSet;
}

/** Pairs what is alike in a gap, in order, so that the likenesses together are the greatest. */
function* pairAlike(
  left: readonly FrozenMessage[],
  right: readonly FrozenMessage[],
  { lefts, rights }: Gap,
  pairs: Pairs,
): Generator<undefined, void> {
  const [rows, columns] = [lefts.length, rights.length];
  const numbers = new Map<string, number>();
  const old = yield* candidates(left, lefts, numbers);
  const fresh = yield* candidates(right, rights, numbers);
  const worth = new Float32Array(rows * columns);
  for (const [row, one] of old.entries()) {
    for (const [column, other] of fresh.entries()) {
      if (one.role !== other.role || !isNear(row, column, rows, columns)) continue;
      const before = row > 0 && column > 0 ? (worth[(row - 1) * columns + column - 1] ?? 0) : 0;
      // The first of a gap follows the same message as the other; an answer is one to the same prompt.
      const inPlace = row + column === 0 || (one.role === "assistant" && before > 0);
      worth[row * columns + column] = worthOf(alikeness(one.words, other.words), inPlace);
    }
    if (row % ROWS_PER_STEP === 0) yield;
  }
  for (const [row, column] of bestInOrder(worth, rows, columns))
    pairs.set(lefts[row] as number, rights[column] as number);
}

/** What it is worth to pair two; 0 where they are not to be paired. */
const worthOf = (share: number, inPlace: boolean): number => (inPlace || share >= ALIKE ? IN_PLACE + share : 0);

function* candidates(
  messages: readonly FrozenMessage[],
  places: readonly number[],
  numbers: Map<string, number>,
): Generator<undefined, Candidate[]> {
  const found: Candidate[] = [];
  for (const place of places) {
    const { role, text } = messages[place] as FrozenMessage;
    found.push({ role, words: wordSetOf(text, numbers) });
    if (found.length % ROWS_PER_STEP === 0) yield;
  }
  return found;
}

const isNear = (row: number, column: number, rows: number, columns: number): boolean =>
  Math.abs(row - column) <= REACH || Math.abs(rows - row - (columns - column)) <= REACH;

/** The pairs in order whose worth is the greatest in sum. */
function bestInOrder(worth: Float32Array, rows: number, columns: number): [number, number][] {
  const width = columns + 1;
  const best = new Float32Array((rows + 1) * width);
  const worthAt = (row: number, column: number): number => worth[row * columns + column] ?? 0;
  const bestAt = (row: number, column: number): number => best[row * width + column] ?? 0;
  for (let row = rows - 1; row >= 0; row--) {
    for (let column = columns - 1; column >= 0; column--) {
      const own = worthAt(row, column);
      const paired = own > 0 ? own + bestAt(row + 1, column + 1) : 0;
      best[row * width + column] = Math.max(paired, bestAt(row + 1, column), bestAt(row, column + 1));
    }
  }
  const chosen: [number, number][] = [];
  let [row, column] = [0, 0];
  while (row < rows && column < columns) {
    const here = bestAt(row, column);
    if (here === bestAt(row + 1, column)) row++;
    else if (here === bestAt(row, column + 1)) column++;
    else chosen.push([row++, column++]);
  }
  return chosen;
}

/** All of both sides in the order of the right one; what only the left has stands where it stood there. */
function inOrder(lefts: number, rights: number, pairs: Pairs): Aligned[] {
  const anchors = anchorsOf(pairs);
  const kept = new Set(anchors.map(([left]) => left));
  const byRight = new Map([...pairs].map(([left, right]) => [right, left]));
  const rows: Aligned[] = [];
  let [left, right] = [0, 0];
  for (const [nextLeft, nextRight] of [...anchors, [lefts, rights] as const]) {
    for (; left < nextLeft; left++) if (!pairs.has(left)) rows.push({ type: "left", left });
    for (; right <= Math.min(nextRight, rights - 1); right++) {
      const other = byRight.get(right);
      if (other === undefined) rows.push({ type: "right", right });
      else rows.push({ type: "pair", left: other, right, moved: !kept.has(other) });
    }
    left = nextLeft + 1;
  }
  return rows;
}
