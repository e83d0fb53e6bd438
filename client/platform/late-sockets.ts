import { ABNORMAL_CLOSE } from "./platform.ts";
import type { OpenSocket, Socket, SocketEvents } from "./platform.ts";

/**
 * Sockets whose code no first paint waits for. One that is opened before it is here opens once it is; where it cannot be
 * fetched, each closes as one that the network refused, and the next one asks for the code again.
 */
export function openLateSockets(load: () => Promise<OpenSocket>): OpenSocket {
  let here: OpenSocket | undefined;
  let loading: Promise<OpenSocket> | undefined;

  async function fetchCode(): Promise<OpenSocket> {
    try {
      return (here = await (loading ??= load()));
    } finally {
      loading = undefined;
    }
  }

  function openLater(path: string, protocols: readonly string[], events: SocketEvents): Socket {
    let socket: Socket | undefined;
    let over = false;
    const end = (): void => {
      if (!over) events.onClose(ABNORMAL_CLOSE);
      over = true;
    };
    const openNow = (open: OpenSocket): void => {
      if (!over) socket = open(path, protocols, events);
    };
    fetchCode().then(openNow, end);
    return {
      send: (message) => socket?.send(message),
      close() {
        if (socket) socket.close();
        // As with any socket, whoever closes hears of it afterwards.
        else queueMicrotask(end);
      },
      bufferedBytes: () => socket?.bufferedBytes() ?? 0,
    };
  }

  return (path, protocols, events) => (here ? here(path, protocols, events) : openLater(path, protocols, events));
}
