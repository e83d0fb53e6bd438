import { useRef } from "react";
import type { Result } from "#shared/lib/result.ts";
import { useAnnounce } from "./announcer.tsx";
import { exportChoiceWords } from "./words/export-choice-words.ts";

/** One form in which something can be saved as a file. */
export interface FileChoice {
  label: string;
  about: string;
  /** why it cannot be had now, in words */
  hindrance: string | undefined;
  /** Makes and saves the file; answers its name, or what went wrong, in words. */
  save: () => Promise<Result<string>>;
}

/**
 * Saves one file at a time, and says so to ears: eyes see it in their browser. Answers what went wrong, in words; also of
 * code that did not arrive. A second press while one is made does nothing.
 */
export function useSaving(): (choice: FileChoice) => Promise<string | undefined> {
  const announce = useAnnounce();
  const busy = useRef(false);
  return async ({ save }) => {
    if (busy.current) return undefined;
    busy.current = true;
    try {
      const saved = await save();
      if (saved.ok) announce(exportChoiceWords.saved(saved.value));
      return saved.ok ? undefined : saved.failure;
    } catch {
      return exportChoiceWords.failures.failed;
    } finally {
      busy.current = false;
    }
  };
}
