import type { BrowserContext } from "@playwright/test";
import { DELIVER_TAG } from "#client/platform/background-delivery.ts";

/** Tells the browser that there is a network, as far as the service worker of an address is concerned. */
export async function syncInBackground(context: BrowserContext, url: string): Promise<void> {
  const blank = await context.newPage();
  const devtools = await context.newCDPSession(blank);
  const found = new Promise<string>((resolve) => {
    devtools.on("ServiceWorker.workerRegistrationUpdated", ({ registrations }) => {
      const own = registrations.find(({ scopeURL }) => scopeURL.startsWith(url));
      if (own) resolve(own.registrationId);
    });
  });
  await devtools.send("ServiceWorker.enable");
  await devtools.send("ServiceWorker.dispatchSyncEvent", {
    origin: url,
    registrationId: await found,
    tag: DELIVER_TAG,
    lastChance: false,
  });
  await blank.close();
}
