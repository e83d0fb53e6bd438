import { setFlagsFromString } from "node:v8";
import { parseConfig } from "./config/config.ts";
import { createLog } from "./observability/log.ts";
import type { Log } from "./observability/log.ts";
import { openServer } from "./open-server.ts";
import type { RunningServer } from "./open-server.ts";
import { CommitError } from "./storage/database.ts";

// Left alone, the heap grows to several times of what it holds before it is collected, and keeps that room.
setFlagsFromString("--heap-growing-percent=40");
const config = parseConfig(process.env);
if (!config.ok) {
  process.stderr.write(`Holdfast cannot start:\n${config.failure.map((line) => `  - ${line}\n`).join("")}`);
  process.exit(1);
}
// What people wrote is for the server alone to read, also in a folder somebody else made.
process.umask(0o077);
let leaving = false;
const log = createLog(config.value.logLevel);

process.on("unhandledRejection", (error) => endUnlessExpected(log, error));
process.on("uncaughtException", (error) => endUnlessExpected(log, error));

const server = await openServer(config.value, log, (name) => process.env[name]).catch((error: unknown) => {
  log.fatal({ err: error }, "Holdfast cannot start");
  process.stderr.write(`Holdfast cannot start: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => void leave(server, signal));
log.info(
  { port: server.port },
  `Holdfast is at ${config.value.publicUrl?.origin ?? `http://localhost:${server.port}`}`,
);

/** The first signal lets people finish what is being written; a second one ends at once. */
async function leave(running: RunningServer, signal: string): Promise<void> {
  if (leaving) process.exit(1);
  leaving = true;
  log.info({ signal }, "Holdfast is closing");
  await running.close();
  log.info("Holdfast is closed");
  process.exit(0);
}

/**
 * A store that cannot write and a connection that broke are told to whoever waited for them. Anything else
 * nobody caught is a bug: what is acknowledged is durable, so a fresh process is safer than this one.
 */
function endUnlessExpected(to: Log, error: unknown): void {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (error instanceof CommitError || code === "ECONNRESET" || code === "EPIPE") {
    to.error({ err: error }, "a failure reached nobody");
    return;
  }
  to.fatal({ err: error }, "a bug ended the process");
  process.exit(1);
}
