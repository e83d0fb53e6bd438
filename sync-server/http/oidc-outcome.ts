import type { OidcFailure } from "#shared/protocol/oidc-bodies.ts";
import { appPath } from "./app-path.ts";

/** What a person came back from the provider with. */
export type OidcOutcome =
  | { type: "signed-in"; next: string; sharedDevice: boolean }
  /** the provider's account was added to theirs */
  | { type: "added"; next: string }
  | { type: "failed"; why: OidcFailure };

/** What better-auth keeps on its side while somebody is at the provider, and sends them to afterwards: pages of nobody. */
export const FAILED = "/failed";
export const addressOf = (type: "signed-in" | "added", { next = "/", sharedDevice = false }): string =>
  `/${type}?${new URLSearchParams({ next: appPath(next), device: sharedDevice ? "shared" : "own" }).toString()}`;

/** What better-auth, or the provider, calls a failure that is not simply one. */
const WHY: Readonly<Record<string, OidcFailure>> = {
  access_denied: "cancelled",
  account_not_linked: "email-taken",
  email_not_found: "email-missing",
  account_already_linked_to_different_user: "taken",
  state_mismatch: "expired",
  state_not_found: "expired",
  state_invalid: "expired",
  oauth_provider_not_found: "unavailable",
  temporarily_unavailable: "unavailable",
};

/** @param leadsTo where better-auth would send the browser */
export function outcomeOf(leadsTo: string | undefined): OidcOutcome {
  const { pathname, searchParams } = new URL(leadsTo ?? FAILED, "http://app.invalid");
  const error = searchParams.get("error");
  const next = appPath(searchParams.get("next") ?? undefined);
  if (error === null && pathname === "/signed-in")
    return { type: "signed-in", next, sharedDevice: searchParams.get("device") === "shared" };
  if (error === null && pathname === "/added") return { type: "added", next };
  return { type: "failed", why: (Object.hasOwn(WHY, error ?? "") && WHY[error ?? ""]) || "failed" };
}
