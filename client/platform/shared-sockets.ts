import { createUuidV7 } from "#shared/lib/uuid.ts";
import type { Locks } from "./locks.ts";
import { createMultiplexer } from "./multiplexer.ts";
import { ABNORMAL_CLOSE, steadyClock } from "./platform.ts";
import type { OpenSocket, Platform, Socket, SocketEvents } from "./platform.ts";
import { SILENT_MS, createSocketGuest } from "./socket-guest.ts";
import type { SocketGuest } from "./socket-guest.ts";
import { createSocketHost } from "./socket-host.ts";
import { SOCKET_CHANNEL } from "./socket-messages.ts";
import type { Said, SocketMessage, ToTab } from "./socket-messages.ts";
import { untilEnded, whenEnded } from "./when-ended.ts";

export interface SharedSocketsParts {
  platform: Pick<Platform, "clock" | "randomBytes" | "openSocket" | "openBroadcast">;
  locks: Locks;
  /** names whose tabs share: one account in one workspace */
  scope: string;
}

type Role =
  | { type: "leading"; hear: (message: ToTab) => void }
  | { type: "following"; guest: SocketGuest }
  /** nobody is known to lead */
  | { type: "alone" };

/**
 * Opens sockets so that the tabs of this browser have one real socket together. The tab that holds a Web Lock has it;
 * what the others send and hear goes through that tab. When it goes, the next in the queue of the lock leads, and the
 * others' sockets close as if the network had cut them. A tab whose leader does not answer, being frozen, opens a socket of
 * its own, and keeps what it has on it; so does every tab where there are no locks. Ends with the signal.
 */
export function openSharedSockets({ platform, locks, scope }: SharedSocketsParts, signal: AbortSignal): OpenSocket {
  const clock = steadyClock(platform.clock);
  const own = createMultiplexer(platform.openSocket, clock);
  const me = createUuidV7(platform.clock.now(), platform.randomBytes);
  const tabs = platform.openBroadcast(`${SOCKET_CHANNEL}-${scope}`, signal);
  const post = (message: SocketMessage): void => tabs.post(message);
  const say = (to: string, said: Said): void => post({ ...said, from: me, to });
  let role: Role = { type: "alone" };
  let last = 0;

  const decision = new AbortController();
  /** Until then nobody knows whether there is a leader, and a tab that opens a socket may open one in vain. */
  const decided = untilEnded(decision.signal);
  const decide = (): void => decision.abort();

  function whenGone(tab: string, callback: () => void): void {
    const gone = async (): Promise<void> => callback();
    void locks.hold(tabLock(tab), signal, gone).catch(gone);
  }

  function lead(): void {
    leave();
    role = { type: "leading", hear: createSocketHost({ openSocket: own, say, whenGone }) };
    post({ type: "leads", from: me });
    decide();
  }

  function follow(leader: string): void {
    if (role.type === "leading" || (role.type === "following" && role.guest.leader === leader)) return;
    leave();
    const guest = createSocketGuest({
      leader,
      say: (said) => say(leader, said),
      clock,
      onSilence,
      nextNumber: () => (last += 1),
    });
    role = { type: "following", guest };
    decide();
  }

  /** Ends following, and with it all sockets that another tab holds for this one. */
  function leave(): void {
    if (role.type !== "following") return;
    const { guest } = role;
    role = { type: "alone" };
    guest.leave();
  }

  function onSilence(): void {
    leave();
    post({ type: "who", from: me });
  }

  function onMessage(raw: unknown): void {
    // The name of the channel holds the version of what is said on it.
    const message = raw as SocketMessage;
    if (message.type === "leads") return follow(message.from);
    if (message.type === "who") return role.type === "leading" ? post({ type: "leads", from: me }) : undefined;
    if (message.to !== me) return;
    if (role.type === "leading") role.hear(message);
    else if (role.type === "following" && role.guest.leader === message.from) role.guest.hear(message);
  }

  whenEnded(signal, tabs.onMessage(onMessage), clock.after(SILENT_MS, decide));
  const beHere = async (): Promise<void> => {
    // Not before the lock is held: whoever leads takes a tab without it for one that is gone.
    post({ type: "who", from: me });
    await untilEnded(signal);
  };
  const beLeader = async (): Promise<void> => {
    lead();
    await untilEnded(signal);
  };
  // Where the browser refuses its locks, a tab stays alone.
  locks.hold(tabLock(me), signal, beHere).catch(decide);
  locks.hold(`${SOCKET_CHANNEL}-${scope}`, signal, beLeader).catch(decide);

  const openNow: OpenSocket = (path, protocols, events) =>
    role.type === "following" ? role.guest.open(path, events) : own(path, protocols, events);

  return (path, protocols, events) => openOnce(decided, () => openNow(path, protocols, events), events, signal);
}

/** Each tab holds the lock that is named after it as long as it lives. */
const tabLock = (tab: string): string => `${SOCKET_CHANNEL}-tab-${tab}`;

/** A socket that is opened once something is known, unless it was closed before. */
function openOnce(known: Promise<void>, open: () => Socket, events: SocketEvents, signal: AbortSignal): Socket {
  let opened: Socket | undefined;
  let closed = false;
  async function openLater(): Promise<void> {
    await known;
    if (!closed && !signal.aborted) opened = open();
  }
  void openLater();
  return {
    send: (message) => opened?.send(message),
    close() {
      closed = true;
      if (opened) opened.close();
      else queueMicrotask(() => events.onClose(ABNORMAL_CLOSE));
    },
    bufferedBytes: () => opened?.bufferedBytes() ?? 0,
  };
}
