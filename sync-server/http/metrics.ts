import { timingSafeEqual } from "node:crypto";
import { getConnInfo } from "@hono/node-server/conninfo";
import { Hono } from "hono";
import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import type { Meters } from "#server/observability/meters.ts";
import type { Metrics } from "#server/observability/metrics.ts";
import type { AppEnv } from "./app-env.ts";
import { problem } from "./problem.ts";
import { methodOf, routeOf } from "./request-labels.ts";

/** Who may read the metrics: whoever knows the token, or without one this machine, unless people come by a proxy. */
export interface MetricsAccess {
  token: string | undefined;
  publicUrl: URL | undefined;
}

/** `GET /metrics` for Prometheus. Whoever may not read them finds nothing there. */
export const metricsRoutes = (metrics: Metrics, access: MetricsAccess): Hono<AppEnv> =>
  new Hono<AppEnv>().get("/metrics", async (c) => {
    if (access.token !== undefined && !knows(c.req.header("authorization"), access.token))
      return problem("unauthenticated", { headers: { "www-authenticate": "Bearer" } });
    if (access.token === undefined && !isFromHere(c, access.publicUrl)) return problem("not_found");
    const { contentType, body } = await metrics.text();
    return c.body(body, 200, { "content-type": contentType, "cache-control": "no-store" });
  });

function knows(header: string | undefined, token: string): boolean {
  const given = Buffer.from(header ?? "");
  const wanted = Buffer.from(`Bearer ${token}`);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

const LOOPBACK = new Set(["127.0.0.1", "::1", "::ffff:127.0.0.1"]);
/** A page elsewhere whose name was pointed at this machine also calls from here, but by its own name. */
const OWN_NAME = /^(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/iu;
const FORWARDED = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];

/** A proxy on this machine also calls from here; it is known by its headers, and by the address it was set up for. */
function isFromHere(c: Context<AppEnv>, publicUrl: URL | undefined): boolean {
  if (publicUrl !== undefined || FORWARDED.some((name) => c.req.header(name) !== undefined)) return false;
  if (!OWN_NAME.test(c.req.header("host") ?? "")) return false;
  return LOOPBACK.has(getConnInfo(c).remote.address ?? "");
}

/** Measures each request under its route, so that ids in addresses make no series of their own. */
export const measureRequests = (meters: Meters) =>
  createMiddleware<AppEnv>(async (c, next) => {
    const startedAt = performance.now();
    await next();
    meters.answered(methodOf(c), routeOf(c), c.res.status, performance.now() - startedAt);
  });
