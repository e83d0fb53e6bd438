import { useEffect, useRef } from "react";

/** Names the page, and gives its heading the focus when it opens, but not while a person types what to search for. */
export function usePageOpened(title: string) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = title;
  }, [title]);
  useEffect(() => {
    if (!document.activeElement?.matches("input[type=search]")) heading.current?.focus();
  }, []);
  return heading;
}
