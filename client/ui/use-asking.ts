import { useRef, useState } from "react";
import type { Result } from "#shared/lib/result.ts";
import { refusalWords } from "./words/refusal-words.ts";
import type { Refused } from "./words/refusal-words.ts";

/** How asking the server for something stands. */
export type Asking = { type: "idle" } | { type: "busy" } | { type: "failed"; words: string; code: string };

/** Asks for one thing at a time; what went wrong is told until the next try. */
export function useAsking(wordsOf: (failure: Refused) => string = refusalWords): {
  asking: Asking;
  /** @returns what was answered; `undefined` where something is asked already */
  ask: <T>(work: () => Promise<Result<T, Refused>>) => Promise<Result<T, Refused> | undefined>;
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
      setAsking(done.ok ? { type: "idle" } : { type: "failed", words: wordsOf(done.failure), code: done.failure.code });
      return done;
    },
  };
}
