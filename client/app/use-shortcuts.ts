import { useEffect, useRef } from "react";
import { shortcutOf } from "./shortcut-state.ts";
import type { Shortcut } from "./shortcut-state.ts";

const isWriting = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable || target.matches("textarea, select, input:not([type=range], [type=checkbox])"));

/** Listens for the app's shortcuts while it is mounted. */
export function useShortcuts(onShortcut: (shortcut: Shortcut) => void): void {
  const latest = useRef(onShortcut);
  useEffect(() => {
    latest.current = onShortcut;
  });
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.isComposing || event.defaultPrevented) return;
      const { key, ctrlKey: ctrl, metaKey: meta, shiftKey: shift, altKey: alt } = event;
      const shortcut = shortcutOf({ key, ctrl, meta, shift, alt, writing: isWriting(event.target) });
      if (!shortcut) return;
      event.preventDefault();
      latest.current(shortcut);
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
}
