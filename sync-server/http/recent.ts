import type { Context } from "hono";
import type { AccountSessions } from "#server/accounts/sessions.ts";
import type { AppEnv } from "./app-env.ts";
import { problem } from "./problem.ts";

export interface RecentParts {
  sessions: Pick<AccountSessions, "isRecent">;
  /** ms since 1970 */
  now: () => number;
}

/**
 * The answer to whoever did not show who they are a moment ago.
 * @param graceMs for what was begun in time
 */
export async function refusalOfStale(
  c: Context<AppEnv>,
  { sessions, now }: RecentParts,
  graceMs = 0,
): Promise<Response | undefined> {
  return (await sessions.isRecent(c.var.principal, now(), graceMs)) ? undefined : problem("sign_in_again");
}
