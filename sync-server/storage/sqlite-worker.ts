import { parentPort, workerData } from "node:worker_threads";
import type { StoreAnswer, StoreRequest } from "./sqlite-messages.ts";
import { failureOf, openSqliteStore } from "./sqlite-store.ts";
import type { StoreOptions } from "./sqlite-store.ts";

// The thread that owns SQLite. It answers requests strictly in the order they came.

const options = workerData as StoreOptions;
const port = parentPort;
if (port === null) throw new Error("sqlite-worker runs as a worker thread only");

const store = openOrTell(() => openSqliteStore(options));
port.on("message", (request: StoreRequest) => {
  port.postMessage(store.answer(request));
  if (request.kind === "close") port.close();
});

/** A file that cannot be opened answers every request with the reason, so that nobody waits for nothing. */
function openOrTell(open: () => ReturnType<typeof openSqliteStore>): { answer(request: StoreRequest): StoreAnswer } {
  try {
    return open();
  } catch (error) {
    const failure = { ...failureOf(error), kind: "unavailable" as const };
    return { answer: (request) => (request.kind === "close" ? { kind: "closed" } : { kind: "failed", failure }) };
  }
}
