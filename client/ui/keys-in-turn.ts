import type { KeyboardEvent as KeyEvent } from "react";

/**
 * Hands a menu its keys one by one. Radix moves the focus in a timer after a key, and a page that was busy takes the keys
 * that came meanwhile before any timer: Enter would choose what had the focus before.
 */
export function keysInTurn(): (event: KeyEvent<HTMLElement>) => void {
  const held: (() => void)[] = [];
  let moving = false;

  function start(): void {
    moving = true;
    // The first timer may be older than Radix's: this comes before Radix sees the key.
    setTimeout(() => setTimeout(next));
  }
  function next(): void {
    moving = held.length > 0;
    if (!moving) return;
    held.shift()?.();
    start();
  }

  return (event) => {
    // What is handed on comes by again. Escape and what has a modifier are for the page, and move nothing.
    if (!event.isTrusted || event.key === "Escape" || event.ctrlKey || event.altKey || event.metaKey) return;
    if (!moving) return start();
    event.preventDefault();
    event.stopPropagation();
    const { nativeEvent, currentTarget } = event;
    held.push(() => {
      const { activeElement } = document;
      // The key before may have closed the menu.
      if (currentTarget.contains(activeElement))
        activeElement?.dispatchEvent(new KeyboardEvent("keydown", nativeEvent));
    });
  };
}
