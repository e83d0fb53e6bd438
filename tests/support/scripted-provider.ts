import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { answer } from "./provider-behaviour.ts";
import type { AnswerBehaviour, Behaviour, RefusalBehaviour } from "./provider-behaviour.ts";
import { openGate } from "./provider-gate.ts";
import type { Gate } from "./provider-gate.ts";
import { planAnswer } from "./provider-wire.ts";
import type { Piece } from "./provider-wire.ts";
import { createAnnouncement, deferred, wait } from "./waiting.ts";

/** How a request ended: answered whole, left by the client, or cut by the script. */
export type Outcome = "answered" | "aborted" | "cut";

/** One `POST /v1/chat/completions` as the provider saw it. */
export interface RecordedRequest {
  readonly index: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** the parsed JSON body */
  readonly body: ChatRequest;
  /** ms since 1970 */
  readonly receivedAt: number;
  /** bytes of the answer's body handed to the socket */
  bytesSent: number;
  /** what the bytes sent so far amount to, by channel */
  text: string;
  reasoning: string;
  /** `undefined` while the answer is under way */
  outcome: Outcome | undefined;
  /** Settles with the outcome. */
  readonly closed: Promise<Outcome>;
}

export interface ChatRequest {
  model: string;
  stream?: boolean;
  stream_options?: { include_usage?: boolean };
  messages: { role: string; content: unknown }[];
  [parameter: string]: unknown;
}

export type Script = Behaviour | ((request: RecordedRequest) => Behaviour);

export interface ScriptedProviderOptions {
  /** what an unscripted request gets; a short answer by default */
  otherwise?: Script;
  /** ids answered by `GET /v1/models` */
  models?: readonly string[];
  port?: number;
}

export type ScriptedProvider = Awaited<ReturnType<typeof openScriptedProvider>>;

interface Exchange {
  request: RecordedRequest;
  response: ServerResponse;
  gate: Gate;
  /** ends with the connection */
  left: AbortSignal;
  settle(outcome: Outcome): void;
}

/**
 * An OpenAI-compatible HTTP server on this machine whose every byte and pause is scripted: the behaviours
 * of `script(…)` are used up one per request, then `otherwise` answers. It records each request, so that a
 * test can say "one call", "aborted" and exactly which text was sent.
 */
export async function openScriptedProvider(options: ScriptedProviderOptions = {}) {
  const queue: Script[] = [];
  const exchanges: Exchange[] = [];
  const arrivals = createAnnouncement();
  let otherwise = options.otherwise ?? answer("This is a scripted answer.");
  const models = options.models ?? ["scripted-1"];
  let modelRequests = 0;

  const server = createServer((incoming, response) => {
    void route(incoming, response).catch((error: unknown) => response.destroy(error as Error));
  });
  server.keepAliveTimeout = 1000;
  server.listen(options.port ?? 0, "127.0.0.1");
  await once(server, "listening");
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;

  async function route(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = new URL(incoming.url ?? "/", baseUrl).pathname;
    if (incoming.method === "GET" && path === "/v1/models") {
      modelRequests += 1;
      return sendJson(response, 200, { object: "list", data: models.map((id) => ({ id, object: "model" })) });
    }
    if (incoming.method !== "POST" || path !== "/v1/chat/completions")
      return sendJson(response, 404, {
        error: { message: "no such route", type: "invalid_request_error", code: null },
      });
    const body = await readJson(incoming);
    const exchange = record(incoming, response, body);
    const next = queue.shift() ?? otherwise;
    arrivals.announce();
    await perform(typeof next === "function" ? next(exchange.request) : next, exchange);
  }

  function record(incoming: IncomingMessage, response: ServerResponse, body: ChatRequest): Exchange {
    const left = new AbortController();
    const closed = deferred<Outcome>();
    const request: RecordedRequest = {
      index: exchanges.length,
      headers: incoming.headers,
      body,
      receivedAt: Date.now(),
      bytesSent: 0,
      text: "",
      reasoning: "",
      outcome: undefined,
      closed: closed.promise,
    };
    const settle = (outcome: Outcome): void => {
      request.outcome ??= outcome;
      closed.resolve(request.outcome);
    };
    response.on("finish", () => settle("answered"));
    response.on("close", () => {
      settle("aborted");
      left.abort();
    });
    response.on("error", () => settle("aborted"));
    const exchange = { request, response, gate: openGate(left.signal), left: left.signal, settle };
    exchanges.push(exchange);
    return exchange;
  }

  const arrived = (count: number): Promise<void> => arrivals.until(() => exchanges.length >= count);

  return {
    /** what to hand to a client as its base URL; ends in `/v1` */
    baseUrl,
    /** every chat request so far, in order of arrival */
    get requests(): readonly RecordedRequest[] {
      return exchanges.map(({ request }) => request);
    },
    /** how often the list of models was read */
    get modelRequests(): number {
      return modelRequests;
    },
    /** Queues behaviours, one per request to come. */
    script: (...behaviours: Script[]): void => void queue.push(...behaviours),
    /** Replaces what unscripted requests get. */
    scriptOtherwise: (behaviour: Script): void => void (otherwise = behaviour),
    /** The text that has gone out in answer to a request; the first by default. */
    sentText: (index = 0): string => exchanges[index]?.request.text ?? "",
    /** Resolves with the request of this index once it has arrived. */
    async request(index: number): Promise<RecordedRequest> {
      await arrived(index + 1);
      return exchanges[index]!.request;
    },
    /**
     * Lets a gated answer go on by `steps` (a token each, then one for finish, usage and `[DONE]`) and
     * resolves when they were written or the answer is over. Waits for the request if it is yet to come.
     * @param index which request; the latest by default
     */
    async release(steps: number, index?: number): Promise<void> {
      await arrived((index ?? 0) + 1);
      await exchanges[index ?? exchanges.length - 1]!.gate.release(steps);
    },
    /** Stops listening and drops every connection. */
    close: () => closeServer(server),
  };
}

async function perform(behaviour: Behaviour, exchange: Exchange): Promise<void> {
  const { response, left } = exchange;
  switch (behaviour.kind) {
    case "answer":
      return exchange.request.body.stream === true
        ? streamAnswer(behaviour, exchange)
        : sendWholeAnswer(behaviour, exchange);
    case "refusal":
      return refuse(behaviour, response);
    case "hang":
      return;
    case "cut-before-headers":
      return cut(exchange);
    case "headers-only":
      openStream(response, {});
      return keepCommenting(response, behaviour.commentEveryMs, left);
    case "plain":
      response.writeHead(behaviour.status, { "content-type": behaviour.contentType });
      response.end(behaviour.body);
      return;
  }
}

function openStream(response: ServerResponse, headers: Readonly<Record<string, string>>): void {
  response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8", ...headers });
  response.flushHeaders();
  response.socket?.setNoDelay(true);
}

async function streamAnswer(behaviour: AnswerBehaviour, exchange: Exchange): Promise<void> {
  const { request, response, left } = exchange;
  if (behaviour.headersAfterMs > 0) await wait(behaviour.headersAfterMs, left);
  if (left.aborted) return;
  openStream(response, behaviour.headers);
  const includeUsage = request.body.stream_options?.include_usage === true;
  const plan = planAnswer(behaviour, { model: request.body.model, includeUsage, index: request.index });
  const marks = [...plan.marks];
  const startedAt = performance.now();
  let steps = 0;
  for (const piece of plan.pieces) {
    if (piece.gated) steps += 1;
    await turn(behaviour, piece, startedAt, steps, exchange);
    if (left.aborted) return;
    const flowing = response.write(piece.bytes);
    request.bytesSent += piece.bytes.length;
    while (marks[0] !== undefined && marks[0].offset <= request.bytesSent) {
      const mark = marks.shift()!;
      request[mark.channel] += mark.text;
    }
    if (piece.gated) exchange.gate.passed();
    if (!flowing) await drained(response, left);
  }
  exchange.gate.open();
  switch (plan.followUp.type) {
    case "end":
      response.end();
      return;
    case "cut":
      return cut(exchange);
    case "stall":
      return keepCommenting(response, plan.followUp.commentEveryMs, left);
  }
}

/** Waits until this piece is due. */
async function turn(
  { pace }: AnswerBehaviour,
  piece: Piece,
  startedAt: number,
  steps: number,
  { gate, left }: Exchange,
): Promise<void> {
  if (!piece.gated || pace === "flood") return;
  if (pace === "gated") return gate.pass();
  const early = startedAt + steps * pace.everyMs - performance.now();
  if (early > 0) await wait(early, left);
}

/** Destroys the socket after the bytes written so far went out. */
async function cut(exchange: Exchange): Promise<void> {
  await nextTurn();
  exchange.settle("cut");
  exchange.response.socket?.destroySoon();
}

/** Node gathers the writes of one turn of the event loop and hands them to the socket at its end. */
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function drained(response: ServerResponse, left: AbortSignal): Promise<void> {
  const { promise, resolve } = deferred();
  const stop = (): void => resolve();
  response.once("drain", stop);
  left.addEventListener("abort", stop, { once: true });
  return promise.finally(() => left.removeEventListener("abort", stop));
}

async function keepCommenting(response: ServerResponse, everyMs: number | undefined, left: AbortSignal): Promise<void> {
  if (everyMs === undefined) return;
  while (!left.aborted) {
    response.write(": keep-alive\n\n");
    await wait(everyMs, left);
  }
}

function refuse(behaviour: RefusalBehaviour, response: ServerResponse): void {
  response.writeHead(behaviour.status, { "content-type": "application/json", ...behaviour.headers });
  response.end(behaviour.error === undefined ? undefined : JSON.stringify({ error: behaviour.error }));
}

function sendWholeAnswer(behaviour: AnswerBehaviour, { request, response }: Exchange): void {
  request.text = behaviour.tokens.join("");
  sendJson(response, 200, {
    id: `chatcmpl-scripted-${request.index}`,
    object: "chat.completion",
    model: behaviour.model ?? request.body.model,
    choices: [{ index: 0, message: { role: "assistant", content: request.text }, finish_reason: behaviour.finish }],
  });
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

async function readJson(incoming: IncomingMessage): Promise<ChatRequest> {
  const parts: Buffer[] = [];
  for await (const part of incoming) parts.push(part as Buffer);
  return JSON.parse(Buffer.concat(parts).toString("utf8")) as ChatRequest;
}

async function closeServer(server: Server): Promise<void> {
  const closed = once(server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
}

/** A base URL on this machine where nothing listens: connecting is refused. */
export async function closedBaseUrl(): Promise<string> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await closeServer(server);
  return `http://127.0.0.1:${port}/v1`;
}
