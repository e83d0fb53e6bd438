import { useEffect, useState } from "react";
import type { Clock } from "#client/platform/platform.ts";

/** The time in ms since 1970, read again every second while `ticking`. */
export function useNow(clock: Clock, ticking: boolean): number {
  const [now, setNow] = useState(() => clock.now());
  useEffect(() => {
    if (!ticking) return;
    let cancel = clock.after(1000, tick);
    function tick(): void {
      setNow(clock.now());
      cancel = clock.after(1000, tick);
    }
    return () => cancel();
  }, [clock, ticking]);
  return now;
}
