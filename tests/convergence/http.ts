import type { Network } from "./network.ts";
import type { Owner } from "./world.ts";

/** Where the server's answer goes, in pieces. */
export interface Reply {
  head(status: number, headers: Record<string, string>): void;
  chunk(text: string): void;
  end(): void;
  destroy(): void;
}

export interface HttpServer {
  /** Takes a request; answers how to tell that its client is gone. */
  request(path: string, init: RequestInit, account: string, reply: Reply): { left(): void };
}

type Down =
  | { type: "head"; status: number; headers: Record<string, string> }
  | { type: "chunk"; text: string }
  | { type: "end" };

const failed = (): TypeError => new TypeError("the network failed");

/** `fetch` of one tab over its device's network. Requests and answers are lost, late and cut as sockets are. */
export const fetchOf =
  (network: Network, server: HttpServer, account: string, owner: Owner): typeof fetch =>
  (input, init = {}) =>
    new Promise((resolve, reject) => {
      const { signal } = init;
      if (signal?.aborted) return reject(signal.reason as Error);
      let exchange: ReturnType<HttpServer["request"]> | undefined;
      const body = createBody(() => link.close("client", 1000));
      const fail = (error: Error): void => {
        reject(error);
        body.fail(error);
      };
      const link = network.open<"request", Down>(
        owner,
        {
          onClientMessage(message) {
            if (message.type === "head") resolve(responseOf(message, body));
            else if (message.type === "chunk") body.push(message.text);
            else body.end();
          },
          onClientClosed: () => fail(failed()),
          onServerMessage() {
            if (network.chance.is(network.rates().lost)) return link.close("server", 1006);
            exchange = server.request(String(input), init, account, {
              head: (status, headers) => link.toClient({ type: "head", status, headers }),
              chunk: (text) => link.toClient({ type: "chunk", text }),
              end: () => link.toClient({ type: "end" }),
              destroy: () => link.close("server", 1006),
            });
          },
          onServerClosed: () => exchange?.left(),
        },
        () => link.toServer("request"),
      );
      const giveUp = (): void => {
        fail(signal?.reason as Error);
        link.close("client", 1000);
      };
      signal?.addEventListener("abort", giveUp, { once: true });
    });

interface Body {
  readonly stream: ReadableStream<Uint8Array>;
  text(): Promise<string>;
  push(text: string): void;
  end(): void;
  fail(error: Error): void;
}

function createBody(cancel: () => void): Body {
  const encoder = new TextEncoder();
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  let all = "";
  let over = false;
  let settle: { resolve: (text: string) => void; reject: (error: Error) => void } | undefined;
  const whole = new Promise<string>((resolve, reject) => (settle = { resolve, reject }));
  // Nobody need ask for the text.
  whole.catch(() => undefined);
  const stream = new ReadableStream<Uint8Array>({
    start: (own) => void (controller = own),
    cancel() {
      over = true;
      cancel();
    },
  });
  return {
    stream,
    text: () => whole,
    push(text) {
      all += text;
      if (!over) controller?.enqueue(encoder.encode(text));
    },
    end() {
      if (over) return;
      over = true;
      controller?.close();
      settle?.resolve(all);
      cancel();
    },
    fail(error) {
      if (over) return;
      over = true;
      controller?.error(error);
      settle?.reject(error);
    },
  };
}

/** What the app reads of a response, and nothing that would take turns of the real event loop. */
const responseOf = ({ status, headers }: Extract<Down, { type: "head" }>, body: Body): Response =>
  ({
    status,
    ok: status >= 200 && status < 300,
    headers: new Headers(headers),
    body: body.stream,
    json: async () => JSON.parse(await body.text()) as unknown,
    // Bytes travel as one character each.
    arrayBuffer: async () => Uint8Array.from(await body.text(), (char) => char.charCodeAt(0)).buffer,
  }) as Response;

/** As much of Node's response as an event stream needs. */
export function createOutgoing(reply: Reply) {
  const listeners = new Map<string, (() => void)[]>();
  return {
    destroyed: false,
    writableLength: 0,
    socket: null,
    writeHead: (status: number, headers: Record<string, string>) => reply.head(status, headers),
    flushHeaders: () => undefined,
    write(text: string): boolean {
      reply.chunk(text);
      return true;
    },
    end: () => reply.end(),
    destroy: () => reply.destroy(),
    on(event: string, listener: () => void): void {
      listeners.set(event, [...(listeners.get(event) ?? []), listener]);
    },
    left(): void {
      for (const listener of listeners.get("close") ?? []) listener();
    },
  };
}
