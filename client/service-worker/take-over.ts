import { worker } from "./scope.ts";

/**
 * Says when this worker takes over. The first one of a browser takes the page that brought it, so that this page is
 * there offline too. A later one waits until a person presses Update: pages of two builds at once would miss files.
 */
export function takeOverWhenAsked(): void {
  let first = false;
  worker.addEventListener("install", () => {
    first = worker.registration.active === null;
  });
  worker.addEventListener("activate", (event) => {
    if (first) event.waitUntil(worker.clients.claim());
  });
  worker.addEventListener("message", ({ data }: ExtendableMessageEvent) => {
    // The word that workbox-window says.
    if ((data as { type?: unknown } | null)?.type === "SKIP_WAITING") void worker.skipWaiting();
  });
}
