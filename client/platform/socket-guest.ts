import { ABNORMAL_CLOSE } from "./platform.ts";
import type { Clock, Socket, SocketEvents } from "./platform.ts";
import type { Said, ToTab } from "./socket-messages.ts";

/** The leader answers all it is sent; one that is silent for so long is frozen, or gone without a word. */
export const SILENT_MS = 2_000;
/** A tab that took so many bytes without sending anything says that it still takes them. */
const TAKEN_BYTES = 1024 * 1024;

export interface SocketGuestParts {
  /** the tab that has the real socket */
  leader: string;
  /** tells the leader */
  say(said: Said): void;
  clock: Clock;
  onSilence(): void;
  /** a number that this tab never gave to a socket before, whoever led then */
  nextNumber(): number;
}

export interface SocketGuest {
  leader: string;
  /** Opens a socket that the leader holds for this tab. */
  open(path: string, events: SocketEvents): Socket;
  hear(message: ToTab): void;
  /** Ends all of them, here and at the leader. */
  leave(): void;
}

/** A following tab's side: its sockets are virtual, and the leader opens, feeds and closes them. */
export function createSocketGuest({ leader, say, clock, onSilence, nextNumber }: SocketGuestParts): SocketGuest {
  const sockets = new Map<number, SocketEvents>();
  /** bytes heard since this tab said anything */
  let taken = 0;
  let stopWaiting: (() => void) | undefined;

  function tell(said: Said): void {
    taken = 0;
    stopWaiting ??= clock.after(SILENT_MS, onSilence);
    say(said);
  }

  function take(byteLength: number): void {
    taken += byteLength;
    if (taken <= TAKEN_BYTES) return;
    taken = 0;
    say({ type: "here" });
  }

  return {
    leader,
    open(path, events) {
      const socket = nextNumber();
      sockets.set(socket, events);
      tell({ type: "open", socket, path });
      return {
        send(frame) {
          if (sockets.has(socket)) tell({ type: "frame", socket, frame });
        },
        close() {
          if (!sockets.delete(socket)) return;
          tell({ type: "close", socket, code: ABNORMAL_CLOSE });
          queueMicrotask(() => events.onClose(ABNORMAL_CLOSE));
        },
        bufferedBytes: () => 0,
      };
    },
    hear(message) {
      stopWaiting?.();
      stopWaiting = undefined;
      switch (message.type) {
        case "opened":
          return sockets.get(message.socket)?.onOpen();
        case "frame":
          take(message.frame.byteLength);
          return sockets.get(message.socket)?.onMessage(message.frame);
        case "close": {
          const events = sockets.get(message.socket);
          sockets.delete(message.socket);
          return events?.onClose(message.code);
        }
        case "open":
        case "here":
      }
    },
    leave() {
      stopWaiting?.();
      const left = [...sockets];
      sockets.clear();
      // The leader may only be frozen: when it wakes up, nobody shall have these.
      for (const [socket] of left) say({ type: "close", socket, code: ABNORMAL_CLOSE });
      for (const [, events] of left) events.onClose(ABNORMAL_CLOSE);
    },
  };
}
