import { useCallback, useEffect, useId, useState } from "react";
import type { ReactNode } from "react";
import type * as z from "zod/mini";
import { askServer } from "#client/session/account-requests.ts";
import { accountWords } from "#client/ui/words/account-words.ts";
import { refusalWords } from "./refusal-words.ts";

/** One part of a dialog, with its heading. */
export function Section({ title, about, children }: { title: string; about?: string; children: ReactNode }) {
  const id = useId();
  return (
    <section className="account-section" aria-labelledby={id}>
      <h3 id={id}>{title}</h3>
      {about !== undefined && <p className="account-hint">{about}</p>}
      {children}
    </section>
  );
}

/** What the server last answered. */
export type Answered<T> = { type: "reading" } | { type: "read"; value: T } | { type: "failed"; words: string };

/** Reads something from the server, and again when it may have changed. */
export function useAnswer<T>(
  fetch: typeof globalThis.fetch,
  path: string,
  schema: z.ZodMiniType<T>,
): { answered: Answered<T>; readAgain: () => Promise<void> } {
  const [answered, setAnswered] = useState<Answered<T>>({ type: "reading" });
  const readAgain = useCallback(async () => {
    const asked = await askServer(fetch, "GET", path, { answer: schema });
    setAnswered(
      asked.ok ? { type: "read", value: asked.value } : { type: "failed", words: refusalWords(asked.failure) },
    );
  }, [fetch, path, schema]);
  useEffect(() => {
    const first = async (): Promise<void> => readAgain();
    void first();
  }, [readAgain]);
  return { answered, readAgain };
}

/** What was read, or why it was not. */
export function Read<T>({ answered, children }: { answered: Answered<T>; children: (value: T) => ReactNode }) {
  switch (answered.type) {
    case "reading":
      return <p className="account-hint">{accountWords.busy}</p>;
    case "failed":
      return (
        <p className="account-failed" role="alert">
          {answered.words}
        </p>
      );
    case "read":
      return children(answered.value);
  }
}
