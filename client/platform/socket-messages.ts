/**
 * What the tabs of a browser say about the socket that they share. `from` and `to` name tabs. The name of the channel
 * holds a version: whoever changes the shape changes that, so that tabs of two versions each share among themselves.
 */
export type SocketMessage =
  /** a tab that does not know who leads */
  { type: "who"; from: string } | { type: "leads"; from: string } | ToTab;

/** `socket` is a number that the following tab gives to each of its sockets. */
export type ToTab = { from: string; to: string } & (
  | { type: "open"; socket: number; path: string }
  | { type: "opened"; socket: number }
  | { type: "frame"; socket: number; frame: Uint8Array }
  | { type: "close"; socket: number; code: number }
  /** a sign of life */
  | { type: "here" }
);

/** What one tab says to another; who says it to whom is added. */
export type Said = ToTab extends infer One ? (One extends ToTab ? Omit<One, "from" | "to"> : never) : never;

export const SOCKET_CHANNEL = "holdfast-sockets-1";
