import { addRoute, cleanupOutdatedCaches, createHandlerBoundToURL, precache } from "workbox-precaching";
import type { PrecacheEntry } from "workbox-precaching";
import { registerRoute } from "workbox-routing";
import { isClientRoute } from "#shared/protocol/client-routes.ts";

/**
 * Keeps the files of this build, all of them before the worker is used, and opens the client's pages from them. Nothing
 * else is ever answered from a cache or put into one: whatever is no file of the build and no page of the client goes
 * to the server as if there were no worker.
 */
export function serveShell(files: (PrecacheEntry | string)[]): void {
  cleanupOutdatedCaches();
  precache(files);
  // By their whole address only: guessing `/index.html` for `/` would answer more than navigations.
  addRoute({ cleanURLs: false, directoryIndex: "", ignoreURLParametersMatching: [] });
  registerRoute(
    ({ request, url, sameOrigin }) => sameOrigin && request.mode === "navigate" && isClientRoute(url.pathname),
    createHandlerBoundToURL("/index.html"),
  );
}
