import type { OpenConversation } from "#client/local-store/documents.ts";
import type { RunCommand } from "#client/local-store/run-command.ts";
import { planPending } from "#client/runs/plan-pending.ts";
import type { Workspace } from "#client/session/workspace.ts";
import type { ConversationDocument } from "#shared/documents/conversation.ts";
import type { MessageId } from "#shared/domain/ids.ts";
import type { AssistantMessage, PlannedRun, UserMessage } from "#shared/domain/message.ts";

/** The powers that starting a run needs. */
export type SendPowers = Pick<Workspace, "newId" | "clock" | "runs">;

interface RunWish {
  open: OpenConversation;
  parentMessageId: MessageId;
  model: string;
  continues?: string | undefined;
}

function createRunCommand(powers: SendPowers, wish: RunWish): RunCommand {
  const { open, parentMessageId, model, continues } = wish;
  return {
    runId: powers.newId(),
    conversationId: open.id,
    parentMessageId,
    messageId: unbegunMessage(open.conversation, parentMessageId) ?? powers.newId(),
    model,
    parameters: open.conversation.settings().parameters,
    ...(continues === undefined ? {} : { continues }),
    createdAt: powers.clock.now(),
  };
}

/**
 * The message of an answer that was asked for and is not here. Asking again names it again: if it was begun after
 * all, the server refuses a second run for one message.
 */
function unbegunMessage({ message }: ConversationDocument, promptId: MessageId): string | undefined {
  const prompt = message(promptId);
  const planned = prompt?.role === "user" ? prompt.plannedRun : undefined;
  return planned && message(planned.messageId) === undefined ? planned.messageId : undefined;
}

const plannedBy = ({ runId, messageId, model }: RunCommand): PlannedRun => ({ runId, messageId, model });

/** Where the next prompt of the shown branch belongs: below its last answer, though that may only be planned yet. */
export function placeAfter(conversation: ConversationDocument): MessageId | undefined {
  const last = conversation.branch().at(-1);
  if (last?.role === "user" && last.plannedRun) return last.plannedRun.messageId as MessageId;
  return last?.id;
}

interface NewPrompt {
  text: string;
  parentId: MessageId | undefined;
  model: string;
  /** whether it is the draft that is sent; it empties in the same transaction */
  takesDraft: boolean;
}

/** Adds a person's turn with the run that answers it, stored as one, and hands the run to delivery. */
export function sendPrompt(powers: SendPowers, open: OpenConversation, prompt: NewPrompt): void {
  const id = powers.newId() as MessageId;
  const command = createRunCommand(powers, { open, parentMessageId: id, model: prompt.model });
  open.editWithCommand(
    (conversation) =>
      conversation.addPrompt({
        id,
        parentId: prompt.parentId,
        text: prompt.text.trim(),
        createdAt: command.createdAt,
        plannedRun: plannedBy(command),
        takesDraft: prompt.takesDraft,
      }),
    command,
  );
  powers.runs.deliver(command);
}

/**
 * Says a turn in other words: in place while it waits to go out, else as a sibling with a run of its own.
 * Either way the earlier answers stay.
 */
export function editPrompt(
  powers: SendPowers,
  open: OpenConversation,
  message: UserMessage,
  text: string,
  model: string,
): void {
  if (text.trim() === "" || text.trim() === message.text) return;
  const planned = message.plannedRun;
  if (planned && powers.runs.delivery(planned.runId)?.type === "queued") {
    open.conversation.rewritePrompt(message.id, text.trim());
    return;
  }
  sendPrompt(powers, open, { text, parentId: message.parentId, model, takesDraft: false });
}

/** Asks for one more answer to a prompt. */
export function answerAgain(powers: SendPowers, open: OpenConversation, prompt: UserMessage, model: string): void {
  startRun(powers, { open, parentMessageId: prompt.id, model });
}

/** Carries on an answer that ended early, as a new run. */
export function continueAnswer(
  powers: SendPowers,
  open: OpenConversation,
  answer: AssistantMessage,
  model: string,
): void {
  if (answer.parentId === undefined || answer.run === undefined) return;
  startRun(powers, { open, parentMessageId: answer.parentId, model, continues: answer.run.runId });
}

/** A second click while the first run is on its way changes nothing. */
function startRun(powers: SendPowers, wish: RunWish): void {
  if (planPending(wish.open.conversation, powers.runs, wish.parentMessageId)) return;
  const command = createRunCommand(powers, wish);
  wish.open.editWithCommand((conversation) => conversation.planRun(wish.parentMessageId, plannedBy(command)), command);
  powers.runs.deliver(command);
}

/**
 * Withdraws a prompt that was not delivered; its words go back in front of the draft. Answers false when it was
 * too late. A prompt that has answers already stays: only the run that was to add one is withdrawn.
 */
export async function cancelPrompt(powers: SendPowers, open: OpenConversation, prompt: UserMessage): Promise<boolean> {
  const { conversation } = open;
  if (!prompt.plannedRun || !(await powers.runs.cancel(prompt.plannedRun.runId))) return false;
  const answered = [...conversation.messages()].some(
    (message) => message.role === "assistant" && message.parentId === prompt.id,
  );
  if (answered) return true;
  const text = conversation.message(prompt.id)?.text ?? prompt.text;
  conversation.putBeforeDraft(text);
  conversation.removeMessage(prompt.id);
  return true;
}
