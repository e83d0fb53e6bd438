import { meSchema } from "#shared/protocol/http-bodies.ts";
import type { Me } from "#shared/protocol/http-bodies.ts";
import type { Platform } from "./platform.ts";

/** What the server said to who we are. */
export type AskedMe =
  | { type: "me"; me: Me }
  | { type: "nobody" }
  | { type: "failed"; failure: "unreachable" | "not-understood" };

/** Asks whose session the browser's cookie names. No network, and a proxy's page instead of JSON, are `unreachable`. */
export async function askMe(fetch: Platform["fetch"], signal: AbortSignal): Promise<AskedMe> {
  try {
    const response = await fetch("/api/me", { headers: { accept: "application/json" }, cache: "no-store", signal });
    if (response.status === 401) return { type: "nobody" };
    if (!response.ok) return { type: "failed", failure: "unreachable" };
    const parsed = meSchema.safeParse(await response.json());
    return parsed.success ? { type: "me", me: parsed.data } : { type: "failed", failure: "not-understood" };
  } catch {
    return { type: "failed", failure: "unreachable" };
  }
}
