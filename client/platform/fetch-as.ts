import { ACCOUNT_HEADER, WORKSPACE_HEADER } from "#shared/protocol/account-header.ts";
import type { Platform } from "./platform.ts";

/** In whose name something is asked, and where. */
export interface Asker {
  accountId: string;
  workspaceId: string;
}

/**
 * `fetch` in the name of an account, in one of its workspaces: the server refuses it (401) where the browser is signed in
 * as another by now, and finds nothing (404) in a workspace that is not theirs any more.
 */
export const fetchAs =
  (fetch: Platform["fetch"], { accountId, workspaceId }: Asker): Platform["fetch"] =>
  (input, init = {}) => {
    const headers = new Headers(init.headers);
    headers.set(ACCOUNT_HEADER, accountId);
    headers.set(WORKSPACE_HEADER, workspaceId);
    return fetch(input, { ...init, headers });
  };
