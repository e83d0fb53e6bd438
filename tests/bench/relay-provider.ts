import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tokenAt } from "./relay-text.ts";

// A provider that costs little: it shares the machine with what is measured. The model's name says what it writes:
// `t200e20` is 200 tokens, one each 20 ms; `t200e0` is 200 tokens as fast as they are taken. Each token is a write of
// its own, in a chunk as OpenAI sends it. Prints its base URL; answers on `/unfinished` how many answers are not whole.

const EVENT =
  '{"id":"chatcmpl-CgYk2W8f3nVqLrT5xZb7uHs9dPm1a","object":"chat.completion.chunk","created":1764340000,' +
  '"model":"gpt-4o-mini-2024-07-18","service_tier":"default","system_fingerprint":"fp_560af6e559",';
const dataOf = (rest: string): string => `data: ${EVENT}${rest}}\n\n`;
const deltaOf = (delta: object, finish: string | null = null): string =>
  dataOf(
    `"choices":[{"index":0,"delta":${JSON.stringify(delta)},"logprobs":null,"finish_reason":${JSON.stringify(finish)}}],"usage":null`,
  );
const endOf = (tokens: number): string =>
  deltaOf({}, "stop") +
  dataOf(`"choices":[],"usage":{"prompt_tokens":11,"completion_tokens":${tokens},"total_tokens":${tokens + 11}}`) +
  "data: [DONE]\n\n";

let unfinished = 0;

/** Writes what is due, then waits for the next token or for room. */
function write(response: ServerResponse, tokens: number, everyMs: number): void {
  const startedAt = performance.now();
  let written = 0;
  const goOn = (): void => {
    if (response.destroyed) return;
    const due = everyMs === 0 ? tokens : Math.min(tokens, Math.floor((performance.now() - startedAt) / everyMs));
    let takes = true;
    while (takes && written < due) takes = response.write(deltaOf({ content: tokenAt(written++) }));
    if (written === tokens) return void response.end(endOf(tokens));
    if (!takes) return void response.once("drain", goOn);
    setTimeout(goOn, Math.max(0, startedAt + (written + 1) * everyMs - performance.now()));
  };
  goOn();
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  if (request.method !== "POST") {
    response.statusCode = request.url === "/unfinished" ? 200 : 404;
    return void response.end(String(unfinished));
  }
  const parts: Buffer[] = [];
  request.on("data", (part: Buffer) => void parts.push(part));
  request.on("end", () => {
    const { model } = JSON.parse(Buffer.concat(parts).toString("utf8")) as { model: string };
    const [tokens = 0, everyMs = 0] = (/^t(\d+)e(\d+)$/u.exec(model) ?? []).slice(1).map(Number);
    unfinished += 1;
    response.on("finish", () => (unfinished -= 1));
    response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
    response.socket?.setNoDelay(true);
    response.write(deltaOf({ role: "assistant", content: "", refusal: null }));
    write(response, tokens, everyMs);
  });
}

const server = createServer(answer);
server.listen(0, "127.0.0.1", 4096, () => {
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v1\n`);
});
