import type { ReactNode } from "react";
import { compareWords } from "#client/ui/words/compare-words.ts";
import type { ComparedText } from "./compare-state.ts";
import type { TextPart } from "./word-diff-state.ts";

/** How two sides are laid out. */
export type Layout = "side-by-side" | "inline";

interface Labels {
  left: string;
  right: string;
}

/** Two texts: once where they are the same, else beside or in each other, with marks for eyes and for ears. */
export function ComparedTextView({ text, layout, labels }: { text: ComparedText; layout: Layout; labels: Labels }) {
  if (text.type === "same") return <Words>{text.text}</Words>;
  if (text.type === "waiting") return <p className="compare-note">{compareWords.waiting}</p>;
  if (layout === "inline") return <Words>{text.parts.map(part)}</Words>;
  return (
    <div className="compare-columns">
      <Column label={labels.left}>{text.parts.filter(({ type }) => type !== "added").map(part)}</Column>
      <Column label={labels.right}>{text.parts.filter(({ type }) => type !== "removed").map(part)}</Column>
    </div>
  );
}

function Column({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div className="compare-column">
      <span className="hidden-words">{label}</span>
      <Words>{children}</Words>
    </div>
  );
}

/** Text as it was written; what was removed or added as a whole is marked as one part. */
export function WholeText({ text, type }: { text: string; type: TextPart["type"] }) {
  return <Words>{part({ type, text, code: false }, 0)}</Words>;
}

function Words({ children }: { children: ReactNode }) {
  const isEmpty = children === "" || (Array.isArray(children) && children.length === 0);
  if (isEmpty) return <p className="compare-note">{compareWords.emptyText}</p>;
  return (
    <div className="compare-text" dir="auto">
      {children}
    </div>
  );
}

/** What is said before and after a mark stands in the style sheet: as elements it made most of a page's boxes. */
function part({ type, text, code }: TextPart, index: number): ReactNode {
  const look = code ? "compare-code" : undefined;
  if (type === "same" && !code) return text;
  const Mark = type === "same" ? "span" : type === "removed" ? "del" : "ins";
  return (
    <Mark key={index} className={look}>
      {text}
    </Mark>
  );
}
