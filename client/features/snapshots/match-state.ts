import { diffArrays } from "diff";

/** Places that follow each other on both sides and hold the same. */
export interface Run {
  left: number;
  right: number;
  length: number;
}

/**
 * Which places of two sequences hold the same, in order, as many as there can be (Myers' algorithm, by jsdiff). It takes
 * time by the square of what differs: what the other side does not have at all is in no run, and left out before.
 * `undefined` where more than `most` have to be taken out and put in.
 */
export function sameRuns(left: readonly number[], right: readonly number[], most: number): Run[] | undefined {
  if (leastEdits(left, right) > most) return undefined;
  const [lefts, rights] = [placesIn(left, new Set(right)), placesIn(right, new Set(left))];
  const apart = left.length - lefts.length + right.length - rights.length;
  const changes = diffArrays(
    lefts.map((place) => left[place]),
    rights.map((place) => right[place]),
    { maxEditLength: most - apart },
  );
  if (changes === undefined) return undefined;
  const runs: Run[] = [];
  let [at, to] = [0, 0];
  for (const { added, removed, count } of changes) {
    if (!added && !removed)
      for (let step = 0; step < count; step++) addTo(runs, lefts[at + step] ?? 0, rights[to + step] ?? 0);
    if (!added) at += count;
    if (!removed) to += count;
  }
  return runs;
}

function addTo(runs: Run[], left: number, right: number): void {
  const last = runs.at(-1);
  if (last && last.left + last.length === left && last.right + last.length === right) last.length++;
  else runs.push({ left, right, length: 1 });
}

function placesIn(numbers: readonly number[], others: ReadonlySet<number>): number[] {
  const places: number[] = [];
  for (const [place, number] of numbers.entries()) if (others.has(number)) places.push(place);
  return places;
}

/** So many differ at least: those that the other side does not have, or not as often. */
function leastEdits(left: readonly number[], right: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const number of left) counts.set(number, (counts.get(number) ?? 0) + 1);
  let common = 0;
  for (const number of right) {
    const rest = counts.get(number) ?? 0;
    if (rest > 0) common++;
    counts.set(number, rest - 1);
  }
  return left.length + right.length - 2 * common;
}

/** What differs before a run, as its ends on both sides. */
export interface Gap {
  left: readonly [from: number, to: number];
  right: readonly [from: number, to: number];
  /** what follows; absent behind the last one */
  run: Run | undefined;
}

/** Both sequences from gap to gap; the first and the last gap may be empty. */
export function gapsBetween(runs: readonly Run[], lefts: number, rights: number): Gap[] {
  let [left, right] = [0, 0];
  return [...runs, undefined].map((run): Gap => {
    const gap: Gap = { left: [left, run?.left ?? lefts], right: [right, run?.right ?? rights], run };
    if (run) [left, right] = [run.left + run.length, run.right + run.length];
    return gap;
  });
}

/** The number of a text: equal texts have equal ones, and those are compared at no cost. */
export function numberIn(numbers: Map<string, number>, text: string): number {
  const number = numbers.get(text) ?? numbers.size;
  numbers.set(text, number);
  return number;
}
