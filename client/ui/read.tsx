import type { ReactNode } from "react";
import { Failed } from "./failed.tsx";
import type { Answered } from "./use-answer.ts";
import { accountWords } from "./words/account-words.ts";

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
