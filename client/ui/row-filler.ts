import { flushSync } from "react-dom";
import { whenIdle } from "./when-idle.ts";

/** Fills the places of a long chat with their rows, one after the other. */
export interface RowFiller {
  /**
   * Has a place filled when its turn comes; the answer takes it off the list, also once it is filled.
   * @param view the element that scrolls, the same for all places
   */
  add(place: Element, view: Element | null, fill: () => void): () => void;
}

/** How far from the view a place is filled at once, in heights of the view. */
const NEAR = "100%";

/**
 * Fills what comes near the view at once and the rest, from the end up, while the page rests: then the browser's
 * search, a screen reader and the scroll bar find all of it. Paper shows everything, so printing waits for nothing.
 */
export function createRowFiller(): RowFiller {
  const waiting = new Map<Element, () => void>();
  let watcher: IntersectionObserver | undefined;
  let cancelIdle: (() => void) | undefined;

  const fillAll = (): void =>
    flushSync(() => {
      for (const fill of waiting.values()) fill();
    });
  const onNear = (entries: IntersectionObserverEntry[]): void => {
    for (const { isIntersecting, target } of entries) if (isIntersecting) waiting.get(target)?.();
  };
  const fillLast = (): void => {
    cancelIdle = undefined;
    [...waiting.values()].at(-1)?.();
  };

  function start(view: Element | null): IntersectionObserver {
    addEventListener("beforeprint", fillAll);
    return new IntersectionObserver(onNear, { root: view, rootMargin: `${NEAR} 0px` });
  }

  function stop(): void {
    removeEventListener("beforeprint", fillAll);
    watcher?.disconnect();
    watcher = undefined;
    cancelIdle?.();
    cancelIdle = undefined;
  }

  return {
    add(place, view, fill) {
      waiting.set(place, fill);
      watcher ??= start(view);
      watcher.observe(place);
      cancelIdle ??= whenIdle(fillLast);
      return () => {
        waiting.delete(place);
        watcher?.unobserve(place);
        if (waiting.size === 0) stop();
        else cancelIdle ??= whenIdle(fillLast);
      };
    },
  };
}
