/**
 * Names the account for which a request is made. A page stays open for one account while the browser may be signed in as
 * another by now: what it sends must not become that one's.
 */
export const ACCOUNT_HEADER = "x-holdfast-account";

/** The same for a socket, whose headers a page cannot set: a parameter of its address. */
export const ACCOUNT_PARAMETER = "account";

/** Names the workspace a request acts in; their personal one where it is absent. One that is not theirs is `not_found`. */
export const WORKSPACE_HEADER = "x-holdfast-workspace";
export const WORKSPACE_PARAMETER = "workspace";
