import type { Clock } from "#client/platform/platform.ts";
import type { ServerKeysParts } from "./server-keys.ts";
import type { Verifier } from "./verifier.ts";

/** ms after the start when the code is loaded that nobody asked for: the keys have to be here when the network is not */
const LOAD_AFTER_MS = 4_000;

/** What verifies, whose code no first paint waits for. */
export function openLateVerifier(parts: ServerKeysParts & { clock: Clock }, signal: AbortSignal) {
  let opened: Promise<Verifier> | undefined;
  const open = async (): Promise<Verifier> => (await import("./open-verifier.ts")).openVerifier(parts);
  const verifier = (): Promise<Verifier> => {
    opened ??= open();
    // Code that did not arrive is asked for again the next time.
    opened.catch(() => (opened = undefined));
    return opened;
  };
  const stop = parts.clock.after(LOAD_AFTER_MS, () => void verifier().catch(() => undefined));
  signal.addEventListener("abort", stop, { once: true });
  return verifier;
}
