import { Hono } from "hono";
import type { Auth } from "#server/access/auth.ts";
import type { PrincipalResolver } from "#server/access/principal-resolver.ts";
import { requireOwnOrigin, requirePrincipal, requireRoute } from "#server/http/api-guard.ts";
import type { AppEnv } from "#server/http/app-env.ts";
import { authRoutes } from "#server/http/auth-routes.ts";
import { bulkSyncRoutes } from "#server/http/bulk-sync.ts";
import { feedRoutes } from "#server/http/feed.ts";
import { healthRoutes } from "#server/http/health.ts";
import { meRoutes } from "#server/http/me.ts";
import { measureRequests, metricsRoutes } from "#server/http/metrics.ts";
import { openapiRoutes } from "#server/http/openapi.ts";
import { SOON, problem } from "#server/http/problem.ts";
import { withSecurityHeaders } from "#server/http/security-headers.ts";
import { shareRoutes } from "#server/http/share.ts";
import type { StaticFiles } from "#server/http/static-files.ts";
import { traceRequests } from "#server/http/trace-requests.ts";
import type { Log } from "#server/observability/log.ts";
import type { Metrics } from "#server/observability/metrics.ts";
import { RoomsCrowded } from "#server/rooms/rooms.ts";
import type { Rooms } from "#server/rooms/rooms.ts";
import { CommitError } from "#server/storage/database.ts";
import type { Database } from "#server/storage/database.ts";

export interface AppParts {
  database: Database;
  auth: Auth;
  resolver: PrincipalResolver;
  publicUrl: URL | undefined;
  rooms: Pick<Rooms, "pull" | "push">;
  /** routes of `/api/conversations`, `/api/runs` and `/api/models`; each finds the caller in `c.var.principal` */
  conversations: Hono<AppEnv>;
  runs: Hono<AppEnv>;
  models: Hono<AppEnv>;
  staticFiles: StaticFiles;
  isDraining: () => boolean;
  /** a session was signed out: what is open under it ends */
  onSignedOut?: (sessionId: string) => void;
  log: Log;
  metrics: Metrics;
  /** the bearer token of whoever reads the metrics */
  metricsToken: string | undefined;
}

const NOT_FOUND_PAGE = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Not found – Holdfast</title>
<h1>There is nothing here</h1><p><a href="/">Open Holdfast</a></p></html>`;

/**
 * The whole HTTP app, without a port. Everything below /api asks who is calling, but for signing in; what is
 * no route is 404 whoever asks.
 */
export function createApp({ database, auth, resolver, publicUrl, log, metrics, ...parts }: AppParts): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.use(measureRequests(metrics));
  app.use("/api/*", traceRequests);
  app.use(withSecurityHeaders(publicUrl));
  // Before the origin is looked at: it is the system that posts there.
  app.route("/", shareRoutes());
  app.use(requireOwnOrigin(publicUrl));
  app.use(
    "/api/*",
    requireRoute(() => app.routes),
  );
  app.route(
    "/api/auth",
    authRoutes(auth, resolver, (sessionId) => parts.onSignedOut?.(sessionId)),
  );
  app.route("/api/openapi.json", openapiRoutes());
  app.use("/api/*", requirePrincipal(resolver));
  app.route("/api/me", meRoutes(auth));
  app.route("/api/sync/feed", feedRoutes(database));
  app.route("/api/sync", bulkSyncRoutes(parts.rooms));
  app.route("/api/conversations", parts.conversations);
  app.route("/api/runs", parts.runs);
  app.route("/api/models", parts.models);
  app.route("/", healthRoutes(database, parts.isDraining));
  app.route("/", metricsRoutes(metrics, { token: parts.metricsToken, publicUrl }));

  app.notFound(async (c) => {
    const isApi = c.req.path.startsWith("/api/");
    const reads = c.req.method === "GET" || c.req.method === "HEAD";
    const file = reads && !isApi ? await parts.staticFiles.answer(c.req.path, c.req.raw.headers) : undefined;
    if (file) return file;
    if (!isApi && reads && c.req.header("accept")?.includes("text/html"))
      return c.html(NOT_FOUND_PAGE, 404, { "cache-control": "no-store" });
    return problem("not_found");
  });
  app.onError((error, c) => {
    if (error instanceof RoomsCrowded) return problem("overloaded", SOON);
    if (error instanceof CommitError) {
      log.error({ err: error, method: c.req.method }, "the store did not answer");
      return error.busy ? problem("storage_busy", SOON) : problem("storage_unavailable");
    }
    log.error({ err: error, method: c.req.method }, "a request failed");
    return problem("internal");
  });
  return app;
}
