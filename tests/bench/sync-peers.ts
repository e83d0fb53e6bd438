import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { createUuidV7 } from "#shared/lib/uuid.ts";
import { signInGuest } from "#tests/support/guest.ts";
import { openServerProcess } from "#tests/support/server-process.ts";
import { cpuMsOf, rssMbOf } from "./process-figures.ts";
import { hocuspocus, holdfast, yWebsocket } from "./sync-dialects.ts";
import type { Dialect } from "./sync-dialects.ts";

/** A sync server under test, as a process of its own. */
export interface BenchServer {
  port: number;
  dialect: Dialect;
  /** names a document that nobody used yet */
  newDocument(): string;
  /** a session for the n-th client; an account may open a limited number of sockets */
  cookie(client: number): string | undefined;
  /** CPU time used so far, in ms, all threads */
  cpuMs(): number;
  /** p99 of the event loop's delay since it was asked last, in ms; NaN where a server does not tell */
  loopDelayMs(): Promise<number>;
  /** resident memory in MB */
  rssMb(): number;
  kill(): Promise<void>;
  restart(): Promise<void>;
  close(): Promise<void>;
}

export interface Contestant {
  name: string;
  open(): Promise<BenchServer>;
}

/** The server looks at its event loop by a timer of so many ms, and counts them in. */
const SAMPLER_MS = 10;
const PEERS = fileURLToPath(new URL("./peers/", import.meta.url));
/** Sockets of one account stay well below the server's limit of 512. */
const CLIENTS_PER_ACCOUNT = 400;

const newId = (): string => createUuidV7(Date.now(), (length) => crypto.getRandomValues(new Uint8Array(length)));

async function openHoldfast(): Promise<BenchServer> {
  const server = await openServerProcess();
  const cookies: string[] = [];
  for (let at = 0; at < 6; at++) cookies.push((await signInGuest(server.url)).cookie);
  return {
    port: server.port,
    dialect: holdfast,
    newDocument: () => `conversation.${newId()}.0`,
    cookie: (client) => cookies[Math.floor(client / CLIENTS_PER_ACCOUNT)],
    cpuMs: () => cpuMsOf(server.pid()),
    async loopDelayMs() {
      const metrics = await (await fetch(`${server.url}/metrics`)).text();
      return Number(/^nodejs_eventloop_lag_p99_seconds (\S+)$/mu.exec(metrics)?.[1]) * 1000 - SAMPLER_MS;
    },
    rssMb: () => rssMbOf(server.pid()),
    kill: async () => void (await server.kill()),
    restart: () => server.restart(),
    close: () => server.close(),
  };
}

async function openPeer(script: string, dialect: Dialect, env: Record<string, string> = {}): Promise<BenchServer> {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-peer-"));
  const start = (port: number) =>
    spawn(process.execPath, [join(PEERS, script)], {
      env: {
        ...process.env,
        ...env,
        DATABASE: join(folder, "peer.sqlite"),
        // Without it y-websocket-server keeps documents in memory only.
        YPERSISTENCE: join(folder, "leveldb"),
        PORT: String(port),
        NODE_ENV: "production",
      },
      stdio: ["ignore", "pipe", "inherit"],
    });
  /** The port is a line of its own, among others that a peer may print. */
  const ready = async (): Promise<number> => {
    for await (const line of createInterface(child.stdout)) {
      if (!/^\d+$/u.test(line)) continue;
      child.stdout.resume();
      return Number(line);
    }
    throw new Error(`${script} ended before it listened`);
  };
  let child = start(0);
  const port = await ready();
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  };
  return {
    port,
    dialect,
    newDocument: newId,
    cookie: () => undefined,
    cpuMs: () => cpuMsOf(child.pid),
    loopDelayMs: async () => Number.NaN,
    rssMb: () => rssMbOf(child.pid),
    kill,
    async restart() {
      child = start(port);
      await ready();
    },
    async close() {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Ours first, then the peers that are installed in `tests/bench/peers`. */
export function contestants(): Contestant[] {
  const ours = { name: "Holdfast", open: openHoldfast };
  if (!existsSync(join(PEERS, "node_modules"))) return [ours];
  return [
    ours,
    { name: "Hocuspocus 4.7.0 + SQLite", open: () => openPeer("hocuspocus.mjs", hocuspocus) },
    {
      name: "Hocuspocus 4.7.0 + SQLite, debounce 0",
      open: () => openPeer("hocuspocus.mjs", hocuspocus, { DEBOUNCE_MS: "0" }),
    },
    { name: "@y/websocket-server 0.1.1 + LevelDB", open: () => openPeer("y-websocket.mjs", yWebsocket) },
  ];
}
