import { useEffect, useRef } from "react";

/** Asks for more rows when the end of a list comes near. */
export function MoreRows({ onSeen }: { onSeen: () => void }) {
  const mark = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const watcher = new IntersectionObserver((seen) => seen.some((one) => one.isIntersecting) && onSeen(), {
      rootMargin: "600px",
    });
    if (mark.current) watcher.observe(mark.current);
    return () => watcher.disconnect();
  });
  return <div ref={mark} className="library-more" />;
}
