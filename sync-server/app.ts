import { Hono } from "hono";
import type { PrincipalResolver } from "#server/access/principal-resolver.ts";
import { requireOperation, requireOwnOrigin, requirePrincipal } from "#server/http/api-guard.ts";
import { auditRequests } from "#server/http/audit-requests.ts";
import { accountRoutes } from "#server/http/account-routes.ts";
import type { AccountParts } from "#server/http/account-routes.ts";
import type { AppEnv } from "#server/http/app-env.ts";
import { bulkSyncRoutes } from "#server/http/bulk-sync.ts";
import { feedRoutes } from "#server/http/feed.ts";
import { healthRoutes } from "#server/http/health.ts";
import { jwksRoutes } from "#server/http/jwks.ts";
import { limitAccounts, limitAddresses } from "#server/http/limit-requests.ts";
import type { KindOf } from "#server/http/limit-requests.ts";
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
import type { Signing } from "#server/signing/open-signing.ts";
import { CommitError } from "#server/storage/database.ts";
import type { Database } from "#server/storage/database.ts";

export interface AppParts {
  database: Database;
  accounts: AccountParts;
  resolver: PrincipalResolver;
  publicUrl: URL | undefined;
  rooms: Pick<Rooms, "pull" | "push">;
  /** routes of `/api/conversations`, `/api/snapshots`, `/api/runs` and `/api/models`; each finds the caller in `c.var.principal` */
  conversations: Hono<AppEnv>;
  snapshots: Hono<AppEnv>;
  runs: Hono<AppEnv>;
  models: Hono<AppEnv>;
  signing: Pick<Signing, "keys">;
  staticFiles: StaticFiles;
  isDraining: () => boolean;
  log: Log;
  metrics: Metrics;
  /** the bearer token of whoever reads the metrics */
  metricsToken: string | undefined;
}

const NOT_FOUND_PAGE = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Not found – Holdfast</title>
<h1>There is nothing here</h1><p><a href="/">Open Holdfast</a></p></html>`;

/** What a request is counted as: what its operation says. Files of the app, health and metrics are not counted. */
const kindOf: KindOf = ({ var: { operation } }) =>
  operation?.limit === "none" ? undefined : operation && (operation.limit ?? "usual");

/**
 * The whole HTTP app, without a port. Everything below /api is an operation of the table, which says who may call it;
 * what is none is 404 whoever asks.
 */
export function createApp({ database, resolver, publicUrl, log, metrics, ...parts }: AppParts): Hono<AppEnv> {
  const { limiter } = parts.accounts;
  const app = new Hono<AppEnv>();
  app.use(measureRequests(metrics));
  app.use("/api/*", traceRequests);
  app.use(withSecurityHeaders(publicUrl));
  // Before the origin is looked at: it is the system that posts there.
  app.route("/", shareRoutes());
  app.use(requireOwnOrigin(publicUrl));
  app.use("/api/*", requireOperation);
  app.use("/api/*", limitAddresses(limiter, parts.accounts, kindOf));
  app.use("/api/*", auditRequests(parts.accounts));
  app.use("/api/*", requirePrincipal(resolver));
  app.use("/api/*", limitAccounts(limiter, kindOf));
  app.route("/api", accountRoutes(parts.accounts));
  app.route("/api/openapi.json", openapiRoutes());
  app.route("/api/sync/feed", feedRoutes(database));
  app.route("/api/sync", bulkSyncRoutes(parts.rooms));
  app.route("/api/conversations", parts.conversations);
  app.route("/api/snapshots", parts.snapshots);
  app.route("/api/runs", parts.runs);
  app.route("/api/models", parts.models);
  app.route("/", jwksRoutes(parts.signing));
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
