import { memo, useId } from "react";
import { compareWords } from "#client/ui/words/compare-words.ts";
import { rowStateOf } from "./compare-state.ts";
import type { MessageRow } from "./compare-state.ts";
import { ComparedTextView, WholeText } from "./compared-text.tsx";
import type { Layout } from "./compared-text.tsx";
import { FactTable } from "./fact-table.tsx";

interface ComparedMessageProps {
  row: MessageRow;
  layout: Layout;
  left: string;
  right: string;
}

/** One message of both sides, or of one. What differs can be given the focus by the buttons that go from change to change. */
export const ComparedMessage = memo(({ row, layout, left, right }: ComparedMessageProps) => {
  const id = useId();
  const state = rowStateOf(row);
  const { place, message } = row.type === "left" ? row.left : row.right;
  const speaker = message.role === "user" ? compareWords.you : compareWords.answer;
  return (
    <article
      className="compare-message"
      data-state={state}
      aria-labelledby={id}
      {...(state !== "same" && { "data-change": "", tabIndex: -1 })}
    >
      <h3 id={id}>
        {compareWords.message(speaker, place + 1)}
        <span className="compare-state">
          {compareWords.rowState[state]}
          {row.type === "pair" && row.moved && ` (${compareWords.movedFrom(row.left.place + 1)})`}
        </span>
      </h3>
      {row.type === "pair" ? (
        <Pair row={row} layout={layout} left={left} right={right} />
      ) : (
        <div className="compare-columns" data-only={layout === "inline" ? undefined : row.type}>
          <WholeText text={message.text} type={row.type === "left" ? "removed" : "added"} />
        </div>
      )}
    </article>
  );
});
ComparedMessage.displayName = "ComparedMessage";

interface PairProps extends Omit<ComparedMessageProps, "row"> {
  row: Extract<MessageRow, { type: "pair" }>;
}

function Pair({ row, layout, left, right }: PairProps) {
  const differing = row.facts.filter(({ state }) => state !== "same").map(({ name }) => compareWords.facts[name]);
  const runs = differing.length > 0 ? compareWords.runDiffers(differing) : compareWords.runSame;
  return (
    <>
      <ComparedTextView text={row.text} layout={layout} labels={{ left, right }} />
      {row.reasoning.type !== "same" && (
        <details className="compare-details">
          <summary>{compareWords.reasoning}</summary>
          <ComparedTextView text={row.reasoning} layout={layout} labels={{ left, right }} />
        </details>
      )}
      {row.facts.length > 0 && (
        <details className="compare-details">
          <summary>{runs}</summary>
          <FactTable
            caption={runs}
            of={compareWords.fact}
            absent={compareWords.unknown}
            rows={row.facts}
            left={left}
            right={right}
          />
        </details>
      )}
    </>
  );
}
