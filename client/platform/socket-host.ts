import type { OpenSocket, Socket } from "./platform.ts";
import type { Said, ToTab } from "./socket-messages.ts";

/** What a tab may leave untaken before its sockets close, in bytes: it may be frozen, and the browser keeps it all for it. */
const UNTAKEN_BYTES = 16 * 1024 * 1024;

export interface SocketHostParts {
  openSocket: OpenSocket;
  say(to: string, said: Said): void;
  /** Calls back once a tab is gone. */
  whenGone(tab: string, callback: () => void): void;
}

interface Guest {
  sockets: Map<number, Socket>;
  /** bytes it was sent since it said anything */
  untaken: number;
}

/** The leading tab's side: opens and closes what the others ask for, and passes on what is sent either way. */
export function createSocketHost({ openSocket, say, whenGone }: SocketHostParts): (message: ToTab) => void {
  const guests = new Map<string, Guest>();

  function guestOf(tab: string): Guest {
    const known = guests.get(tab);
    if (known) return known;
    const guest: Guest = { sockets: new Map(), untaken: 0 };
    guests.set(tab, guest);
    whenGone(tab, () => closeAll(tab, guest));
    return guest;
  }

  function closeAll(tab: string, guest: Guest): void {
    if (guests.get(tab) === guest) guests.delete(tab);
    for (const socket of guest.sockets.values()) socket.close();
  }

  function open(tab: string, guest: Guest, socket: number, path: string): void {
    const opened = openSocket(path, [], {
      onOpen: () => say(tab, { type: "opened", socket }),
      onMessage(frame) {
        guest.untaken += frame.byteLength;
        if (guest.untaken > UNTAKEN_BYTES) closeAll(tab, guest);
        else say(tab, { type: "frame", socket, frame });
      },
      onClose(code) {
        // One that the tab closed itself is not there any more.
        if (guest.sockets.delete(socket)) say(tab, { type: "close", socket, code });
      },
    });
    guest.sockets.set(socket, opened);
  }

  return (message) => {
    const { from } = message;
    const guest = guestOf(from);
    guest.untaken = 0;
    if (message.type === "here") return;
    say(from, { type: "here" });
    switch (message.type) {
      case "open":
        return open(from, guest, message.socket, message.path);
      case "frame":
        return guest.sockets.get(message.socket)?.send(message.frame);
      case "close": {
        const closing = guest.sockets.get(message.socket);
        guest.sockets.delete(message.socket);
        return closing?.close();
      }
      case "opened":
    }
  };
}
