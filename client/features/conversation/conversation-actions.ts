import type { KeptEdits } from "#client/local-store/kept-edits.ts";
import type { AssistantMessage, UserMessage } from "#shared/domain/message.ts";

/** What a reader can do with messages. The app shell knows how; the conversation only asks. */
export interface ConversationActions {
  edit(message: UserMessage, text: string): void;
  /** where an edit is kept until it is made */
  keptEdits: KeptEdits;
  answerAgain(prompt: UserMessage): void;
  continueAnswer(answer: AssistantMessage): void;
  cancel(prompt: UserMessage): void;
}
