import { follow } from "./followers.ts";
import type { Follower, FollowerSink } from "./followers.ts";
import type { RunFeed } from "./run-feed.ts";
import type { RunParts } from "./run-parts.ts";
import { RUN_LIMITS } from "./run-timers.ts";
import type { RunWriter } from "./run-writer.ts";

export type RunFollowers = ReturnType<typeof createRunFollowers>;

/**
 * Everybody who follows a run on this server.
 * @param writers the runs that are being written now
 */
export function createRunFollowers(
  { clock, timers, log, random }: Pick<RunParts, "clock" | "timers" | "log" | "random">,
  writers: () => Iterable<RunWriter>,
) {
  /** each with how to cancel the next look at its right */
  const followers = new Map<Follower, () => void>();

  /** Whoever lost the right, or of whom that cannot be told, is sent away; a device with the right comes back. */
  function recheck(follower: Follower, mayStay: () => Promise<boolean>): void {
    const cancel = clock.after(timers.recheck, () => {
      mayStay()
        .catch((error: unknown) => {
          log.error({ err: error }, "could not look at a follower's right");
          return false;
        })
        .then((may) => {
          if (!may) return follower.bye("right");
          return followers.has(follower) ? recheck(follower, mayStay) : undefined;
        })
        .catch((error: unknown) => log.error({ err: error }, "could not send a follower away"));
    });
    followers.set(follower, cancel);
  }

  return {
    /**
     * Sends a feed to a reader, beginning after its cursor.
     * @param mayStay asked every 60 s; once it answers no, or rejects, the stream ends
     */
    attach(feed: RunFeed, cursor: number, sink: FollowerSink, mayStay: () => Promise<boolean>): Follower {
      // A run that is over may be sent, and so ended, before `follow` has answered.
      const mine: { follower?: Follower; over?: true } = {};
      const onEnd = (): void => {
        mine.over = true;
        if (mine.follower === undefined) return;
        followers.get(mine.follower)?.();
        followers.delete(mine.follower);
      };
      const follower = follow({ feed, cursor, sink, clock, timers, onEnd });
      mine.follower = follower;
      if (!mine.over) recheck(follower, mayStay);
      return follower;
    },
    count: (): number => followers.size,
    /** Whether one more reader fits into memory. */
    mayFollow(feed: RunFeed): boolean {
      let held = 0;
      for (const writer of writers()) held += writer.feed.size;
      return feed.readers < RUN_LIMITS.followersPerRun && held <= RUN_LIMITS.process;
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
