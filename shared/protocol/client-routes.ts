/**
 * The pages of the client. One HTML shell answers them all, from the server and, with no network, from what the
 * service worker keeps; every other path belongs to the server. A new page of the client is added here.
 */
const CLIENT_ROUTES = [/^\/$/, /^\/c\/[0-9a-f-]{36}$/, /^\/trash$/];

/** Whether a path (without query) is a page of the client. */
export const isClientRoute = (path: string): boolean => CLIENT_ROUTES.some((route) => route.test(path));
