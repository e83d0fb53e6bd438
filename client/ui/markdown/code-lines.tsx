import { memo } from "react";

/** Large enough for few elements, small enough that laying out one again is cheap. */
const LINES_PER_GROUP = 50;

/** Splits code into groups of whole lines, without the line end between two groups. None but the last ends empty. */
export function lineGroups(code: string): string[] {
  const groups: string[] = [];
  let start = 0;
  let lines = 0;
  for (let at = code.indexOf("\n"); at !== -1; at = code.indexOf("\n", at + 1)) {
    lines++;
    // A block of text does not show the empty line it ends with: a group goes on until a line with something in it.
    if (lines < LINES_PER_GROUP || at === start || code[at - 1] === "\n") continue;
    groups.push(code.slice(start, at));
    start = at + 1;
    lines = 0;
  }
  groups.push(code.slice(start));
  return groups;
}

/**
 * Code without colours. Each group is a block of its own, so that while code is being written only the last group is
 * rendered and laid out again: as one text, the work per token would grow with the code.
 */
export function CodeLines({ code }: { code: string }) {
  return lineGroups(code).map((text, index) => <Group key={index} text={text} />);
}

const Group = memo(({ text }: { text: string }) => <span className="code-lines">{text}</span>);
Group.displayName = "CodeLinesGroup";
