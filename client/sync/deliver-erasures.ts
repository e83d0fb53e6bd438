import type { ErasureParts } from "./erasures.ts";

/**
 * Delivers what a person wants erased, until the signal ends. Hardly anybody waits for that when a page opens: its code
 * is loaded when somebody does.
 */
export function deliverErasures(parts: ErasureParts, signal: AbortSignal): void {
  const { library, platform } = parts;
  let opening: Promise<void> | undefined;

  const look = (): void => {
    if (opening !== undefined || !library.entries().some(({ erasing }) => erasing)) return;
    opening = import("./erasures.ts").then(
      ({ openErasures }) => openErasures(parts, signal),
      // Offline, say: the next change of the library, or of the network, tries again.
      () => void (opening = undefined),
    );
  };
  const stops = [library.subscribe(look), platform.connectivity.onWake(look)];
  signal.addEventListener("abort", () => stops.forEach((stop) => stop()), { once: true });
}
