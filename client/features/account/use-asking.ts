import { useRef, useState } from "react";
import type { Refusal } from "#client/session/account-requests.ts";
import type { Result } from "#shared/lib/result.ts";
import { refusalWords } from "./refusal-words.ts";

/** How asking the server for something stands. */
export type Asking = { type: "idle" } | { type: "busy" } | { type: "failed"; words: string };

/** Asks for one thing at a time; what went wrong is told until the next try. */
export function useAsking(): {
  asking: Asking;
  /** @returns what was answered; `undefined` where something is asked already */
  ask: <T>(work: () => Promise<Result<T, Refusal>>) => Promise<Result<T, Refusal> | undefined>;
} {
  const [asking, setAsking] = useState<Asking>({ type: "idle" });
  const busy = useRef(false);
  return {
    asking,
    async ask(work) {
      if (busy.current) return undefined;
      busy.current = true;
      setAsking({ type: "busy" });
      const done = await work();
      busy.current = false;
      setAsking(done.ok ? { type: "idle" } : { type: "failed", words: refusalWords(done.failure) });
      return done;
    },
  };
}
