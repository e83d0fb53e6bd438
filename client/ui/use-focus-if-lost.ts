import { useEffect } from "react";
import type { RefObject } from "react";

/** Gives the focus to something once `done` changed, where what had it went with that. In a dialog it falls to the dialog. */
export function useFocusIfLost(place: RefObject<HTMLElement | null>, done: unknown): void {
  useEffect(() => {
    const { activeElement, body } = document;
    const isLost = activeElement === null || activeElement === body || activeElement.getAttribute("role") === "dialog";
    if (done !== undefined && done !== false && isLost) place.current?.focus();
  }, [place, done]);
}
