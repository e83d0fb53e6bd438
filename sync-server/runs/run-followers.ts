import type { RunId } from "#shared/domain/ids.ts";
import { follow } from "./followers.ts";
import type { Follower, FollowerSink } from "./followers.ts";
import type { RunFeed, Sending } from "./run-feed.ts";
import type { RunParts } from "./run-parts.ts";
import { RUN_LIMITS } from "./run-timers.ts";
import type { RunWriter } from "./run-writer.ts";

/** A run that somebody may read. */
interface FollowedRun {
  runId: RunId;
  feed: RunFeed;
}

interface Followed extends FollowedRun {
  /** cancels the next look at its right */
  cancel: () => void;
}

export type RunFollowers = ReturnType<typeof createRunFollowers>;

/**
 * Everybody who follows a run on this server.
 * @param writers the runs that are being written now
 */
export function createRunFollowers(
  { clock, timers, log, random }: Pick<RunParts, "clock" | "timers" | "log" | "random">,
  writers: () => Iterable<RunWriter>,
) {
  const followers = new Map<Follower, Followed>();

  /** Whoever lost the right, or of whom that cannot be told, is sent away; a device with the right comes back. */
  function recheck(follower: Follower, of: FollowedRun, mayStay: () => Promise<boolean>): void {
    const cancel = clock.after(timers.recheck, () => {
      mayStay()
        .catch((error: unknown) => {
          log.error({ err: error }, "could not look at a follower's right");
          return false;
        })
        .then((may) => {
          if (!may) return follower.bye("right");
          return followers.has(follower) ? recheck(follower, of, mayStay) : undefined;
        })
        .catch((error: unknown) => log.error({ err: error }, "could not send a follower away"));
    });
    followers.set(follower, { runId: of.runId, feed: of.feed, cancel });
  }

  /** What runs that are read, or written, and their readers hold in memory. */
  function heldWith(feed: RunFeed): number {
    const feeds = new Set([feed]);
    const sendings = new Set<Sending>();
    for (const writer of writers()) feeds.add(writer.feed);
    let held = 0;
    for (const [follower, followed] of followers) {
      feeds.add(followed.feed);
      if (follower.sending) sendings.add(follower.sending);
      held += follower.pending;
    }
    for (const { size } of feeds) held += size;
    for (const { sse } of sendings) held += sse.length;
    return held;
  }

  return {
    /**
     * Sends a run to a reader, beginning after its cursor.
     * @param mayStay asked every 60 s; once it answers no, or rejects, the stream ends
     */
    attach(of: FollowedRun, cursor: number, sink: FollowerSink, mayStay: () => Promise<boolean>): Follower {
      // A run that is over may be sent, and so ended, before `follow` has answered.
      const mine: { follower?: Follower; over?: true } = {};
      const onEnd = (): void => {
        mine.over = true;
        if (mine.follower === undefined) return;
        followers.get(mine.follower)?.cancel();
        followers.delete(mine.follower);
      };
      const follower = follow({ feed: of.feed, cursor, sink, clock, timers, onEnd });
      mine.follower = follower;
      if (!mine.over) recheck(follower, of, mayStay);
      return follower;
    },
    count: (): number => followers.size,
    /** The whole of a run that is over, where somebody reads it now: whoever else does shares it. */
    wholeOf(id: RunId): RunFeed | undefined {
      for (const { runId, feed } of followers.values()) if (runId === id && feed.ended) return feed;
      return undefined;
    },
    /** Whether one more reader fits into memory. */
    mayFollow(feed: RunFeed): boolean {
      return feed.readers < RUN_LIMITS.followersPerRun && heldWith(feed) <= RUN_LIMITS.process;
    },
    /** Tells everybody to come back, spread over a short time. */
    sendAwaySpread(reason: string): void {
      for (const follower of followers.keys()) clock.after(random() * timers.byeSpread, () => follower.bye(reason));
    },
    /** Tells everybody to come back, now. */
    sendAway(reason: string): void {
      for (const follower of followers.keys()) follower.bye(reason);
    },
  };
}
