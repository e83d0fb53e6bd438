import { Hono } from "hono";
import type { Audit } from "#server/access/audit.ts";
import type { Refusals } from "#server/access/refusals.ts";
import type { AccessTokens } from "#server/accounts/tokens.ts";
import type { Database } from "#server/storage/database.ts";
import type { AppEnv } from "./app-env.ts";
import { auditRoutes, workspaceAuditRoutes } from "./audit.ts";
import { authRoutes } from "./auth-routes.ts";
import type { AuthRouteParts } from "./auth-routes.ts";
import { meRoutes } from "./me.ts";
import { credentialRoutes, sessionRoutes } from "./own-account.ts";
import type { OwnAccountParts } from "./own-account.ts";
import { ownOidcRoutes } from "./oidc.ts";
import type { OwnOidcParts } from "./oidc.ts";
import { passkeyRoutes } from "./passkeys.ts";
import type { PasskeyRouteParts } from "./passkeys.ts";
import { tokenRoutes } from "./tokens.ts";
import { inviteRoutes, workspaceRoutes } from "./workspaces.ts";
import type { WorkspaceRouteParts } from "./workspaces.ts";

export interface AccountParts
  extends AuthRouteParts, OwnAccountParts, OwnOidcParts, PasskeyRouteParts, WorkspaceRouteParts {
  auth: AuthRouteParts["auth"];
  sessions: AuthRouteParts["sessions"];
  credentials: PasskeyRouteParts["credentials"];
  tokens: AccessTokens;
  audit: Audit;
  refusals: Refusals;
  database: Database;
}

/** Everything about accounts, sessions, workspaces and tokens. Mounted at `/api`. */
export const accountRoutes = (parts: AccountParts): Hono<AppEnv> =>
  new Hono<AppEnv>()
    .route("/auth", authRoutes(parts))
    .route("/account", credentialRoutes(parts))
    .route("/account/oidc", ownOidcRoutes(parts))
    .route("/passkeys", passkeyRoutes(parts))
    .route("/me", meRoutes(parts))
    .route("/sessions", sessionRoutes(parts))
    .route("/tokens", tokenRoutes(parts.tokens))
    .route("/workspaces", workspaceRoutes(parts))
    .route("/workspaces", workspaceAuditRoutes(parts.database))
    .route("/invites", inviteRoutes(parts.invites))
    .route("/audit", auditRoutes(parts.database));
