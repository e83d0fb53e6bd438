import type { Delivery } from "#client/runs/runs.ts";
import type { AnswerProgress } from "#client/session/awaited-state.ts";
import type { FrozenContent } from "#shared/domain/frozen-content.ts";

/** Where a snapshot is answered anew. */
export type RerunPlace =
  /** as a branch of the chat it is of */
  | "conversation"
  /** as a chat of its own: the one it is of is gone, or would have to be given another system prompt */
  | "duplicate";

/** @param conversation what there is of the chat on this device; absent where it is gone, or in the trash */
export const rerunPlace = (
  { manifest }: FrozenContent,
  conversation: { systemPrompt: string } | undefined,
): RerunPlace =>
  conversation?.systemPrompt.toWellFormed() === manifest.settings.systemPrompt ? "conversation" : "duplicate";

/** What is asked again: all up to the last prompt. `undefined` where there is none. */
export function promptsOf({ manifest, messages }: FrozenContent): FrozenContent | undefined {
  const last = messages.findLastIndex(({ role }) => role === "user");
  return last === -1 ? undefined : { manifest, messages: messages.slice(0, last + 1) };
}

/** The model that is proposed: one that did not answer before, where there is any. */
export const modelToAsk = (offered: readonly { id: string }[], before: string | undefined): string | undefined =>
  (offered.find(({ id }) => id !== before) ?? offered[0])?.id;

/** What is told, until it is there, of a snapshot that was asked for by answering another one anew. */
export type RerunView =
  /** not sent yet: there is no network, or another answer comes first */
  | { type: "queued" }
  | { type: "answering" }
  /** written, and not among the snapshots here yet */
  | { type: "taking" }
  /** there will be no snapshot */
  | { type: "dropped"; because: "empty" | "unknown" | "model_unknown" | "refused" };

export interface RerunFacts {
  /** whether its chat still waits for it */
  awaited: boolean;
  answer: AnswerProgress;
  /** how far its delivery is, as far as this device knows */
  delivery: Delivery | undefined;
}

export function rerunView({ awaited, answer, delivery }: RerunFacts): RerunView {
  if (answer === "written") return { type: "taking" };
  if (answer === "empty") return { type: "dropped", because: "empty" };
  if (delivery?.type === "refused")
    return { type: "dropped", because: delivery.code === "model_unknown" ? "model_unknown" : "refused" };
  if (!awaited) return { type: "dropped", because: "unknown" };
  return { type: delivery?.type === "queued" ? "queued" : "answering" };
}
