import WebSocket from "ws";
import { SYNC_SUBPROTOCOL } from "#shared/protocol/sync-frames.ts";

export interface Knock {
  /** with its query */
  path: string;
  /** one that is `undefined` is left out, also where it would be sent otherwise */
  headers?: Readonly<Record<string, string | undefined>>;
  protocols?: readonly string[];
  /** sent as soon as the socket is open, without waiting for a word of the server */
  say?: readonly Uint8Array[];
  /** whether enough was heard; a socket that is let in and never tells enough is waited for */
  until: (heard: readonly Buffer[]) => boolean;
}

export interface Knocked {
  /** the status of an upgrade that was refused */
  refused?: number;
  /** the code of a socket that was closed, and what was said with it */
  closed?: number;
  reason?: string;
  heard: readonly Buffer[];
}

/** Asks for a socket from the server's own origin, and hears what it says until that is enough. */
export function knock(
  serverUrl: string,
  { path, headers, protocols = [SYNC_SUBPROTOCOL], say = [], until }: Knock,
): Promise<Knocked> {
  const socket = new WebSocket(serverUrl.replace("http", "ws") + path, [...protocols], {
    headers: Object.fromEntries(
      Object.entries({ origin: serverUrl, ...headers }).filter(([, value]) => value !== undefined),
    ),
  });
  const heard: Buffer[] = [];
  return new Promise((resolve) => {
    const done = (how: Omit<Knocked, "heard">): void => {
      resolve({ ...how, heard });
      socket.terminate();
    };
    socket.on("unexpected-response", (_, response) => {
      response.destroy();
      done({ refused: response.statusCode ?? 0 });
    });
    socket.on("open", () => say.forEach((frame) => socket.send(frame)));
    socket.on("message", (data: Buffer) => {
      heard.push(data);
      if (until(heard)) done({});
    });
    socket.on("close", (code, reason) => done({ closed: code, reason: reason.toString() }));
    socket.on("error", () => undefined); // `close` follows
  });
}
