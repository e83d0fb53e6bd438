/** How many changes of cookies wait at most before Chromium writes them to its disk. */
const CHANGES = 512;

/**
 * Has the browser write down the cookies it was given. Chromium keeps what is new in memory for 30 s, unless 512 changes
 * wait (`kCommitAfterBatchSize` in its `net/extras/sqlite/sqlite_persistent_cookie_store.cc`): a browser that is killed
 * meanwhile has forgotten who its newcomer is, and what they wrote would be nobody's. So many changes of a cookie that no
 * request carries take some milliseconds. To other browsers they are nothing special.
 */
export function writeCookies(page: Pick<Document, "cookie">): void {
  for (let change = 0; change < CHANGES; change++) page.cookie = `${COOKIE}=${change}; max-age=60; ${ATTRIBUTES}`;
  page.cookie = `${COOKIE}=; max-age=0; ${ATTRIBUTES}`;
}

const COOKIE = "holdfast-write";
/** Of an address that is never asked for. */
const ATTRIBUTES = "path=/nothing/is/here; samesite=strict";
