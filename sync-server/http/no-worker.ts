/**
 * The worker that takes the installed app back (`SERVICE_WORKER=off`): it takes the place of whichever worker a browser
 * has, deletes what that one cached, and leaves; then each page is loaded once more, from the server. What people
 * wrote is in IndexedDB, which it does not touch.
 */
export const NO_WORKER_SCRIPT = `self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(leave()));
async function leave() {
  for (const name of await caches.keys()) await caches.delete(name);
  await self.registration.unregister();
  for (const page of await self.clients.matchAll({ type: "window" })) await page.navigate(page.url).catch(() => undefined);
}
`;

/** Tells the page not to register a worker. */
export const NO_WORKER_MARK = '<meta name="service-worker" content="off" />';
