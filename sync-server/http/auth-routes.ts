import { Hono } from "hono";
import * as z from "zod/mini";
import type { Auth } from "#server/access/auth.ts";
import type { PrincipalResolver } from "#server/access/principal-resolver.ts";
import type { AppEnv } from "./app-env.ts";
import { readBody } from "./body.ts";
import { problem } from "./problem.ts";

const nothing = z.strictObject({});

/**
 * Signing in as a guest and signing out. Answers 204 with cookies; who one is says `GET /api/me`.
 * @param onSignedOut told which session ended, so that what is still open under it ends too
 */
export function authRoutes(
  auth: Auth,
  resolver: PrincipalResolver,
  onSignedOut: (sessionId: string) => void,
): Hono<AppEnv> {
  async function answer(request: Request): Promise<Response> {
    const { headers, url } = request;
    const forwarded = new Headers({ "content-type": "application/json" });
    for (const name of ["cookie", "host", "origin", "user-agent"]) {
      const value = headers.get(name);
      if (value !== null) forwarded.set(name, value);
    }
    const { ok, cookies } = await auth.handle(new Request(url, { method: "POST", headers: forwarded, body: "{}" }));
    // What was known of the old session must not outlive it, nor hide the new one.
    resolver.forget(headers);
    if (!ok) return problem("unauthenticated");
    const response = new Response(null, { status: 204 });
    for (const cookie of cookies) response.headers.append("set-cookie", cookie);
    return response;
  }
  return new Hono<AppEnv>()
    .post("/sign-in/anonymous", async (c) => {
      const refused = await refusalOfBody(c.req.raw);
      if (refused) return refused;
      // A guest who signs in again stays who they are: a second account would hide the first one's chats.
      if (await resolver.resolve(c.req.raw.headers)) return c.body(null, 204);
      return answer(c.req.raw);
    })
    .post("/sign-out", async (c) => {
      const refused = await refusalOfBody(c.req.raw);
      if (refused) return refused;
      const principal = await resolver.resolve(c.req.raw.headers);
      const answered = await answer(c.req.raw);
      if (answered.status === 204 && principal) onSignedOut(principal.sessionId);
      return answered;
    });
}

/** A body may be left out; one that is sent is an empty object. */
async function refusalOfBody(request: Request): Promise<Response | undefined> {
  const { headers } = request;
  if (!headers.has("content-type") && Number(headers.get("content-length") ?? 0) === 0) return undefined;
  const body = await readBody(request, nothing);
  return body.ok ? undefined : body.failure;
}
