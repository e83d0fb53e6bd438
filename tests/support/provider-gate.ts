import { createAnnouncement } from "./waiting.ts";

/** Lets a test release the steps of a gated answer one by one. */
export interface Gate {
  /** The answer waits here before each step. Resolves at once when the client has left. */
  pass(): Promise<void>;
  /** The answer says that a step was written. */
  passed(): void;
  /** Allows `steps` more and resolves when that many were written, or there are no more. */
  release(steps: number): Promise<void>;
  /** Nothing waits any longer. */
  open(): void;
}

export function openGate(left: AbortSignal): Gate {
  let allowed = 0;
  let written = 0;
  let over = left.aborted;
  const change = createAnnouncement();
  const open = (): void => {
    over = true;
    change.announce();
  };
  left.addEventListener("abort", open, { once: true });
  return {
    pass: () => change.until(() => over || written < allowed),
    passed() {
      written += 1;
      change.announce();
    },
    release(steps) {
      allowed += steps;
      const goal = allowed;
      change.announce();
      return change.until(() => over || written >= goal);
    },
    open,
  };
}
