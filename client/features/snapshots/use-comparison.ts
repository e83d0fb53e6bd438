import { startTransition, useEffect, useState } from "react";
import { inSlices } from "#client/platform/slices.ts";
import type { FrozenContent } from "#shared/domain/frozen-content.ts";
import { startComparing } from "./compare-state.ts";
import type { Comparison } from "./compare-state.ts";

/** Compares two contents beside whatever else the page does, and shows what is known so far. */
export function useComparison(left: FrozenContent, right: FrozenContent): Comparison {
  const [comparing, setComparing] = useState(() => ({ left, right, ...startComparing(left, right) }));
  const [known, setKnown] = useState({ of: comparing, comparison: comparing.now() });
  if (comparing.left !== left || comparing.right !== right)
    setComparing({ left, right, ...startComparing(left, right) });
  useEffect(() => {
    const abort = new AbortController();
    // Begun anew each time: steps that were taken by a render that React threw away are gone.
    const { steps, now } = startComparing(comparing.left, comparing.right);
    void inSlices(steps, {
      signal: abort.signal,
      onSlice: () => startTransition(() => setKnown({ of: comparing, comparison: now() })),
    });
    return () => abort.abort();
  }, [comparing]);
  return known.of === comparing ? known.comparison : comparing.now();
}
