import type { RelayPrincipal } from "#server/access/principal.ts";
import type { Rooms } from "#server/rooms/rooms.ts";
import type { ConversationId, MessageId } from "#shared/domain/ids.ts";
import type { RunFacts } from "#shared/domain/run.ts";
import { appendAnswer, startAnswer } from "#shared/documents/write-answer.ts";

/** What a run has written up to a frame of its log. */
export interface RunProgress {
  text: string;
  reasoning: string;
  frame: number;
}

export interface Target {
  principal: RelayPrincipal;
  conversationId: ConversationId;
  parentMessageId: MessageId;
  messageId: MessageId;
}

export interface Checkpointer {
  /**
   * Brings the document to this progress, with its placeholder where it has none yet. Answers whether its
   * conversation is deleted, and whether it got there: it did not where it is at a frame whose lengths are not
   * known. Rejects with `CommitError` where it could not be stored, `DocumentGone` where there is no such document.
   */
  commit(progress: RunProgress, facts: RunFacts): Promise<{ deleted: boolean; reached: boolean }>;
}

/**
 * Appends a run's durable text to its message. The frame kept with the message says what it already has, so
 * a commit whose answer was lost is neither repeated nor skipped.
 * @param lengthsAt answers how long the channels were at a frame, for a document that is elsewhere than this
 * writer left it; `undefined` where that is not known
 */
export function createCheckpointer(
  rooms: Rooms,
  target: Target,
  lengthsAt: (frame: number) => { t: number; r: number } | undefined,
): Checkpointer {
  const known = new Map<number, { t: number; r: number }>([[0, { t: 0, r: 0 }]]);
  return {
    async commit({ text, reasoning, frame }, facts) {
      // Known before the commit: one that is said to have failed may have reached the document.
      known.set(frame, { t: text.length, r: reasoning.length });
      let deleted = false;
      let reached = true;
      await rooms.edit(target.principal, target.conversationId, (conversation) => {
        deleted = conversation.isDeleted();
        const message = conversation.message(target.messageId);
        if (message === undefined) startAnswer(conversation, answerOf(target, facts));
        else if (message.role !== "assistant" || message.run?.runId !== facts.runId) return;
        const at = message?.role === "assistant" ? (message.run?.frame ?? 0) : 0;
        const before = known.get(at) ?? lengthsAt(at);
        if (before === undefined) return void (reached = false);
        appendAnswer(conversation, target.messageId, {
          text: text.slice(before.t),
          reasoning: reasoning.slice(before.r),
          run: { ...facts, frame: Math.max(frame, at) },
        });
      });
      return { deleted, reached };
    },
  };
}

/** Makes the empty answer that devices show while the run is queued. Does nothing where it is, or was removed. */
export const placeAnswer = (rooms: Rooms, target: Target, facts: RunFacts): Promise<void> =>
  rooms.edit(target.principal, target.conversationId, (conversation) =>
    startAnswer(conversation, answerOf(target, facts)),
  );

/** A message that has nothing of its run's log yet. */
const answerOf = ({ messageId, parentMessageId }: Target, facts: RunFacts) => ({
  id: messageId,
  parentId: parentMessageId,
  createdAt: facts.queuedAt,
  run: { ...facts, frame: 0 },
});

/** Lengths of the channels at any frame of a log. */
export function lengthsIn(frames: readonly { seq: number; event: { type: string } }[]) {
  return (at: number): { t: number; r: number } => {
    const lengths = { t: 0, r: 0 };
    for (const { seq, event } of frames) {
      const delta = event as { type: string; c?: "t" | "r"; t?: string };
      if (seq <= at && delta.type === "d" && delta.c && delta.t !== undefined) lengths[delta.c] += delta.t.length;
    }
    return lengths;
  };
}
