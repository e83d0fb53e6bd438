import { useCallback, useLayoutEffect, useRef, useState } from "react";
import { START_FOLLOWING, nextFollow } from "./scroll-state.ts";

/**
 * Keeps a scrolling element at its end while the reader is there by intent.
 * @param shown whether the element is there; each time it appears, following begins anew
 * @returns refs for the scroller and its content, whether the reader went elsewhere, and the way back
 */
export function useFollowScroll(shown: boolean) {
  const scroller = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const follow = useRef(START_FOLLOWING);
  const [away, setAway] = useState(false);

  const toEnd = useCallback(() => {
    const element = scroller.current;
    follow.current = { ...follow.current, following: true };
    setAway(false);
    if (element) element.scrollTop = element.scrollHeight;
  }, []);

  // Before the first paint: a chat opens at its end, and is never seen at its beginning first.
  useLayoutEffect(() => {
    const element = scroller.current;
    const inner = content.current;
    if (!shown || !element || !inner) return;
    follow.current = START_FOLLOWING;
    const onScroll = (): void => {
      const { scrollTop: top, scrollHeight: height, clientHeight: view } = element;
      follow.current = nextFollow(follow.current, { top, height, view });
      setAway(!follow.current.following);
    };
    // The wheel says what the reader wants before anything moved, so a stream can not pull the view back down.
    const onWheel = (event: WheelEvent): void => {
      if (event.deltaY < 0 && element.scrollHeight > element.clientHeight) {
        follow.current = { ...follow.current, following: false };
      }
    };
    const watcher = new ResizeObserver(() => {
      if (follow.current.following) element.scrollTop = element.scrollHeight;
    });
    watcher.observe(inner);
    watcher.observe(element);
    element.addEventListener("scroll", onScroll, { passive: true });
    element.addEventListener("wheel", onWheel, { passive: true });
    return () => {
      watcher.disconnect();
      element.removeEventListener("scroll", onScroll);
      element.removeEventListener("wheel", onWheel);
    };
  }, [shown]);
  return { scroller, content, away, toEnd };
}
