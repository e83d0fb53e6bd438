import { memo, useState } from "react";

/** Large enough for few elements, small enough that laying out one again is cheap. */
const LINES_PER_GROUP = 50;

/** Code as groups of whole lines, without the line end between two of them. */
export interface CodeGroups {
  /** groups that stay as they are while the code grows */
  done: readonly string[];
  /** the code of the finished groups, with the line end after each */
  doneText: string;
  last: string;
}

export const NO_CODE: CodeGroups = { done: [], doneText: "", last: "" };

/** The groups of `code`, going on from those of an earlier prefix of it. None but the last ends with an empty line. */
export function nextGroups(before: CodeGroups, code: string): CodeGroups {
  const start = code.startsWith(before.doneText) ? before : NO_CODE;
  const fresh: string[] = [];
  let from = start.doneText.length;
  let lines = 0;
  for (let at = code.indexOf("\n", from); at !== -1; at = code.indexOf("\n", at + 1)) {
    lines++;
    // A block of text does not show the empty line it ends with: a group goes on until a line with something in it.
    if (lines < LINES_PER_GROUP || at === from || code[at - 1] === "\n") continue;
    fresh.push(code.slice(from, at));
    from = at + 1;
    lines = 0;
  }
  const last = code.slice(from);
  if (fresh.length === 0) return { ...start, last };
  return { done: [...start.done, ...fresh], doneText: code.slice(0, from), last };
}

/**
 * Code without colours. Each group is a block of its own, so that while code is being written only the last group is
 * rendered and laid out again: as one text, the work per token would grow with the code.
 */
export function CodeLines({ code }: { code: string }) {
  const [shown, setShown] = useState(() => ({ code, groups: nextGroups(NO_CODE, code) }));
  // Derived while rendering, as in Markdown: the same code gives the same groups, so this settles at once.
  const current = shown.code === code ? shown : { code, groups: nextGroups(shown.groups, code) };
  if (current !== shown) setShown(current);
  const { done, last } = current.groups;
  return [...done, last].map((text, index) => <Group key={index} text={text} />);
}

const Group = memo(({ text }: { text: string }) => <span className="code-lines">{text}</span>);
Group.displayName = "CodeLinesGroup";
