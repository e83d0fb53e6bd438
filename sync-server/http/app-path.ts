import { isClientRoute } from "#shared/protocol/client-routes.ts";

const NOWHERE = "http://app.invalid";

/**
 * A page of the app, to send a browser to. What is none is the first page: whoever makes a link decides what is asked for
 * here, and must not decide where somebody lands who has just signed in.
 */
export function appPath(wanted: string | undefined): string {
  if (wanted === undefined || !URL.canParse(wanted, NOWHERE)) return "/";
  // Read as browsers do, and sent as it was read.
  const { origin, pathname, search, hash } = new URL(wanted, NOWHERE);
  return origin === NOWHERE && isClientRoute(pathname) ? pathname + search + hash : "/";
}
