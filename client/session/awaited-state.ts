import type { Delivery } from "#client/runs/runs.ts";
import type { AwaitedSnapshot } from "#shared/documents/awaited-snapshot.ts";
import type { FrozenContent } from "#shared/domain/frozen-content.ts";
import type { MessageId } from "#shared/domain/ids.ts";
import type { Message } from "#shared/domain/message.ts";
import { isTerminal } from "#shared/domain/run.ts";

/** What is to be done about a snapshot that waits for its run. */
export type AwaitedStep = { type: "wait" } | { type: "take"; leaf: MessageId } | { type: "forget" };

/**
 * @param answer the message of the run; absent until it was begun
 * @param delivery how far its delivery is, as far as this device knows
 */
export function nextAwaited(answer: Message | undefined, delivery: Delivery | undefined): AwaitedStep {
  const progress = answerProgress(answer);
  if (answer && progress === "written") return { type: "take", leaf: answer.id };
  // A run that wrote nothing is no answer to compare.
  if (progress === "empty") return { type: "forget" };
  return progress === "none" && delivery?.type === "refused" ? { type: "forget" } : { type: "wait" };
}

/** How far an answer is in its chat: not begun, being written, ended without a word, written. */
export type AnswerProgress = "none" | "writing" | "empty" | "written";

export function answerProgress(answer: Message | undefined): AnswerProgress {
  if (answer?.role !== "assistant" || answer.run === undefined) return "none";
  if (!isTerminal(answer.run.status)) return "writing";
  return answer.text === "" ? "empty" : "written";
}

/** The answer that a run wrote. */
export const answerOf = (messages: Iterable<Message>, runId: string): Message | undefined =>
  [...messages].find((message) => message.role === "assistant" && message.run?.runId === runId);

/** What was frozen of the chat, with the settings of the run in place of the chat's own. */
export const asAnswered = (content: FrozenContent, { settings }: AwaitedSnapshot): FrozenContent => ({
  ...content,
  manifest: { ...content.manifest, settings },
});
