import { readFileSync } from "node:fs";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { getHeapStatistics } from "node:v8";
import { RECEIPT_TYPE } from "#shared/provenance/receipt.ts";
import { createApp } from "./app.ts";
import type { AccountPrincipal } from "./access/principal.ts";
import { readOrCreateSecret } from "./access/secret.ts";
import { createPolicyBus } from "./bus/policy-bus.ts";
import type { Config } from "./config/config.ts";
import { openAssetArchive } from "./http/asset-archive.ts";
import { auditSockets } from "./http/audit-requests.ts";
import { conversationRoutes } from "./http/conversations.ts";
import { createHttpServer } from "./http/http-server.ts";
import { admitUpgrade } from "./http/limit-requests.ts";
import { modelRoutes } from "./http/models.ts";
import { isOwnOrigin } from "./http/origin.ts";
import { runRoutes } from "./http/runs.ts";
import { snapshotFileRoutes } from "./http/snapshot-file.ts";
import { snapshotRoutes } from "./http/snapshots.ts";
import { openStaticFiles } from "./http/static-files.ts";
import { openErasure } from "./jobs/erasure.ts";
import { createInProcessLimiter } from "./limits/in-process-limiter.ts";
import { UNLIMITED } from "./limits/limiter.ts";
import type { Log } from "./observability/log.ts";
import { createMetrics } from "./observability/metrics.ts";
import { openTracing } from "./observability/tracing.ts";
import { openAccounts } from "./open-accounts.ts";
import { roomBudget } from "./rooms/memory-budget-state.ts";
import { openRooms } from "./rooms/open-rooms.ts";
import { attachSyncSocket } from "./rooms/sync-socket.ts";
import { sleep, systemClock } from "./runs/clock.ts";
import { parseProvidersFile } from "./runs/provider-config.ts";
import type { ConfiguredProvider } from "./runs/provider-config.ts";
import type { Providers } from "./runs/provider.ts";
import { openProviders } from "./runs/providers.ts";
import { openRunService } from "./runs/run-service.ts";
import { createRunTimers } from "./runs/run-timers.ts";
import { openSnapshotService } from "./snapshots/snapshot-service.ts";
import { openTokenThread } from "./runs/token-thread.ts";
import { openSigning } from "./signing/open-signing.ts";
import { SIGNING_SECRET_FILE } from "./signing/stored-key.ts";
import { openDatabase } from "./storage/open-database.ts";

/** How long connections may take to say what they still have to say before they are cut. */
const GOODBYE_MS = 500;

export interface RunningServer {
  port: number;
  /** Takes no new runs, lets running ones finish, tells everybody to come back, and closes what was opened. */
  close(): Promise<void>;
}

/**
 * Opens the parts from the bottom up and listens. Rejects with an `Error` for people to read.
 * @param environment answers a variable that the providers file names as the holder of a key
 */
export async function openServer(
  config: Config,
  log: Log,
  environment: (name: string) => string | undefined,
): Promise<RunningServer> {
  const { dataDir, publicUrl } = config;
  const clock = systemClock;
  const random = Math.random;
  const configured = readProvidersFile(config.providersFile, environment);
  const metrics = createMetrics();
  const tracing =
    config.otlpEndpoint && (await openTracing(config.otlpEndpoint, (why) => log.warn({ why }, "tracing")));
  const database = await openDatabase({
    file: join(dataDir, "holdfast.sqlite"),
    exclusive: true,
    onCommitted: metrics.committed,
  });
  const rooms = openRooms({
    database,
    clock,
    random,
    log,
    meters: metrics,
    memoryBytes: roomBudget(getHeapStatistics().heap_size_limit),
  });
  const providers = openConfiguredProviders(config, log, configured);
  const tokens = openTokenThread((error) => log.error({ err: error }, "the tokens of an answer could not be counted"));
  const signing = await openSigning({
    database,
    secret: readOrCreateSecret(join(dataDir, SIGNING_SECRET_FILE)),
    issuer: publicUrl?.origin ?? "",
    now: clock.now,
    log,
  });
  const runs = openRunService({
    database,
    rooms,
    providers,
    clock,
    random,
    log,
    meters: metrics,
    timers: createRunTimers(config.runTimeouts),
    countTokens: tokens.count,
    signReceipt: (claims) => signing.sign(RECEIPT_TYPE, claims),
  });
  const bus = createPolicyBus();
  const limiter = config.limits ? createInProcessLimiter() : UNLIMITED;
  const accounts = await openAccounts({ config, database, bus, rooms, runs, limiter, log });
  const { resolver, rights } = accounts;
  const resolvePrincipal = async (headers: Headers): Promise<AccountPrincipal | undefined> => {
    const resolved = await resolver.resolve(headers);
    return resolved.ok ? resolved.value : undefined;
  };
  await runs.recover();
  const erasure = openErasure({ database, rooms, clock, log });
  const snapshots = openSnapshotService({ database, rooms, clock, random });

  const clientFolder = pathBeside("../dist/client/", "../client/");
  const earlier = await openAssetArchive({
    assets: join(clientFolder, "assets"),
    folder: join(dataDir, "client-assets"),
    now: clock.now,
    log,
  });

  let draining = false;
  const app = createApp({
    database,
    accounts: accounts.parts,
    resolver,
    publicUrl,
    rooms,
    conversations: conversationRoutes(erasure),
    snapshots: snapshotRoutes({ snapshots, erasure }).route("/", snapshotFileRoutes({ snapshots, signing })),
    runs: runRoutes({ runs, resolvePrincipal, rights }),
    models: modelRoutes({ providers }),
    signing,
    staticFiles: await openStaticFiles(clientFolder, { serviceWorker: config.serviceWorker, earlier }),
    isDraining: () => draining,
    log,
    metrics,
    metricsToken: config.metricsToken,
  });
  const server = createHttpServer(app.fetch);
  const sockets = new AbortController();
  const syncSockets = attachSyncSocket(server, {
    rooms,
    resolvePrincipal,
    rights,
    admitUpgrade: (request, principal) => admitUpgrade(limiter, request, config, principal),
    allowsOrigin: (headers) => isOwnOrigin(headers, publicUrl),
    onRefused: auditSockets(accounts.parts),
    log,
    meters: metrics,
    signal: sockets.signal,
  });
  metrics.watch({
    rooms: rooms.count,
    queuedCommits: database.queued,
    roomBytes: rooms.heapBytes,
    sockets: syncSockets.count,
    bufferedBytes: syncSockets.bufferedBytes,
    runs: runs.states,
    followers: runs.followers,
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(config.port, config.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      draining = true;
      await runs.drain(config.drainTimeoutMs);
      await erasure.close();
      await rooms.close();
      sockets.abort();
      await closeConnections(server);
      await runs.close();
      await providers.close();
      await tokens.close();
      await accounts.close();
      await database.close();
      await tracing?.close();
    },
  };
}

/** A folder of the project, seen from the source and from the build in `dist/server`. */
const pathBeside = (fromSource: string, fromBuild: string): string =>
  fileURLToPath(new URL(import.meta.url.endsWith(".ts") ? fromSource : fromBuild, import.meta.url));

/** Lets answers that are under way end, for a moment, then cuts what is left. */
async function closeConnections(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
  server.closeIdleConnections();
  const enough = new AbortController();
  await Promise.race([closed.then(() => enough.abort()), sleep(systemClock, GOODBYE_MS, enough.signal)]);
  server.closeAllConnections();
}

function readProvidersFile(
  file: string | undefined,
  environment: (name: string) => string | undefined,
): ConfiguredProvider[] {
  if (file === undefined) return [];
  const configured = parseProvidersFile(readText("PROVIDERS_FILE", file), environment);
  if (!configured.ok) throw new Error(configured.failure);
  return configured.value;
}

/** The text of a file that a variable names; throws words for people that name the variable. */
function readText(variable: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unreadable";
    throw new Error(`${variable} names ${file}, which cannot be read (${code})`, { cause: error });
  }
}

function openConfiguredProviders(
  { openai, localEndpoints, runTimeouts }: Config,
  log: Log,
  configured: readonly ConfiguredProvider[],
): Providers {
  const local =
    localEndpoints === "usual"
      ? undefined
      : localEndpoints.map((baseUrl, index) => ({ id: `local-${index + 1}`, name: new URL(baseUrl).host, baseUrl }));
  const helpFolder = pathBeside("../docs/help/", "../../docs/help/");
  const { connectMs } = runTimeouts;
  return openProviders({ openai, configured, helpFolder, connectMs, ...(local && { local }) }, log);
}
