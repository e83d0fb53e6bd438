import type { RunCommand } from "./run-command.ts";

/**
 * The run commands this device still has to deliver. They are put in by `OpenConversation.editWithCommand`,
 * in the transaction of the edit they belong to. Where this device cannot store, they are kept in memory.
 */
export interface RunCommandStore {
  /** All commands that were not removed, oldest first; those another tab stored among them. */
  list(): Promise<RunCommand[]>;
  /** Forgets a command, on this device for good. Forgetting an unknown one does nothing. */
  remove(runId: string): Promise<void>;
  /** Calls back with each command made in this tab once it is stored, or once it is known that storing fails. */
  onAdded(callback: (command: RunCommand) => void): () => void;
}
