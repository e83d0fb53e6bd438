import type { LocalStore } from "./local-store.ts";
import type { RunCommand } from "./run-command.ts";
import type { RunCommandStore } from "./run-command-store.ts";

export interface RunCommands extends RunCommandStore {
  /** Tells that a command's transaction ended, well or not. Safe to repeat. */
  ended(command: RunCommand): void;
  /** false once it was removed */
  wanted(command: RunCommand): boolean;
}

/** The commands in the store, with those of this tab that could not be stored. */
export function openRunCommands(store: LocalStore): RunCommands {
  const ofThisTab = new Map<string, RunCommand>();
  const removed = new Set<string>();
  const listeners = new Set<(command: RunCommand) => void>();

  return {
    async list() {
      const stored = await store.commands();
      const all = new Map((stored.ok ? stored.value : []).map((command) => [command.runId, command]));
      for (const [runId, command] of ofThisTab) all.set(runId, command);
      return [...all.values()]
        .filter(({ runId }) => !removed.has(runId))
        .toSorted((a, b) => a.createdAt - b.createdAt || (a.runId < b.runId ? -1 : 1));
    },
    async remove(runId) {
      removed.add(runId);
      ofThisTab.delete(runId);
      await store.removeCommand(runId);
    },
    onAdded(callback) {
      listeners.add(callback);
      return () => listeners.delete(callback);
    },
    ended(command) {
      if (ofThisTab.has(command.runId) || removed.has(command.runId)) return;
      ofThisTab.set(command.runId, command);
      for (const listener of listeners) listener(command);
    },
    wanted: (command) => !removed.has(command.runId),
  };
}
