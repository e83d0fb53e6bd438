import { createMiddleware } from "hono/factory";
import type { PrincipalResolver } from "#server/access/principal-resolver.ts";
import { ACCOUNT_HEADER } from "#shared/protocol/account-header.ts";
import type { AppEnv } from "./app-env.ts";
import { isOwnOrigin, isSafeMethod } from "./origin.ts";
import { problem } from "./problem.ts";

/** Refuses whatever could change something and does not come from the app itself. */
export const requireOwnOrigin = (publicUrl: URL | undefined) =>
  createMiddleware<AppEnv>(async (c, next) => {
    if (isSafeMethod(c.req.method) || isOwnOrigin(c.req.raw.headers, publicUrl)) return next();
    return problem("foreign_origin");
  });

/** Lets only signed-in callers through, and none who takes themselves for another account; names them in `c.var.principal`. */
export const requirePrincipal = (resolver: PrincipalResolver) =>
  createMiddleware<AppEnv>(async (c, next) => {
    const principal = await resolver.resolve(c.req.raw.headers);
    const meant = c.req.header(ACCOUNT_HEADER);
    if (!principal || (meant !== undefined && meant !== principal.accountId)) return problem("unauthenticated");
    c.set("principal", principal);
    return next();
  });

/** A route as Hono lists it: middleware has the method `ALL`. */
interface Route {
  method: string;
  path: string;
}

/**
 * Answers 404 for an address that is no route and 405 for a method it does not have, before anybody is asked
 * who they are.
 * @param routes called once, at the first request, when all routes are known
 */
export const requireRoute = (routes: () => readonly Route[]) => {
  let known: { pattern: RegExp; method: string }[] | undefined;
  return createMiddleware<AppEnv>(async (c, next) => {
    known ??= routes()
      .filter(({ method }) => method !== "ALL")
      .map(({ method, path }) => ({ method, pattern: new RegExp(`^${path.replace(/:[^/]+/g, "[^/]+")}$`) }));
    const methods = new Set(known.filter(({ pattern }) => pattern.test(c.req.path)).map(({ method }) => method));
    if (methods.size === 0) return problem("not_found");
    if (methods.has("GET")) methods.add("HEAD");
    if (methods.has(c.req.method)) return next();
    return problem("method_not_allowed", { headers: { allow: [...methods].join(", ") } });
  });
};
