import { useEffect, useState } from "react";
import type { Clock } from "#client/platform/platform.ts";

/** The time in ms since 1970, read again every second while `ticking`. */
export function useNow(clock: Clock, ticking: boolean): number {
  const [now, setNow] = useState(() => clock.now());
  useEffect(() => {
    if (!ticking) return;
    return clock.after(1000, () => setNow(clock.now()));
    // oxlint-disable-next-line react/exhaustive-effect-dependencies -- each tick sets the next
  }, [clock, ticking, now]);
  return now;
}
