import type { Documents, OpenConversation } from "#client/local-store/documents.ts";
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
      let cancelTimer: (() => void) | undefined;
      let finished = false;
      let held = watch();
      const stopPlans = onPlannedChange(check);

      function watch(): { open: OpenConversation; stop: () => void } {
        const open = documents.open(command.conversationId as ConversationId);
        const stops = [open.conversation.subscribe(check), open.subscribe(check)];
        const stop = (): void => {
          for (const one of stops) one();
          open.release();
        };
        return { open, stop };
      }

      function check(): void {
        if (finished) return;
        const { open } = held;
        // A mended copy took its place, and this one hears of nothing any more.
        if (open.status().type === "replaced") {
          held.stop();
          held = watch();
          return check();
        }
        const answer = parentAnswerOf(open.conversation, command.parentMessageId, planned);
        if (answer === "settled") return done();
        if (answer === "being-written" || answer === "deleted") {
          cancelTimer?.();
          cancelTimer = undefined;
        } else if (open.status().type !== "loading") {
          cancelTimer ??= clock.after(UNKNOWN_ANSWER_MS, done);
        }
      }

      function done(): void {
        if (finished) return;
        finished = true;
        held.stop();
        stopPlans();
        cancelTimer?.();
        signal.removeEventListener("abort", done);
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
