import { WORKSPACE_HEADER } from "#shared/protocol/account-header.ts";
import { meSchema } from "#shared/protocol/http-bodies.ts";
import type { Me } from "#shared/protocol/http-bodies.ts";
import type { Platform } from "./platform.ts";

/** What the server said to who we are. */
export type AskedMe =
  | { type: "me"; me: Me }
  | { type: "nobody" }
  /** somebody, who does not belong to that workspace */
  | { type: "not-a-member" }
  | { type: "failed"; failure: "unreachable" | "not-understood" };

/**
 * Asks whose session the browser's cookie names. No network, and a proxy's page instead of JSON, are `unreachable`.
 * @param workspaceId where they mean to be; their personal one where it is absent
 */
export async function askMe(fetch: Platform["fetch"], signal: AbortSignal, workspaceId?: string): Promise<AskedMe> {
  try {
    const headers = {
      accept: "application/json",
      ...(workspaceId !== undefined && { [WORKSPACE_HEADER]: workspaceId }),
    };
    const response = await fetch("/api/me", { headers, cache: "no-store", signal });
    if (response.status === 401) return { type: "nobody" };
    if (response.status === 404 && workspaceId !== undefined) return { type: "not-a-member" };
    if (!response.ok) return { type: "failed", failure: "unreachable" };
    const parsed = meSchema.safeParse(await response.json());
    return parsed.success ? { type: "me", me: parsed.data } : { type: "failed", failure: "not-understood" };
  } catch {
    return { type: "failed", failure: "unreachable" };
  }
}
