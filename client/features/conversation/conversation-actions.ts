import type { AssistantMessage, UserMessage } from "#shared/domain/message.ts";

/** What a reader can do with messages. The app shell knows how; the conversation only asks. */
export interface ConversationActions {
  edit(message: UserMessage, text: string): void;
  answerAgain(prompt: UserMessage): void;
  continueAnswer(answer: AssistantMessage): void;
  cancel(prompt: UserMessage): void;
}
