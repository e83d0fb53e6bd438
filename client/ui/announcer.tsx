import { createContext, useContext, useMemo, useRef } from "react";
import type { ReactNode } from "react";
import { words } from "./words/words.ts";

/** Says something once to people who use a screen reader. */
type Announce = (words: string) => void;

const AnnouncerContext = createContext<Announce>(() => undefined);

/** Holds the page's one hidden status. Nothing that streams is ever put in it. */
export function AnnouncerProvider({ children }: { children: ReactNode }) {
  const status = useRef<HTMLDivElement>(null);
  const announce = useMemo<Announce>(
    () => (words) => {
      if (status.current) status.current.textContent = words;
    },
    [],
  );
  return (
    <AnnouncerContext value={announce}>
      {children}
      <div ref={status} role="status" aria-label={words.app.announcements} className="hidden-words" />
    </AnnouncerContext>
  );
}

export const useAnnounce = (): Announce => useContext(AnnouncerContext);
