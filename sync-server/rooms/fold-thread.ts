import { Worker } from "node:worker_threads";
import type { Result } from "#shared/lib/result.ts";
import type { FoldFailure } from "./compaction.ts";

export interface FoldRequest {
  number: number;
  log: readonly Uint8Array[];
  /** what the state is for: to take the log's place, or to be sent to somebody who has this much of it */
  purpose: FoldPurpose;
}

export type FoldPurpose = { type: "compaction" } | { type: "reader"; stateVector: Uint8Array | undefined };

export interface FoldAnswer {
  number: number;
  folded: Result<Uint8Array, FoldFailure>;
}

/** Folds logs off the event loop. */
export interface FoldThread {
  /** As `foldLog`. Rejects where the thread died or was closed; the log is left as it is then. */
  fold(log: readonly Uint8Array[]): Promise<Result<Uint8Array, FoldFailure>>;
  /** As `foldSince`. */
  foldSince(log: readonly Uint8Array[], stateVector: Uint8Array | undefined): Promise<Result<Uint8Array, FoldFailure>>;
  close(): Promise<void>;
}

interface Waiting {
  resolve: (folded: Result<Uint8Array, FoldFailure>) => void;
  reject: (error: Error) => void;
}

/** Starts the thread with the first log to be folded, and again after it died. It keeps no process alive. */
export function openFoldThread(): FoldThread {
  let worker: Worker | undefined;
  let closed = false;
  let lastNumber = 0;
  const waiting = new Map<number, Waiting>();

  function start(): Worker {
    const started = startWorker();
    started.unref();
    started.on("message", ({ number, folded }: FoldAnswer) => {
      waiting.get(number)?.resolve(folded);
      waiting.delete(number);
    });
    let reason = "The folding thread ended";
    started.on("error", (error) => (reason = `The folding thread ended: ${String(error)}`));
    // `exit` follows every `error`.
    started.on("exit", () => {
      worker = undefined;
      for (const { reject } of waiting.values()) reject(new Error(reason));
      waiting.clear();
    });
    return started;
  }

  function ask(log: readonly Uint8Array[], purpose: FoldPurpose): Promise<Result<Uint8Array, FoldFailure>> {
    if (closed) return Promise.reject(new Error("The folding thread is closed"));
    worker ??= start();
    const to = worker;
    lastNumber += 1;
    const request: FoldRequest = { number: lastNumber, log, purpose };
    return new Promise((resolve, reject) => {
      waiting.set(request.number, { resolve, reject });
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
      to.postMessage(request);
    });
  }

  return {
    fold: (log) => ask(log, { type: "compaction" }),
    foldSince: (log, stateVector) => ask(log, { type: "reader", stateVector }),
    async close() {
      closed = true;
      await worker?.terminate();
    },
  };
}

/**
 * In the build the worker lies beside the entry. From source it is TypeScript: see `storage/sqlite-thread.ts`. Here it takes
 * the loader of modules, since a package that it needs is nothing else.
 */
function startWorker(): Worker {
  if (!import.meta.url.endsWith(".ts")) return new Worker(new URL("./fold-worker.js", import.meta.url));
  const source = JSON.stringify(new URL("./fold-worker.ts", import.meta.url).href);
  const loading = `import("tsx/esm/api").then(({ register }) => { register(); return import(${source}); });`;
  return new Worker(loading, { eval: true });
}
