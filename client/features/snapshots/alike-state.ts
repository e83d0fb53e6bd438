import { numberIn } from "./match-state.ts";

/** So much of a text, in code units, and so many of its words tell whether another is a version of it. */
const LOOKED_AT = 2_000;
const MOST_WORDS = 256;

/** A word; of a script without spaces between words, a character. */
const WORD =
  /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]|[\p{L}\p{N}\p{M}_]+/gu;

/** The numbers of words, each once, in ascending order. */
export type WordSet = Uint32Array;

/**
 * The words a text begins with, in lower case.
 * @param numbers those of all texts that are compared with each other
 */
export function wordSetOf(text: string, numbers: Map<string, number>): WordSet {
  const words = (text.slice(0, LOOKED_AT).toLowerCase().match(WORD) ?? []).slice(0, MOST_WORDS);
  return Uint32Array.from(new Set(words.map((word) => numberIn(numbers, word)))).toSorted();
}

/** The share of words that two sets have in common (Jaccard index), 0 to 1. */
export function alikeness(left: WordSet, right: WordSet): number {
  let [at, to, common] = [0, 0, 0];
  while (at < left.length && to < right.length) {
    const difference = (left[at] ?? 0) - (right[to] ?? 0);
    if (difference === 0) common++;
    if (difference <= 0) at++;
    if (difference >= 0) to++;
  }
  const all = left.length + right.length - common;
  return all === 0 ? 0 : common / all;
}
