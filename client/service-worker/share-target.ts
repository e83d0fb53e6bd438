import { SHARE_PATH, sharedAddress } from "#shared/protocol/share-target.ts";
import { worker } from "./scope.ts";

/**
 * Answers what other apps share, so that it stays on this device: the text goes on in the fragment of the page's
 * address, which is in no request.
 */
export function takeShares(): void {
  worker.addEventListener("fetch", (event) => {
    const { request } = event;
    const url = new URL(request.url);
    if (request.method !== "POST" || url.origin !== worker.location.origin || url.pathname !== SHARE_PATH) return;
    event.respondWith(pageFor(request));
  });
}

async function pageFor(request: Request): Promise<Response> {
  const form = await request.formData().catch(() => new FormData());
  const field = (name: string): string => {
    const value = form.get(name);
    return typeof value === "string" ? value : "";
  };
  return Response.redirect(sharedAddress(field), 303);
}
