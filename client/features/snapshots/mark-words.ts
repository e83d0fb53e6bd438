import { formatDateTime } from "#client/ui/words/format-date.ts";
import { provenanceWords } from "#client/ui/words/provenance-words.ts";
import type { AnswerMark, Unverified } from "#shared/provenance/verify-answer.ts";
import { countMarks } from "./answer-marks-state.ts";
import type { MarkBasis, MarksState } from "./answer-marks-state.ts";

/** A time that was signed, which may be none. */
export const timeOf = (ms: number): string => (Number.isNaN(new Date(ms).getTime()) ? "?" : formatDateTime(ms));

/** By keys that nobody vouches for, nothing is verified: it agrees with them. */
const isByItself = ({ type }: AnswerMark, basis: MarkBasis): boolean => basis === "file" && type === "verified";

/** A mark as it is seen. */
export function markWords(mark: AnswerMark, basis: MarkBasis): string {
  if (isByItself(mark, basis)) return provenanceWords.byItself;
  if (mark.type === "unverified") return provenanceWords.unverified(provenanceWords.shortReasons[mark.reason]);
  return provenanceWords.marks[mark.type];
}

/** What the button of a mark is called. Begins with what is seen of it, so that whoever speaks to a computer can say that. */
export function markName(mark: AnswerMark, basis: MarkBasis, model: string): string {
  const { explain, shortReasons } = provenanceWords;
  if (isByItself(mark, basis)) return explain.byItself(model);
  if (mark.type === "unverified") return explain.unverified(model, shortReasons[mark.reason]);
  return explain[mark.type](model);
}

/** What a mark means, paragraph by paragraph. */
export function explanationOf(mark: AnswerMark, basis: MarkBasis, model: string): string[] {
  if (mark.type === "unverified") return [reasonOf(mark)];
  const { byItselfAbout, byItselfExplanations, limits, explanations } = provenanceWords;
  return basis === "file"
    ? [byItselfExplanations[mark.type](model), byItselfAbout]
    : [explanations[mark.type](model), limits];
}

function reasonOf(mark: Unverified): string {
  const { reasons, late } = provenanceWords;
  return "endedAt" in mark ? late[mark.reason](timeOf(mark.signedAt), timeOf(mark.endedAt)) : reasons[mark.reason];
}

/** How the answers of a snapshot are marked, in a line. `undefined` where there is none. */
export function marksLine(state: MarksState, basis: MarkBasis): string | undefined {
  const text = provenanceWords.count;
  if (state.type === "checking") return text.checking;
  if (state.type === "failed") return text.failed;
  if (state.type === "no-keys") return text.noKeys;
  const counts = countMarks(state.marks);
  if (counts.all === 0) return undefined;
  const first = basis === "file" ? text.byItself : text.verified;
  const others = (["verified-other-context", "edited", "unverified"] as const)
    .filter((type) => counts[type] > 0)
    .map((type) => text[type](counts[type]));
  return [first(counts.verified, counts.all), ...others].join(" · ");
}
