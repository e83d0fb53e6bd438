import type { Documents } from "#client/local-store/documents.ts";
import type { RunCommand } from "#client/local-store/run-command.ts";
import type { Clock } from "#client/platform/platform.ts";
import type { ConversationDocument } from "#shared/documents/conversation.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import { isTerminal } from "#shared/domain/run.ts";

/**
 * Resolves once a command's conversation is not deleted and the answer before its prompt is final, whatever its
 * ending: until then the model could not read it. Also resolves when the signal ends.
 */
export type ParentSettled = (command: RunCommand, signal: AbortSignal) => Promise<void>;

/** An answer that just started, or another device plans, may be on its way by sync: this long, not for ever. */
const UNKNOWN_ANSWER_MS = 30_000;

/** What a document knows of the answer before a prompt; `deleted`: nobody wants any further one, for now. */
export type ParentAnswer = "settled" | "being-written" | "not-here" | "deleted";

/**
 * Whether the answer before a prompt is final, by the document alone.
 * @param planned whether a command of this device, not delivered yet, will write the message with this id
 */
export function parentAnswerOf(
  conversation: Pick<ConversationDocument, "message" | "isDeleted">,
  promptId: string,
  planned: (messageId: string) => boolean,
): ParentAnswer {
  if (conversation.isDeleted()) return "deleted";
  const prompt = conversation.message(promptId);
  if (!prompt) return "not-here";
  if (prompt.parentId === undefined) return "settled";
  const answer = conversation.message(prompt.parentId);
  if (!answer) return planned(prompt.parentId) ? "being-written" : "not-here";
  const writing = answer.role === "assistant" && answer.run !== undefined && !isTerminal(answer.run.status);
  return writing ? "being-written" : "settled";
}

/**
 * Watches documents for it.
 * @param planned whether a command of this device, not delivered yet, will write the message with this id
 * @param onPlannedChange calls back when that may have changed; answers how to stop
 */
export function createParentSettled(
  documents: Documents,
  clock: Clock,
  planned: (messageId: string) => boolean,
  onPlannedChange: (callback: () => void) => () => void,
): ParentSettled {
  return (command, signal) =>
    new Promise((resolve) => {
      const held = documents.open(command.conversationId as ConversationId);
      let cancelTimer: (() => void) | undefined;
      const check = (): void => {
        const answer = parentAnswerOf(held.conversation, command.parentMessageId, planned);
        if (answer === "settled") return done();
        if (answer === "being-written" || answer === "deleted") {
          cancelTimer?.();
          cancelTimer = undefined;
        } else if (held.status().type !== "loading") {
          cancelTimer ??= clock.after(UNKNOWN_ANSWER_MS, done);
        }
      };
      const stops = [held.conversation.subscribe(check), held.subscribe(check), onPlannedChange(check)];
      let finished = false;
      function done(): void {
        if (finished) return;
        finished = true;
        for (const stop of stops) stop();
        cancelTimer?.();
        signal.removeEventListener("abort", done);
        held.release();
        resolve();
      }
      signal.addEventListener("abort", done, { once: true });
      if (signal.aborted) done();
      else check();
    });
}

/** Whether a conversation is deleted, by this device's copy once that was read; false when the signal ends before. */
export function isDeletedHere(documents: Documents, id: ConversationId, signal: AbortSignal): Promise<boolean> {
  const held = documents.open(id);
  return new Promise<boolean>((resolve) => {
    const look = (): void => {
      if (held.status().type === "loading" && !signal.aborted) return;
      stop();
      signal.removeEventListener("abort", look);
      resolve(held.conversation.isDeleted());
    };
    const stop = held.subscribe(look);
    signal.addEventListener("abort", look, { once: true });
    look();
  }).finally(() => held.release());
}
