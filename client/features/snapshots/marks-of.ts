import type { AnswerMarks, Verifier } from "#client/session/verifier.ts";
import type { FrozenContent } from "#shared/domain/frozen-content.ts";
import { markWords } from "./mark-words.ts";

/**
 * What is known of who wrote the answers, in words, by place, as the keys on this device tell: where there are none, those
 * of the server are waited for. Nothing is said of prompts, nor of anything where no keys can be had.
 */
export async function marksOf(verifier: () => Promise<Verifier>, content: FrozenContent): Promise<readonly string[]> {
  // What checks may be code that does not arrive; a file without marks says no more than it knows.
  const checks = await verifier().catch(() => undefined);
  if (checks === undefined) return [];
  const shown = await new Promise<AnswerMarks>((resolve, reject) => {
    const first = (marks: AnswerMarks): void => {
      if (marks.type === "marked") resolve(marks);
    };
    checks.markAnswers(content, first).then(() => resolve({ type: "no-keys" }), reject);
  });
  return shown.type === "marked" ? shown.marks.map((mark) => (mark ? markWords(mark, "server") : "")) : [];
}
