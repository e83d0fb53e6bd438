/**
 * Names the account for which a request is made. A page stays open for one account while the browser may be signed in as
 * another by now: what it sends must not become that one's.
 */
export const ACCOUNT_HEADER = "x-holdfast-account";

/** The same for a socket, whose headers a page cannot set: a parameter of its address. */
export const ACCOUNT_PARAMETER = "account";
