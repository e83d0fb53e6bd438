import type { RunParameters } from "#shared/domain/parameters.ts";

/** "Start this run", kept on this device from before the first attempt until the server answered for good. */
export interface RunCommand {
  runId: string;
  conversationId: string;
  parentMessageId: string;
  messageId: string;
  model: string;
  parameters: RunParameters;
  continues?: string | undefined;
  /** ms since 1970 by this device's clock */
  createdAt: number;
}
