import { Icon } from "#client/ui/icon.tsx";
import { provenanceWords } from "#client/ui/words/provenance-words.ts";
import { countMarks } from "./answer-marks-state.ts";
import type { MarkBasis, MarksState } from "./answer-marks-state.ts";
import { marksLine } from "./mark-words.ts";

/** How many answers are verified, or why that is not known. */
export function MarksLine({ state, basis }: { state: MarksState; basis: MarkBasis }) {
  const line = marksLine(state, basis);
  if (line === undefined) return null;
  const isGood = state.type === "marked" && basis === "server" && isAllVerified(state.marks);
  return (
    <p className="snapshot-marks" data-weight={isGood ? "good" : "plain"}>
      <Icon name={isGood ? "check" : "details"} />
      <span>
        {line}
        {cannotCheck(state) && ` ${provenanceWords.reasons["cannot-check"]}`}
      </span>
    </p>
  );
}

type Marked = Extract<MarksState, { type: "marked" }>;

function isAllVerified(marks: Marked["marks"]): boolean {
  const counts = countMarks(marks);
  return counts.verified === counts.all;
}

const cannotCheck = (state: MarksState): boolean =>
  state.type === "marked" && state.marks.some((mark) => mark?.type === "unverified" && mark.reason === "cannot-check");
