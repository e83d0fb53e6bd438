import type { Broadcast } from "./platform.ts";

/** The channel between this origin's tabs that share a name; closed when the signal ends. */
export function openBrowserBroadcast(name: string, signal: AbortSignal): Broadcast {
  const channel = new BroadcastChannel(name);
  signal.addEventListener("abort", () => channel.close(), { once: true });
  if (signal.aborted) channel.close();
  return {
    post(message) {
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a BroadcastChannel has no target
      if (!signal.aborted) channel.postMessage(message);
    },
    onMessage(callback) {
      const listener = (event: MessageEvent<unknown>): void => callback(event.data);
      channel.addEventListener("message", listener);
      return () => channel.removeEventListener("message", listener);
    },
  };
}
