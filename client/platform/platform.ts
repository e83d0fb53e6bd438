import type { RandomBytes } from "#shared/lib/uuid.ts";

/** Time and timers. Simulated in tests. */
export interface Clock {
  /** ms since 1970 */
  now(): number;
  /** ms since some moment, by a clock that nobody sets; absent where `now` is such a clock. */
  steady?(): number;
  /** Calls back once after `ms`; answers how to cancel. */
  after(ms: number, callback: () => void): () => void;
}

/**
 * A clock for waiting, not for telling the time: a wall clock that is set back a week would make whoever waits
 * for a moment wait a week.
 */
export const steadyClock = (clock: Clock): Clock => (clock.steady ? { ...clock, now: clock.steady } : clock);

/** What a close without a close frame is called (RFC 6455 §7.4.1). */
export const ABNORMAL_CLOSE = 1006;

export interface SocketEvents {
  onOpen(): void;
  onMessage(message: Uint8Array): void;
  /** Called once, whether the socket ever opened or not. */
  onClose(code: number): void;
}

export interface Socket {
  send(message: Uint8Array): void;
  close(): void;
  /** bytes handed to `send` that did not leave this device yet */
  bufferedBytes(): number;
}

/** Opens a WebSocket at a path of this origin. */
export type OpenSocket = (path: string, protocols: readonly string[], events: SocketEvents) => Socket;

/** What the browser says about the network, and when a page comes back to life. */
export interface Connectivity {
  online(): boolean;
  /** Calls back on `online`, on becoming visible, and on `pageshow` from the back/forward cache: do not trust open sockets then. */
  onWake(callback: () => void): () => void;
  onOffline(callback: () => void): () => void;
}

/** Whether the person can see the page. */
export interface Visibility {
  visible(): boolean;
  /** Calls back when the page is hidden or goes away (`visibilitychange`, `pagehide`): the last sure chance to store something. */
  onHide(callback: () => void): () => void;
}

/** Tells other tabs of this account and workspace; never delivered to the sender. */
export interface Broadcast {
  post(message: unknown): void;
  onMessage(callback: (message: unknown) => void): () => void;
}

/** Each browser power the app uses, behind something a test can stand in for. */
export interface Platform {
  clock: Clock;
  randomBytes: RandomBytes;
  /** a number in [0, 1) */
  random(): number;
  openSocket: OpenSocket;
  connectivity: Connectivity;
  visibility: Visibility;
  /** Opens the channel between the tabs that share a name. */
  openBroadcast(name: string, signal: AbortSignal): Broadcast;
  fetch: typeof fetch;
}
