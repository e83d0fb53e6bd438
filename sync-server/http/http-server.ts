import { STATUS_CODES, createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { getRequestListener } from "@hono/node-server";
import { PROBLEM_STATUS } from "#shared/protocol/problem.ts";
import type { ProblemCode } from "#shared/protocol/problem.ts";
import { problem, problemText } from "./problem.ts";

/**
 * An HTTP server that answers a problem also where a request never reaches the app: for what is no HTTP, an
 * impossible address or host, headers over Node's limits, and a request that takes too long to arrive.
 */
export function createHttpServer(fetch: Parameters<typeof getRequestListener>[0]): Server {
  const listener = getRequestListener(fetch, { errorHandler: () => problem("malformed_request") });
  // Without this, Node itself refuses a missing host, with an empty answer.
  const server = createServer({ requireHostHeader: false }, (request, response) => void listener(request, response));
  const answering = new WeakMap<Duplex, number>();
  const count = (socket: Duplex, by: 1 | -1): void => void answering.set(socket, (answering.get(socket) ?? 0) + by);

  server.on("request", ({ socket }: IncomingMessage, response: ServerResponse) => {
    count(socket, 1);
    response.once("close", () => count(socket, -1));
  });
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Duplex) => {
    // Bytes between those of an answer under way would corrupt it.
    const isFree = (answering.get(socket) ?? 0) === 0;
    if (!socket.writable || !isFree || error.code === "ECONNRESET") return void socket.destroy();
    socket.once("finish", () => socket.destroy());
    socket.end(rawProblem(codeOf(error)));
  });
  return server;
}

const codeOf = ({ code }: NodeJS.ErrnoException): ProblemCode => {
  if (code === "HPE_HEADER_OVERFLOW") return "headers_too_large";
  return code === "ERR_HTTP_REQUEST_TIMEOUT" ? "request_timeout" : "malformed_request";
};

function rawProblem(code: ProblemCode): string {
  const status = PROBLEM_STATUS[code];
  const body = problemText(code);
  const headers = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}`,
    "content-type: application/problem+json",
    "cache-control: no-store",
    "x-content-type-options: nosniff",
    `content-length: ${Buffer.byteLength(body)}`,
    "connection: close",
  ];
  return `${headers.join("\r\n")}\r\n\r\n${body}`;
}
