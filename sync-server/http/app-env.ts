import type { HttpBindings } from "@hono/node-server";
import type { AuditAction } from "#shared/domain/audit.ts";
import type { AccountId, WorkspaceId } from "#shared/domain/ids.ts";
import type { AccountPrincipal } from "#server/access/principal.ts";
import type { LimitOutcome } from "#server/limits/limiter.ts";
import type { Operation } from "./operation.ts";

/** What handlers find in their context. `principal` is set on every operation that is not for anybody. */
export interface AppEnv {
  /** the raw Node request and response; absent in tests that call `app.request()` */
  Bindings: Partial<HttpBindings>;
  Variables: {
    principal: AccountPrincipal;
    /** whose account a request was about, where nobody was signed in */
    subject?: AccountId;
    /** what came of a request whose answer does not tell: a page is sent to another one in any case */
    outcome?: { refused: string } | { done: AuditAction } | { nothing: true };
    /** the workspace that a request turned out to be about */
    workspaceId?: WorkspaceId;
    /** what a request below /api asks for */
    operation?: Operation;
    /** the tightest limit this request was counted against; its headers go out with the answer */
    limit?: LimitOutcome;
  };
}
