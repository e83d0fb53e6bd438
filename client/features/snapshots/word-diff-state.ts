import { gapsBetween, numberIn, sameRuns } from "./match-state.ts";
import type { Run } from "./match-state.ts";

/** A stretch of text that both sides have, or one of them. */
export interface TextPart {
  type: "same" | "removed" | "added";
  text: string;
  /** it stands in a fenced block of code */
  code: boolean;
}

/** Longest text that is looked at word by word, in UTF-16 code units; a longer one is replaced as a whole. */
const WORDS_LENGTH = 20_000;
/**
 * Most words that may differ, in all and as a share of both texts. Finding out takes time by the square of it, and of a
 * text that has little in common with another, single words that happen to be in both only hide that it is a new one.
 */
const MOST_WORD_EDITS = 200;
const MOST_WORD_SHARE = 0.7;
/** Longest text whose words a dictionary is asked for; in a longer one each character is a word. */
const DICTIONARY_LENGTH = 2_000;
/** Texts are compared by blocks of this length, which costs next to nothing, before they are by characters. */
const BLOCK = 4_096;

const UNSPACED = "\\p{sc=Han}\\p{sc=Hiragana}\\p{sc=Katakana}\\p{sc=Thai}\\p{sc=Lao}\\p{sc=Khmer}\\p{sc=Myanmar}";
const EMOJI = "\\p{Extended_Pictographic}\\p{Emoji_Modifier}\\p{Regional_Indicator}\\u200d\\ufe0f\\u20e3";
/**
 * Words without spaces between them, other words, emoji; else one character with its marks. Spaces before it are its own.
 * Words of plain letters, which most are, are looked for first: that halves the time of all.
 */
const TOKEN = new RegExp(
  `(\\s*)([A-Za-z0-9_]+(?![\\p{L}\\p{N}\\p{M}_])|[${UNSPACED}][${UNSPACED}\\p{M}]*|(?:(?![${UNSPACED}])[\\p{L}\\p{N}\\p{M}_])+|[${EMOJI}]+|\\S\\p{M}*|$)`,
  "gu",
);
const IS_UNSPACED = new RegExp(`^[${UNSPACED}]`, "u");
/** What is sorted after it begins with no letter of ASCII. */
const LAST_PLAIN = "\u007f";
const CHARACTER = /[^]\p{M}*/gu;
const CUT_AFTER = /[\s。、，]/u;
/** How far the end of a word is looked for. */
const WORD_LENGTH = 1_000;

let dictionary: Intl.Segmenter | undefined;

/** The words of a text that writes none of its spaces. */
function segmentsOf(text: string): string[] {
  if (text.length > DICTIONARY_LENGTH) return text.match(CHARACTER) ?? [];
  dictionary ??= new Intl.Segmenter(undefined, { granularity: "word" });
  return Array.from(dictionary.segment(text), ({ segment }) => segment);
}

interface Token {
  space: string;
  word: string;
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  for (const [, space = "", word = ""] of text.matchAll(TOKEN)) {
    if (word <= LAST_PLAIN || !IS_UNSPACED.test(word)) {
      if (space !== "" || word !== "") tokens.push({ space, word });
      continue;
    }
    const [first = "", ...rest] = segmentsOf(word);
    tokens.push({ space, word: first });
    for (const one of rest) tokens.push({ space: "", word: one });
  }
  return tokens;
}

/** How many code units two texts begin with in common, up to the end of a word. */
function commonStart(before: string, after: string): number {
  const end = Math.min(before.length, after.length);
  let at = 0;
  while (at + BLOCK <= end && before.startsWith(after.slice(at, at + BLOCK), at)) at += BLOCK;
  while (at < end && before.charCodeAt(at) === after.charCodeAt(at)) at++;
  const cut = at;
  while (at > 0 && cut - at < WORD_LENGTH && !CUT_AFTER.test(before[at - 1] ?? "")) at--;
  return CUT_AFTER.test(before[at - 1] ?? "") ? at : 0;
}

/** How many code units two texts end with in common, from the start of a word, at most `most`. */
function commonEnd(before: string, after: string, most: number): number {
  let length = 0;
  const blockAt = (text: string): string => text.slice(text.length - length - BLOCK, text.length - length);
  while (length + BLOCK <= most && blockAt(before) === blockAt(after)) length += BLOCK;
  const fromEnd = (text: string): number => text.charCodeAt(text.length - 1 - length);
  while (length < most && fromEnd(before) === fromEnd(after)) length++;
  const cut = length;
  while (length > 0 && cut - length < WORD_LENGTH && !CUT_AFTER.test(before[before.length - length] ?? "")) length--;
  return CUT_AFTER.test(before[before.length - length] ?? "") ? length : 0;
}

/**
 * What was changed in a text, word by word. Whatever the texts are, it takes a few ms: where they are too long, or too
 * different, the part that differs is one that was replaced.
 */
export function diffWords(before: string, after: string): TextPart[] {
  const start = commonStart(before, after);
  const end = commonEnd(before, after, Math.min(before.length, after.length) - start);
  const [old, fresh] = [before.slice(start, before.length - end), after.slice(start, after.length - end)];
  return joinParts([
    prose("same", before.slice(0, start)),
    ...(diffTokens(old, fresh) ?? [prose("removed", old), prose("added", fresh)]),
    prose("same", before.slice(before.length - end)),
  ]);
}

const prose = (type: TextPart["type"], text: string): TextPart => ({ type, text, code: false });

function diffTokens(before: string, after: string): TextPart[] | undefined {
  if (before === "" || after === "" || Math.max(before.length, after.length) > WORDS_LENGTH) return undefined;
  const [left, right] = [tokensOf(before), tokensOf(after)];
  const numbers = new Map<string, number>();
  const numbered = (tokens: readonly Token[]): number[] => tokens.map(({ word }) => numberIn(numbers, word));
  const [old, fresh] = [numbered(left), numbered(right)];
  const most = Math.min(MOST_WORD_EDITS, (old.length + fresh.length) * MOST_WORD_SHARE);
  const runs = sameRuns(old, fresh, most);
  return runs && partsOf(runs, left, right);
}

/** Words were compared without the spaces before them: where those differ, they are a change of their own. */
function partsOf(runs: readonly Run[], left: readonly Token[], right: readonly Token[]): TextPart[] {
  const parts: TextPart[] = [];
  const all = (type: TextPart["type"], tokens: readonly Token[]): TextPart[] =>
    tokens.map(({ space, word }) => prose(type, space + word));
  for (const gap of gapsBetween(runs, left.length, right.length)) {
    parts.push(...all("removed", left.slice(...gap.left)), ...all("added", right.slice(...gap.right)));
    for (let step = 0; gap.run && step < gap.run.length; step++) {
      const [old, fresh] = [left[gap.run.left + step], right[gap.run.right + step]];
      if (old && fresh) parts.push(...keptWord(old, fresh));
    }
  }
  return parts;
}

const keptWord = (old: Token, fresh: Token): TextPart[] =>
  old.space === fresh.space
    ? [prose("same", old.space + old.word)]
    : [prose("removed", old.space), prose("added", fresh.space), prose("same", old.word)];

/**
 * Parts as people read them: none is empty, neighbours of a kind are one, and what was removed stands before what took its
 * place.
 */
export function joinParts(parts: readonly TextPart[]): TextPart[] {
  const joined: TextPart[] = [];
  let removed = "";
  let added = "";
  let code = false;
  const settle = (): void => {
    if (removed !== "") joined.push({ type: "removed", text: removed, code });
    if (added !== "") joined.push({ type: "added", text: added, code });
    removed = "";
    added = "";
  };
  for (const part of parts) {
    if (part.text === "") continue;
    if (part.code !== code) settle();
    code = part.code;
    if (part.type === "removed") removed += part.text;
    if (part.type === "added") added += part.text;
    if (part.type !== "same") continue;
    settle();
    const last = joined.at(-1);
    if (last?.type === "same" && last.code === code)
      joined[joined.length - 1] = { ...last, text: last.text + part.text };
    else joined.push(part);
  }
  settle();
  return joined;
}
