import { useCallback, useId } from "react";
import type { ReactNode } from "react";
import type * as z from "zod/mini";
import { askServer } from "#client/session/account-requests.ts";
import { Failed } from "#client/ui/failed.tsx";
import { useAnswer } from "#client/ui/use-answer.ts";
import type { Answered } from "#client/ui/use-answer.ts";
import { accountWords } from "#client/ui/words/account-words.ts";

/** One part of a dialog, with its heading. */
export function Section({ title, about, children }: { title: string; about?: string; children: ReactNode }) {
  const id = useId();
  return (
    <section className="form-section" aria-labelledby={id}>
      <h3 id={id}>{title}</h3>
      {about !== undefined && <p className="form-hint">{about}</p>}
      {children}
    </section>
  );
}

/** Reads something of the account from the server, and again when it may have changed. */
export function useServerAnswer<T>(fetch: typeof globalThis.fetch, path: string, schema: z.ZodMiniType<T>) {
  const read = useCallback(() => askServer(fetch, "GET", path, { answer: schema }), [fetch, path, schema]);
  return useAnswer(read);
}

/** What was read, or why it was not. */
export function Read<T>({ answered, children }: { answered: Answered<T>; children: (value: T) => ReactNode }) {
  switch (answered.type) {
    case "reading":
      return <p className="form-hint">{accountWords.busy}</p>;
    case "failed":
      return <Failed asking={answered} />;
    case "read":
      return children(answered.value);
  }
}
