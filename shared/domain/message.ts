import type { MessageId } from "./ids.ts";
import type { RunFacts } from "./run.ts";

/** The run a person asked for when they sent a message: any device may deliver it, and it has one effect. */
export interface PlannedRun {
  runId: string;
  messageId: string;
  model: string;
}

/** One turn. Siblings share a parent; the tree's roots have none. Sorting siblings by id sorts them by time. */
export type Message = UserMessage | AssistantMessage;

interface MessageBase {
  id: MessageId;
  parentId: MessageId | undefined;
  text: string;
  /** ms since 1970 by the clock of the device that made it; for reading, never for ordering */
  createdAt: number;
}

export interface UserMessage extends MessageBase {
  role: "user";
  plannedRun: PlannedRun | undefined;
}

export interface AssistantMessage extends MessageBase {
  role: "assistant";
  reasoning: string;
  run: RunFacts | undefined;
}
