import type { NackCode } from "#shared/protocol/sync-frames.ts";

/** Why edits stay on this device only: the server's nack, or a single edit no frame can carry. */
export type RefusalCode = NackCode | "too-large";

export type EngineInput =
  /** be connected from now on; also tries again after a final close */
  | { type: "start" }
  /** the socket asked for by `connect` is open */
  | { type: "opened" }
  | { type: "received"; message: Uint8Array }
  /** the socket closed or never opened; never told after a `disconnect` */
  | { type: "closed"; code: number }
  /** an edit that is in the Y.Doc already; without bytes: one of an earlier session that is part of the stored state */
  | { type: "local"; token: number; update: Uint8Array | undefined }
  /** `view().timerAt` is reached; harmless at any other time */
  | { type: "tick" }
  /** `online`, visible again, `pageshow` */
  | { type: "wake" }
  /** the browser says the network is gone */
  | { type: "offline" }
  /** be disconnected from now on */
  | { type: "stop" };

export type EngineEffect =
  /** open a socket for this document; any earlier one is to be forgotten */
  | { type: "connect" }
  | { type: "send"; message: Uint8Array }
  /** close the socket and deliver none of its events any more */
  | { type: "disconnect" }
  /** every edit with a token up to `through` is durable on the server, whose log then ended at `headSeq` */
  | { type: "settled"; through: number; headSeq: number }
  /** the server's copy was merged in for the first time on this connection */
  | { type: "arrived" }
  | { type: "refused"; code: RefusalCode }
  /** what was refused before is taken now */
  | { type: "accepted" }
  /** some document of this account changed: the feed is worth a look (R19) */
  | { type: "feed-moved" }
  /** closed for good (4400–4499) */
  | { type: "ended"; code: number }
  /** both copies claim to be the same and are not; which of them is wrong is not known yet (C9) */
  | { type: "diverged"; seq: number }
  /** it is ours: the document is to be opened anew from `state`, which is all the server has (C9) */
  | { type: "heal"; state: Uint8Array };

export interface EngineView {
  connection: "idle" | "waiting" | "connecting" | "syncing" | "live" | "ended";
  /** whether an edit is without its `ack` (C1) */
  pending: boolean;
  refused: RefusalCode | undefined;
  /** the end of the server's log as last heard of */
  headSeq: number;
  /** ms since 1970: when to hand in `tick` */
  timerAt: number | undefined;
}

/** The client's side of one document's sync. */
export interface Engine {
  /** Takes one input at time `now` (ms since 1970); answers what is to be done, in this order. */
  handle(now: number, input: EngineInput): EngineEffect[];
  view(): EngineView;
}
