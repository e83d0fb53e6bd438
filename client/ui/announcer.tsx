import { createContext, useContext, useMemo, useRef } from "react";
import type { ReactNode } from "react";
import { words } from "./words/words.ts";
import { Status } from "./status.tsx";

/** Says something once to people who use a screen reader. */
type Announce = (text: string) => void;

const AnnouncerContext = createContext<Announce>(() => undefined);

/** Holds the page's one hidden status. Nothing that streams is ever put in it. */
export function AnnouncerProvider({ children }: { children: ReactNode }) {
  const status = useRef<HTMLSpanElement>(null);
  const announce = useMemo<Announce>(
    () => (text) => {
      if (status.current) status.current.textContent = text;
    },
    [],
  );
  return (
    <AnnouncerContext value={announce}>
      {children}
      <Status ref={status} aria-label={words.app.announcements} className="hidden-words" />
    </AnnouncerContext>
  );
}

export const useAnnounce = (): Announce => useContext(AnnouncerContext);
