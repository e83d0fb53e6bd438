/** One replaced stretch of a text; positions are UTF-16 code units, as in a Y.Text and a text field. */
export interface TextChange {
  at: number;
  remove: number;
  insert: string;
}

const isLowSurrogate = (text: string, at: number): boolean => {
  const unit = text.charCodeAt(at);
  return unit >= 0xdc00 && unit <= 0xdfff;
};

/**
 * The smallest single replacement that turns one text into another: what is equal at both ends stays untouched, so
 * that two devices typing at different places merge. Never splits a surrogate pair: Yjs would store half a character.
 */
export function textChange(before: string, after: string): TextChange | undefined {
  if (before === after) return undefined;
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && before[start] === after[start]) start++;
  if (start > 0 && (isLowSurrogate(before, start) || isLowSurrogate(after, start))) start--;
  let end = 0;
  while (end < shorter - start && before[before.length - 1 - end] === after[after.length - 1 - end]) end++;
  if (end > 0 && (isLowSurrogate(before, before.length - end) || isLowSurrogate(after, after.length - end))) end--;
  return { at: start, remove: before.length - start - end, insert: after.slice(start, after.length - end) };
}

/** Where a caret stands after someone else's change. A caret at the place of an insertion stays before it. */
export function movedCaret(caret: number, change: TextChange): number {
  if (caret <= change.at) return caret;
  if (caret <= change.at + change.remove) return change.at;
  return caret - change.remove + change.insert.length;
}

const applied = (text: string, { at, remove, insert }: TextChange): string =>
  text.slice(0, at) + insert + text.slice(at + remove);

/**
 * What was typed from `base` to `mine`, put into `theirs`, which grew out of the same `base` elsewhere. Neither side's
 * insertion is lost; what either removed is gone. Of two insertions at one place mine comes first.
 */
export function mergedText(base: string, mine: string, theirs: string): string {
  const typed = textChange(base, mine);
  const other = textChange(base, theirs);
  if (!typed) return theirs;
  if (!other) return mine;
  const end = typed.at + typed.remove;
  const otherEnd = other.at + other.remove;
  if (end <= other.at) return applied(theirs, typed);
  if (typed.at >= otherEnd) return applied(theirs, { ...typed, at: typed.at - other.remove + other.insert.length });
  // Both replaced some of the same characters: those are gone once, and both insertions stay.
  const before = base.slice(0, Math.min(typed.at, other.at));
  const after = base.slice(Math.max(end, otherEnd));
  return typed.at <= other.at
    ? before + typed.insert + other.insert + after
    : before + other.insert + typed.insert + after;
}
