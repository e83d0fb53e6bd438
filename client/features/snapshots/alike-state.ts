/** So much of a text, in code units, and so many of its words tell whether another is a version of it. */
const LOOKED_AT = 2_000;
const MOST_WORDS = 256;

/** A word; of a script without spaces between words, a character. */
const WORD =
  /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]|[\p{L}\p{N}\p{M}_]+/gu;

/** The words a text begins with, in lower case, each once. */
export const wordSetOf = (text: string): ReadonlySet<string> =>
  new Set((text.slice(0, LOOKED_AT).toLowerCase().match(WORD) ?? []).slice(0, MOST_WORDS));

/** The share of words that two sets have in common (Jaccard index), 0 to 1. */
export function alikeness(left: ReadonlySet<string> = new Set(), right: ReadonlySet<string> = new Set()): number {
  const [small, large] = left.size < right.size ? [left, right] : [right, left];
  let common = 0;
  for (const word of small) if (large.has(word)) common++;
  const all = left.size + right.size - common;
  return all === 0 ? 0 : common / all;
}
