import { ABNORMAL_CLOSE } from "./platform.ts";
import type { OpenSocket } from "./platform.ts";

/** Answers how to open WebSockets at paths of an origin: `https` gives `wss`, `http` gives `ws`. */
export function createOpenSocket(origin: string, Implementation: typeof WebSocket = WebSocket): OpenSocket {
  return (path, protocols, events) => {
    const url = new URL(path, origin);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const socket = new Implementation(url, [...protocols]);
    socket.binaryType = "arraybuffer";
    let closed = false;
    const close = (code: number): void => {
      if (closed) return;
      closed = true;
      events.onClose(code);
    };
    socket.addEventListener("open", () => {
      if (!closed) events.onOpen();
    });
    socket.addEventListener("message", (event: MessageEvent<unknown>) => {
      // Text is no frame of ours; an empty message fails the reader's parser as a malformed frame should.
      const bytes = event.data instanceof ArrayBuffer ? new Uint8Array(event.data) : new Uint8Array();
      if (!closed) events.onMessage(bytes);
    });
    socket.addEventListener("close", (event) => close(event.code));
    return {
      send(message) {
        if (socket.readyState === Implementation.OPEN) socket.send(message.slice());
      },
      close() {
        socket.close();
        // A browser may wait minutes for the other side's close frame; who closes has already let go.
        queueMicrotask(() => close(ABNORMAL_CLOSE));
      },
      bufferedBytes: () => socket.bufferedAmount,
    };
  };
}
