import type { OpenConversation } from "./documents.ts";

/** Resolves once this device's copy was read, or could not be. */
export function whenLoaded(open: OpenConversation): Promise<void> {
  return new Promise((resolve) => {
    const look = (): boolean => open.status().type !== "loading";
    if (look()) return resolve();
    const stop = open.subscribe(() => {
      if (!look()) return;
      stop();
      resolve();
    });
  });
}
