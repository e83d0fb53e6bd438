import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** Another process that holds the write lock of a SQLite file, as a stuck backup or a curious person does. */
export interface FileLock {
  /** Gives the lock back. */
  release(): Promise<void>;
}

/** Resolves once the lock is held. */
export async function lockFile(file: string): Promise<FileLock> {
  const child = fork(fileURLToPath(new URL("./file-lock-main.ts", import.meta.url)), [file], {
    execArgv: ["--import", "tsx"],
  });
  await once(child, "message");
  return {
    async release() {
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    },
  };
}
