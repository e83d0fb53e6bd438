import { Worker } from "node:worker_threads";
import type { TokenCounter } from "./token-estimate.ts";

export interface CountRequest {
  number: number;
  text: string;
}

export interface CountAnswer {
  number: number;
  tokens: number;
}

/** Counts tokens off the event loop. */
export interface TokenThread {
  /** Never rejects: where the thread died, or could not be started, the length of the text has to do. */
  count: TokenCounter;
  close(): Promise<void>;
}

/** How long the thread, and 70 MB of tables with it, is kept for the next text. */
const KEPT_MS = 60_000;
/** About the length of a token of English. */
const TOKEN_LENGTH = 4;

const byLength = (text: string): number => Math.ceil(text.length / TOKEN_LENGTH);

/**
 * Starts the thread with the first text to be counted: most providers say themselves what an answer took. It keeps no
 * process alive.
 */
export function openTokenThread(onTrouble: (error: Error) => void, keptMs = KEPT_MS): TokenThread {
  let worker: Worker | undefined;
  let ending: NodeJS.Timeout | undefined;
  let lastNumber = 0;
  const waiting = new Map<number, { text: string; resolve: (tokens: number) => void }>();

  function start(): Worker {
    const started = startWorker();
    started.unref();
    started.on("message", ({ number, tokens }: CountAnswer) => settle(number, tokens));
    started.on("error", onTrouble);
    // `exit` follows every `error`.
    started.on("exit", () => {
      if (worker === started) lose();
    });
    return started;
  }

  function lose(): void {
    worker = undefined;
    for (const [number, { text }] of waiting) settle(number, byLength(text));
  }

  function settle(number: number, tokens: number): void {
    waiting.get(number)?.resolve(tokens);
    waiting.delete(number);
    clearTimeout(ending);
    if (waiting.size === 0) ending = setTimeout(() => void end(), keptMs).unref();
  }

  async function end(): Promise<void> {
    const last = worker;
    lose();
    clearTimeout(ending);
    await last?.terminate();
  }

  return {
    count(text) {
      clearTimeout(ending);
      lastNumber += 1;
      const request: CountRequest = { number: lastNumber, text };
      return new Promise((resolve) => {
        waiting.set(request.number, { text, resolve });
        try {
          worker ??= start();
          // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
          worker.postMessage(request);
        } catch (error) {
          onTrouble(error instanceof Error ? error : new Error("The thread could not be started", { cause: error }));
          settle(request.number, byLength(text));
        }
      });
    },
    close: end,
  };
}

/**
 * In the build the worker lies beside the entry. From source it is TypeScript, and a worker of Node 20
 * ignores `--import tsx`: the loader has to be registered from within.
 */
function startWorker(): Worker {
  if (!import.meta.url.endsWith(".ts")) return new Worker(new URL("./token-worker.js", import.meta.url));
  const source = JSON.stringify(new URL("./token-worker.ts", import.meta.url).href);
  return new Worker(`import("tsx/esm/api").then(({ register }) => { register(); return import(${source}); })`, {
    eval: true,
  });
}
