import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const BUILT_SERVER = fileURLToPath(new URL("../../dist/server/main.js", import.meta.url));
const START_TIMEOUT_MS = 30_000;

export interface ServerOptions {
  /** laid over a clean environment: no provider, a free port of this machine */
  env?: Readonly<Record<string, string>>;
  /** a fresh temporary directory by default, removed by `close` */
  dataDir?: string;
  /** the server of another build, see `built-copy.ts` */
  main?: string;
}

export type ServerProcess = Awaited<ReturnType<typeof openServerProcess>>;

interface Launch {
  child: ChildProcess;
  exited: Promise<void>;
  port: Promise<number>;
}

/** Every server started here and not ended yet. A run that is cut short must leave none behind. */
const running = new Set<ChildProcess>();
let watchingExit = false;

function killAll(): void {
  for (const child of running) child.kill("SIGKILL");
}

function killAtExit(): void {
  if (watchingExit) return;
  watchingExit = true;
  process.once("exit", killAll);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => {
      killAll();
      process.kill(process.pid, signal);
    });
  }
}

/**
 * Runs the built server as `npm start` does, on a free port with a data directory of its own. It can be
 * killed with any signal and started again on the same data and the same port, which is what a crash and a
 * deploy look like from outside.
 */
export async function openServerProcess(options: ServerOptions = {}) {
  const main = options.main ?? BUILT_SERVER;
  if (!existsSync(main)) throw new Error("dist/server/main.js is missing: run `npm run build` first");
  killAtExit();
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), "holdfast-")));
  let output = "";
  const collect = (text: string): void => void (output += text);
  // What many tests do at once from one address is no attack; those about limits turn them on.
  let launch = start(main, { LIMITS: "off", ...options.env, DATA_DIR: dataDir }, collect);
  const port = await ready(launch, () => output);

  async function kill(signal: NodeJS.Signals = "SIGKILL"): Promise<number | null> {
    launch.child.kill(signal);
    await launch.exited;
    return launch.child.exitCode;
  }

  return {
    url: `http://localhost:${port}`,
    port,
    dataDir,
    /** everything it wrote to stdout and stderr, over all its starts */
    output: () => output,
    pid: () => launch.child.pid,
    /** whether the process is alive */
    alive: () => running.has(launch.child),
    /** the exit code of a process that has ended; `null` when a signal ended it */
    exitCode: () => launch.child.exitCode,
    /** Resolves when the process has ended, however it ended. */
    exited: () => launch.exited,
    /** Sends a signal and waits for the end; answers the exit code, `null` when the signal ended it. */
    kill,
    /** Sends a signal and does not wait; SIGSTOP and SIGCONT among them. */
    signal: (signal: NodeJS.Signals) => launch.child.kill(signal),
    /** Starts again on the same data and port. The process must have ended. `env` is laid over the first one. */
    async restart(env: Readonly<Record<string, string>> = {}): Promise<void> {
      await launch.exited;
      launch = start(main, { LIMITS: "off", ...options.env, ...env, DATA_DIR: dataDir, PORT: String(port) }, collect);
      await ready(launch, () => output);
    },
    /** Kills it and removes a temporary data directory. */
    async close(): Promise<void> {
      await kill();
      if (options.dataDir === undefined) await rm(dataDir, { recursive: true, force: true });
    },
  };
}

function start(main: string, env: Readonly<Record<string, string>>, collect: (text: string) => void): Launch {
  const child = spawn(process.execPath, [main], {
    env: { ...cleanEnvironment(), PORT: "0", LOG_LEVEL: "info", LOCAL_ENDPOINTS: "off", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.add(child);
  const exited = once(child, "close").then(() => void running.delete(child));
  child.stderr.setEncoding("utf8").on("data", collect);
  const port = new Promise<number>((resolve) => {
    let line = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      collect(text);
      const lines = (line + text).split("\n");
      line = lines.pop() ?? "";
      for (const whole of lines) {
        const found = portIn(whole);
        if (found !== undefined) resolve(found);
      }
    });
  });
  return { child, exited, port };
}

/** Nothing of the developer's own configuration may reach a test. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const { PATH, HOME, TMPDIR, LANG, TZ } = process.env;
  return { PATH, HOME, TMPDIR, LANG, TZ };
}

/** The port a line of the server's JSON log names once it listens. */
function portIn(line: string): number | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    const { port } = JSON.parse(line) as { port?: unknown };
    return typeof port === "number" ? port : undefined;
  } catch {
    return undefined; // a line cut off by a kill
  }
}

async function ready({ child, exited, port }: Launch, output: () => string): Promise<number> {
  const late = new AbortController();
  const timeout = new Promise<"late">((resolve) => {
    const timer = setTimeout(() => resolve("late"), START_TIMEOUT_MS);
    late.signal.addEventListener("abort", () => clearTimeout(timer));
  });
  const first = await Promise.race([port, exited.then(() => "exited" as const), timeout]);
  late.abort();
  if (typeof first === "number") return first;
  child.kill("SIGKILL");
  throw new Error(`the server did not start (${first}):\n${output()}`);
}
