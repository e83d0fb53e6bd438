import { parentPort } from "node:worker_threads";
import { countTokens } from "./token-estimate.ts";
import type { CountRequest, CountAnswer } from "./token-thread.ts";

// The thread that counts tokens: the tables it loads are gone with it.

const port = parentPort;
if (port === null) throw new Error("token-worker runs as a worker thread only");

async function answer({ number, text }: CountRequest): Promise<CountAnswer> {
  return { number, tokens: await countTokens(text) };
}

port.on("message", (request: CountRequest) => void answer(request).then((counted) => port.postMessage(counted)));
