import { formatRunEvent } from "#shared/protocol/run-events.ts";
import type { RunEvent } from "#shared/protocol/run-events.ts";
import { nothing } from "./clock.ts";
import type { Clock } from "./clock.ts";
import { cutPoint } from "./frames.ts";
import type { RunFeed, Sending } from "./run-feed.ts";
import { RUN_LIMITS } from "./run-timers.ts";
import type { RunTimers } from "./run-timers.ts";

/** Where a follower's events go: one open HTTP response. */
export interface FollowerSink {
  /** Hands over text; answers false when no more should be handed over until `drained` was called. */
  write(text: string): boolean;
  /** bytes handed over that the network did not take yet */
  bufferedBytes(): number;
  /** Ends the response in good order, once all that was handed over is read. */
  end(): void;
  /** Drops the connection. */
  destroy(): void;
}

export interface Follower {
  /** The sink can take more again. */
  drained(): void;
  /** The connection is gone. */
  left(): void;
  /** Says goodbye and ends; the reader comes back with its cursor. */
  bye(reason: string): void;
  /** The reader lost the right: as `bye`, and a reader that is slow to take it is cut off. */
  revoke(): void;
  /** bytes kept for this reader alone */
  readonly pending: number;
  /** the event that was handed over in part; readers may share it */
  readonly sending: Sending | undefined;
}

interface FollowOptions {
  feed: RunFeed;
  /** the last event the reader has; 0 for none */
  cursor: number;
  sink: FollowerSink;
  clock: Clock;
  timers: Pick<RunTimers, "heartbeat" | "followerBlocked">;
  /** The connection is gone, and nothing is kept for it any more. */
  onEnd(): void;
}

/** How long a reader without the right may take to read what was handed over before. */
const REVOKED_MS = 1000;

/** Longest text handed over at once, UTF-16 units; a whole `snap` would be megabytes. */
const PIECE_LENGTH = 32 * 1024;

/**
 * Sends a feed to one reader: what is behind its cursor joined to few events, then live. The feed is never
 * held up: while the sink is full nothing is queued here but the rest of one event, and afterwards the reader
 * is caught up from where it stands. A sink that takes nothing for 30 s is dropped, as is one that does not take the
 * last of it in this time.
 */
export function follow({ feed, cursor: start, sink, clock, timers, onEnd }: FollowOptions): Follower {
  let cursor = start;
  let state: "flowing" | "blocked" | "ended" | "over" = "flowing";
  /** what of an event was not handed over yet */
  let rest = "";
  let sending: Sending | undefined;
  let cancelBlocked = nothing;
  let cancelHeartbeat = nothing;

  /** Answers whether the sink can take more. */
  function write(text: string): boolean {
    rest += text;
    while (state === "flowing" && rest !== "") {
      const at = rest.length <= PIECE_LENGTH ? rest.length : cutPoint(rest, PIECE_LENGTH);
      const piece = rest.slice(0, at);
      rest = rest.slice(at);
      if (!sink.write(piece) || sink.bufferedBytes() >= RUN_LIMITS.socketBytes) block();
    }
    return state === "flowing";
  }

  function block(): void {
    state = "blocked";
    dropLater();
  }

  function dropLater(): void {
    cancelBlocked();
    cancelBlocked = clock.after(timers.followerBlocked, () => {
      sink.destroy();
      close();
    });
  }

  /** Nothing is handed over any more; `left` follows once the last of it was read. */
  function end(): void {
    state = "ended";
    rest = "";
    cancelHeartbeat();
    dropLater();
    sink.end();
  }

  /** Looks again after each event: whatever came up meanwhile is joined to what is left. */
  function catchUp(): void {
    if (state !== "flowing") return;
    for (let found = feed.after(cursor); found.length > 0; found = feed.after(cursor)) {
      for (const event of found) {
        cursor = event.seq;
        sending = event;
        if (!write(event.sse)) return;
      }
    }
    if (feed.ended && cursor >= feed.head) end();
  }

  function close(): void {
    if (state === "over") return;
    state = "over";
    rest = "";
    cancelBlocked();
    cancelHeartbeat();
    detach();
    onEnd();
  }

  function beat(): void {
    cancelHeartbeat = clock.after(timers.heartbeat, () => {
      if (state === "flowing") write(": hb\n\n");
      beat();
    });
  }

  function bye(reason: string): void {
    if (state === "ended" || state === "over") return;
    if (state === "flowing") sink.write(formatRunEvent({ type: "bye", seq: undefined, reason }));
    end();
  }

  const detach = feed.attach({
    more: catchUp,
    abandoned: () => bye("moved"),
    tell(event: RunEvent) {
      if (state === "flowing" && cursor === feed.head) write(formatRunEvent(event));
    },
  });
  beat();
  catchUp();
  if (feed.abandoned) bye("moved");
  return {
    drained() {
      if (state !== "blocked") return;
      state = "flowing";
      cancelBlocked();
      if (write("")) catchUp();
    },
    left: close,
    bye,
    revoke() {
      bye("right");
      clock.after(REVOKED_MS, () => {
        if (state !== "over") sink.destroy();
      });
    },
    get pending() {
      return sink.bufferedBytes();
    },
    get sending() {
      return rest === "" ? undefined : sending;
    },
  };
}
