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
  /** those in the store when it was last read: a database that is gone takes them along */
  let stored: readonly RunCommand[] = [];
  const removed = new Set<string>();
  const listeners = new Set<(command: RunCommand) => void>();

  function known(): RunCommand[] {
    const all = new Map(stored.map((command) => [command.runId, command]));
    for (const [runId, command] of ofThisTab) all.set(runId, command);
    return [...all.values()].filter(({ runId }) => !removed.has(runId));
  }

  async function read(): Promise<void> {
    const result = await store.commands();
    if (result.ok) stored = result.value;
  }

  /** Those that could not be read before are news here. */
  async function readWhatWasMissed(): Promise<void> {
    const before = new Set(known().map(({ runId }) => runId));
    await read();
    for (const command of known()) if (!before.has(command.runId)) for (const listener of listeners) listener(command);
  }

  store.onFound(() => void readWhatWasMissed());
  store.onReopened(() => {
    for (const command of known()) ofThisTab.set(command.runId, command);
    void store.keepCommands([...ofThisTab.values()]);
  });

  return {
    async list() {
      await read();
      return known().toSorted((a, b) => a.createdAt - b.createdAt || (a.runId < b.runId ? -1 : 1));
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
