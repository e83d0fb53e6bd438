import { createSmallStorage } from "#client/platform/small-storage.ts";
import { linkPageOf } from "#shared/protocol/client-routes.ts";
import type { LinkPage } from "#shared/protocol/client-routes.ts";

/** A link that opened the app: what it leads to, and what stood behind its `#`. */
export interface PageLink {
  page: LinkPage;
  secret: string;
}

/** Of this tab alone, and taken away with everything else when somebody signs out. */
export const INVITE_KEY = "holdfast.invite";

/**
 * Takes the link that opened the page out of its address, before anything is asked of the server or shown: it must not
 * be kept in the history. An invitation is there again when the page is loaded again, until it is used or closed.
 */
export function takeLink(): PageLink | undefined {
  const kept = createSmallStorage(() => sessionStorage);
  const page = linkPageOf(location.pathname);
  if (page === undefined) {
    const invite = kept.read(INVITE_KEY);
    return invite ? { page: "join", secret: invite } : undefined;
  }
  const secret = location.hash.slice(1);
  history.replaceState(null, "", "/");
  if (page === "join") kept.write(INVITE_KEY, secret);
  return { page, secret };
}
