import { useCallback, useEffect, useState } from "react";
import type { Result } from "#shared/lib/result.ts";
import { refusalWords } from "./words/refusal-words.ts";
import type { Refused } from "./words/refusal-words.ts";

/** What the server last answered. */
export type Answered<T> = { type: "reading" } | { type: "read"; value: T } | { type: "failed"; words: string };

/**
 * Reads something from the server, and again when it may have changed.
 * @param read the same function as long as the same thing is read; `wordsOf` always
 */
export function useAnswer<T>(
  read: () => Promise<Result<T, Refused>>,
  wordsOf: (failure: Refused) => string = refusalWords,
): {
  answered: Answered<T>;
  readAgain: () => Promise<void>;
} {
  const [answered, setAnswered] = useState<Answered<T>>({ type: "reading" });
  const readAgain = useCallback(async () => setAnswered(answerOf(await read(), wordsOf)), [read, wordsOf]);
  useEffect(() => {
    let left = false;
    void read().then((asked) => left || setAnswered(answerOf(asked, wordsOf)));
    return () => {
      left = true;
    };
  }, [read, wordsOf]);
  return { answered, readAgain };
}

const answerOf = <T>(asked: Result<T, Refused>, wordsOf: (failure: Refused) => string): Answered<T> =>
  asked.ok ? { type: "read", value: asked.value } : { type: "failed", words: wordsOf(asked.failure) };
