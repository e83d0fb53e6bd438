import { parentPort } from "node:worker_threads";
import { foldLog, foldSince } from "./compaction.ts";
import type { FoldAnswer, FoldRequest } from "./fold-thread.ts";

// The thread that folds logs, one after the other: a long log takes longer than sockets may wait.

const port = parentPort;
if (port === null) throw new Error("fold-worker runs as a worker thread only");

port.on("message", ({ number, log, purpose }: FoldRequest) => {
  const folded = purpose.type === "compaction" ? foldLog(log) : foldSince(log, purpose.stateVector);
  const answer: FoldAnswer = { number, folded };
  port.postMessage(answer, folded.ok && isWhole(folded.value) ? [folded.value.buffer] : []);
});

const isWhole = (bytes: Uint8Array): bytes is Uint8Array<ArrayBuffer> =>
  bytes.byteLength === bytes.buffer.byteLength && bytes.buffer instanceof ArrayBuffer;
