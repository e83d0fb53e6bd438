import type { HttpBindings } from "@hono/node-server";
import type { AccountPrincipal } from "#server/access/principal.ts";

/** What handlers find in their context. `principal` is set on every route below /api but /api/auth. */
export interface AppEnv {
  /** the raw Node request and response; absent in tests that call `app.request()` */
  Bindings: Partial<HttpBindings>;
  Variables: { principal: AccountPrincipal };
}
