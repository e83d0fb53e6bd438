import { formatRunEvent } from "#shared/protocol/run-events.ts";
import type { RunEvent } from "#shared/protocol/run-events.ts";
import { nothing } from "./clock.ts";
import type { Clock } from "./clock.ts";
import type { RunFeed } from "./run-feed.ts";
import { RUN_LIMITS } from "./run-timers.ts";
import type { RunTimers } from "./run-timers.ts";

/** Where a follower's events go: one open HTTP response. */
export interface FollowerSink {
  /** Hands over text; answers false when no more should be handed over until `drained` was called. */
  write(text: string): boolean;
  /** bytes handed over that the network did not take yet */
  bufferedBytes(): number;
  /** Ends the response in good order. */
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
}

interface FollowOptions {
  feed: RunFeed;
  /** the last event the reader has; 0 for none */
  cursor: number;
  sink: FollowerSink;
  clock: Clock;
  timers: Pick<RunTimers, "heartbeat" | "followerBlocked">;
  onEnd(): void;
}

/**
 * Sends a feed to one reader: what is behind its cursor joined to few events, then live. The feed is never
 * held up: while the sink is full nothing is queued here, and afterwards the reader is caught up from where
 * it stands. A sink that takes nothing for 30 s is dropped.
 */
export function follow({ feed, cursor: start, sink, clock, timers, onEnd }: FollowOptions): Follower {
  let cursor = start;
  let blocked = false;
  let over = false;
  let cancelBlocked: (() => void) | undefined;
  let cancelHeartbeat = nothing;

  function write(text: string): void {
    if (sink.write(text) && sink.bufferedBytes() < RUN_LIMITS.socketBytes) return;
    blocked = true;
    cancelBlocked ??= clock.after(timers.followerBlocked, () => {
      sink.destroy();
      close();
    });
  }

  function catchUp(): void {
    while (!blocked && !over) {
      const sendings = feed.after(cursor);
      if (sendings.length === 0) break;
      for (const sending of sendings) {
        if (blocked) return;
        cursor = sending.seq;
        write(sending.sse);
      }
    }
    if (feed.ended && cursor >= feed.head && !over) {
      sink.end();
      close();
    }
  }

  function close(): void {
    if (over) return;
    over = true;
    cancelBlocked?.();
    cancelHeartbeat();
    detach();
    onEnd();
  }

  function beat(): void {
    cancelHeartbeat = clock.after(timers.heartbeat, () => {
      if (over) return;
      if (!blocked) write(": hb\n\n");
      beat();
    });
  }

  const detach = feed.attach({
    more: catchUp,
    tell(event: RunEvent) {
      if (!blocked && !over && cursor === feed.head) write(formatRunEvent(event));
    },
  });
  beat();
  catchUp();
  return {
    drained() {
      blocked = false;
      cancelBlocked?.();
      cancelBlocked = undefined;
      catchUp();
    },
    left: close,
    bye(reason) {
      if (over) return;
      if (!blocked) sink.write(formatRunEvent({ type: "bye", seq: undefined, reason }));
      sink.end();
      close();
    },
  };
}
