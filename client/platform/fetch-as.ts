import { ACCOUNT_HEADER } from "#shared/protocol/account-header.ts";
import type { Platform } from "./platform.ts";

/** `fetch` in the name of an account: the server refuses it (401) where the browser is signed in as another by now. */
export const fetchAs =
  (fetch: Platform["fetch"], accountId: string): Platform["fetch"] =>
  (input, init = {}) => {
    const headers = new Headers(init.headers);
    headers.set(ACCOUNT_HEADER, accountId);
    return fetch(input, { ...init, headers });
  };
