/**
 * What a link leads to that somebody was sent, or was sent back by. What stands behind its `#` is for the page alone: it
 * is in no request.
 */
const LINK_PAGE = /^\/(?:account\/(verify|reset|failed)|(join))$/;
export type LinkPage = "verify" | "reset" | "failed" | "join";

export function linkPageOf(path: string): LinkPage | undefined {
  const [, page, join] = LINK_PAGE.exec(path) ?? [];
  return (page ?? join) as LinkPage | undefined;
}

/**
 * The pages of the client. One HTML shell answers them all, from the server and, with no network, from what the
 * service worker keeps; every other path belongs to the server. A new page of the client is added here.
 */
const CLIENT_ROUTES = [
  /^\/$/,
  /^\/c\/[0-9a-f-]{36}$/,
  /^\/snapshots\/[0-9a-f-]{36}$/,
  /^\/compare\/[0-9a-f-]{36}\/(?:[0-9a-f-]{36}|live)$/,
  /^\/trash$/,
  /^\/verify$/,
  LINK_PAGE,
];

/** Whether a path (without query) is a page of the client. */
export const isClientRoute = (path: string): boolean => CLIENT_ROUTES.some((route) => route.test(path));
