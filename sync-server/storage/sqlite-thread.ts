import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import type { StoreAnswer, StoreFailure, StoreRequest } from "./sqlite-messages.ts";
import type { StoreOptions } from "./sqlite-store.ts";

/** The thread that owns SQLite, seen from the event loop. */
export interface SqliteThread {
  /** Sends at once; answers come in the order of the calls. Never rejects. */
  ask(request: StoreRequest): Promise<StoreAnswer>;
  /** Changes when the thread dies: a transaction begun in an earlier one is gone. */
  generation(): number;
  close(): Promise<void>;
}

const gone = (message: string): StoreFailure => ({ kind: "unavailable", code: "THREAD_GONE", message });
const CLOSED: StoreFailure = { kind: "unavailable", code: "CLOSED", message: "The store is closed" };

/**
 * Starts the thread. If it dies, what was in flight is answered `unavailable` (it may or may not have been
 * written) and the next request starts a new one.
 */
export function openSqliteThread(options: StoreOptions): SqliteThread {
  let worker: Worker | undefined;
  let generation = 0;
  let closed = false;
  let waiting: ((answer: StoreAnswer) => void)[] = [];

  function start(): Worker {
    const started = startWorker(options);
    started.on("message", (answer: StoreAnswer) => waiting.shift()?.(answer));
    let reason = "The storage thread ended";
    started.on("error", (error) => (reason = `The storage thread ended: ${String(error)}`));
    // `exit` follows every `error`.
    started.on("exit", () => {
      if (worker === started) lose(closed ? CLOSED : gone(reason));
    });
    return started;
  }

  function lose(failure: StoreFailure): void {
    worker = undefined;
    generation += 1;
    const lost = waiting;
    waiting = [];
    for (const answer of lost) answer({ kind: "failed", failure });
  }

  function send(request: StoreRequest): Promise<StoreAnswer> {
    worker ??= start();
    const to = worker;
    return new Promise((resolve) => {
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
      to.postMessage(request);
      // Not before: what cannot be sent is not answered.
      waiting.push(resolve);
    });
  }

  return {
    ask: (request) => (closed ? Promise.resolve({ kind: "failed", failure: CLOSED }) : send(request)),
    generation: () => generation,
    async close() {
      if (closed) return;
      closed = true;
      const last = worker;
      if (!last) return;
      const ended = new Promise((resolve) => last.once("exit", resolve));
      await send({ kind: "close" });
      await ended;
    },
  };
}

/**
 * In the build the worker lies beside the entry. From source it is TypeScript, and a worker of Node 20 ignores `--import tsx`: the
 * loader has to be registered from within. The one for CommonJS starts in a third of the time, and each test with a database waits for it.
 */
function startWorker(workerData: StoreOptions): Worker {
  if (!import.meta.url.endsWith(".ts"))
    return new Worker(new URL("./sqlite-worker.js", import.meta.url), { workerData });
  const source = JSON.stringify(fileURLToPath(new URL("./sqlite-worker.ts", import.meta.url)));
  return new Worker(`require("tsx/cjs/api").register(); require(${source});`, { eval: true, workerData });
}
