import { createMiddleware } from "hono/factory";
import { authorize, isAboutNothing, mayAttempt } from "#server/access/authorize.ts";
import type { Action } from "#server/access/authorize.ts";
import type { AccountPrincipal } from "#server/access/principal.ts";
import type { PrincipalResolver } from "#server/access/principal-resolver.ts";
import type { ProblemCode } from "#shared/protocol/problem.ts";
import type { AppEnv } from "./app-env.ts";
import { findOperation } from "./find-operation.ts";
import { isOwnOrigin, isSafeMethod } from "./origin.ts";
import { problem } from "./problem.ts";

/** Refuses whatever could change something and does not come from the app itself. */
export const requireOwnOrigin = (publicUrl: URL | undefined) =>
  createMiddleware<AppEnv>(async (c, next) => {
    if (isSafeMethod(c.req.method) || isOwnOrigin(c.req.raw.headers, publicUrl)) return next();
    return problem("foreign_origin");
  });

/**
 * Names the operation in `c.var.operation`. Answers 404 for an address that has none and 405 for a method it does not
 * have, before anybody is asked who they are: a route that no row tells who may call it answers nobody.
 */
export const requireOperation = createMiddleware<AppEnv>(async (c, next) => {
  const asked = findOperation(c.req.method, c.req.path);
  switch (asked.type) {
    case "nothing":
      return problem("not_found");
    case "method":
      return problem("method_not_allowed", { headers: { allow: asked.allow.join(", ") } });
    case "operation":
      c.set("operation", asked.operation);
      return next();
  }
});

/**
 * Lets only those through who may attempt the operation: signed in, in a workspace of theirs, with a credential that is
 * good for it; names them in `c.var.principal`. What the operation is done to is looked at by whoever does it.
 */
export const requirePrincipal = (resolver: PrincipalResolver) =>
  createMiddleware<AppEnv>(async (c, next) => {
    const action = c.var.operation?.action;
    if (action === "anybody") return next();
    const resolved = await resolver.resolve(c.req.raw.headers);
    if (!resolved.ok) return problem(resolved.failure);
    const principal = resolved.value;
    c.set("principal", principal);
    const refusal = action === undefined ? "not_found" : refusalOf(principal, action);
    return refusal === undefined ? next() : problem(refusal);
  });

function refusalOf(principal: AccountPrincipal, action: Action): ProblemCode | undefined {
  if (!mayAttempt(principal, action)) return "scope_missing";
  if (!isAboutNothing(action) || authorize(principal, action, "none")) return undefined;
  return principal.kind === "guest" ? "account_needed" : "not_found";
}
