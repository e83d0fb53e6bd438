import { diffArrays } from "diff";

/** A place on the left and one on the right that hold the same. */
export type Match = readonly [left: number, right: number];

/**
 * Which places of two sequences hold the same, in order, as many as there can be (Myers' algorithm, by jsdiff). It takes
 * time by the square of what differs: what the other side does not have at all is in no match, and left out before.
 * `undefined` where more than `most` have to be taken out and put in.
 */
export function matchesOf(left: readonly number[], right: readonly number[], most: number): Match[] | undefined {
  if (leastEdits(left, right) > most) return undefined;
  const [lefts, rights] = [placesIn(left, new Set(right)), placesIn(right, new Set(left))];
  const apart = left.length - lefts.length + right.length - rights.length;
  const changes = diffArrays(
    lefts.map((place) => left[place]),
    rights.map((place) => right[place]),
    { maxEditLength: most - apart },
  );
  if (changes === undefined) return undefined;
  const matches: Match[] = [];
  let [at, to] = [0, 0];
  for (const { added, removed, count } of changes) {
    if (!added && !removed)
      for (let step = 0; step < count; step++) matches.push([lefts[at + step] ?? 0, rights[to + step] ?? 0]);
    if (!added) at += count;
    if (!removed) to += count;
  }
  return matches;
}

const placesIn = (numbers: readonly number[], others: ReadonlySet<number>): number[] =>
  numbers.flatMap((number, place) => (others.has(number) ? [place] : []));

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

/** What lies between two matches that follow each other, as its ends on both sides, with the match after it. */
export interface Gap {
  left: readonly [from: number, to: number];
  right: readonly [from: number, to: number];
  /** absent for what lies behind the last one */
  match: Match | undefined;
}

/** Both sequences from gap to gap; a gap may be empty. */
export function gapsBetween(matches: readonly Match[], lefts: number, rights: number): Gap[] {
  let [left, right] = [0, 0];
  return [...matches, undefined].map((match): Gap => {
    const [to, until] = match ?? [lefts, rights];
    const gap: Gap = { left: [left, to], right: [right, until], match };
    [left, right] = [to + 1, until + 1];
    return gap;
  });
}

/** The number of a text: equal texts have equal ones, and those are compared at no cost. */
export function numberIn(numbers: Map<string, number>, text: string): number {
  const number = numbers.get(text) ?? numbers.size;
  numbers.set(text, number);
  return number;
}
