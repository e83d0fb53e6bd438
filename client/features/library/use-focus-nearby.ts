import { useEffect, useRef } from "react";
import type { RefObject } from "react";

/**
 * A row that goes takes the focus away with it: it moves to the row in its place, or to the heading where none is left.
 * Whoever left the page, or pressed somewhere else, is left alone.
 */
export function useFocusNearby(heading: RefObject<HTMLElement | null>, list: RefObject<HTMLUListElement | null>): void {
  /** the row that had the focus, or its first one for what stands above; undefined where it was elsewhere */
  const place = useRef<number | undefined>(undefined);
  useEffect(() => {
    const note = ({ type, target }: Event): void => {
      if (!(target instanceof Element) || target.closest("[role=dialog]")) return;
      const row = target.closest("li");
      const inList = row && list.current?.contains(row);
      const inPage = heading.current?.closest("main")?.contains(target) === true;
      if (inList) place.current = [...(list.current?.children ?? [])].indexOf(row);
      // A press where nothing takes the focus ends it; where something does, that is told next.
      else place.current = inPage && type === "focusin" ? 0 : undefined;
    };
    const events = ["focusin", "pointerdown"];
    for (const name of events) addEventListener(name, note);
    return () => {
      for (const name of events) removeEventListener(name, note);
    };
  }, [heading, list]);
  useEffect(() => {
    if (place.current === undefined || document.activeElement !== document.body) return;
    const rows = list.current?.children ?? [];
    const next = rows[Math.min(place.current, rows.length - 1)]?.querySelector("a") ?? heading.current;
    next?.focus();
  });
}
