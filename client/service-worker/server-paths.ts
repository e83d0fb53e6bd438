import { worker } from "./scope.ts";

/** What is the server's alone. Whatever else is no page of the client is not answered either; these do not even ask. */
const SERVER_PATHS = ["/api/*", "/sync", "/sync/*", "/s/*", "/.well-known/*", "/healthz", "/readyz", "/metrics"];

/** The part of https://w3c.github.io/ServiceWorker/#register-router-method that is used here. */
interface RoutedInstall extends ExtendableEvent {
  addRoutes?(rules: { condition: { urlPattern: { pathname: string } }; source: "network" }[]): Promise<void>;
}

/**
 * Lets requests of the server's own paths pass the worker by, where the browser can be told so (Chromium): a sleeping
 * worker would have to be woken for each, only to say nothing.
 */
export function passServerPathsBy(): void {
  worker.addEventListener("install", (event: RoutedInstall) => {
    const rules = SERVER_PATHS.map((pathname) => ({
      condition: { urlPattern: { pathname } },
      source: "network" as const,
    }));
    // A browser that does not take them asks the worker, as others do.
    const added = event.addRoutes?.(rules).catch(() => undefined);
    if (added) event.waitUntil(added);
  });
}
