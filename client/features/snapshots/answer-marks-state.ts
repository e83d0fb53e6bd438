import type { AnswerMarks } from "#client/session/verifier.ts";
import type { FrozenMessage } from "#shared/domain/frozen-content.ts";
import type { AnswerMark, UnverifiedReason } from "#shared/provenance/verify-answer.ts";

/** Whose keys the marks are by: this server's, or those that came with a file. */
export type MarkBasis = "server" | "file";

/** How far it is known who wrote the answers. */
export type MarksState =
  | { type: "checking" }
  /** what checks could not be loaded */
  | { type: "failed" }
  | AnswerMarks;

/** How many answers have which mark. */
export type MarkCounts = Record<AnswerMark["type"] | "all", number>;

export function countMarks(marks: readonly (AnswerMark | undefined)[]): MarkCounts {
  const counts: MarkCounts = { verified: 0, "verified-other-context": 0, edited: 0, unverified: 0, all: 0 };
  for (const mark of marks) {
    if (mark === undefined) continue;
    counts[mark.type]++;
    counts.all++;
  }
  return counts;
}

/** The marks by their messages, and not by their ids: a file may say the same one twice. */
export const marksByMessage = (
  messages: readonly FrozenMessage[],
  marks: readonly (AnswerMark | undefined)[],
): ReadonlyMap<FrozenMessage, AnswerMark> =>
  new Map(
    messages.flatMap((message, index): [FrozenMessage, AnswerMark][] => {
      const mark = marks[index];
      return mark ? [[message, mark]] : [];
    }),
  );

/** Reasons that say nothing against an answer. */
const HARMLESS: ReadonlySet<UnverifiedReason> = new Set(["no-receipt", "other-server", "cannot-check"]);

/** How much a mark should be heeded: it vouches, it says nothing, or it warns. */
export function weightOf(mark: AnswerMark, basis: MarkBasis): "good" | "plain" | "warn" {
  switch (mark.type) {
    case "verified":
      return basis === "server" ? "good" : "plain";
    case "verified-other-context":
      return "plain";
    case "edited":
      return "warn";
    case "unverified":
      return HARMLESS.has(mark.reason) ? "plain" : "warn";
  }
}
