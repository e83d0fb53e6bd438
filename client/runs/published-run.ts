import type { Painting } from "#client/platform/painting.ts";
import { liveRunOf } from "./run-follow-state.ts";
import { openRunFollower } from "./run-follower.ts";
import type { FollowerPlatform, RunFollower } from "./run-follower.ts";
import type { LiveRun } from "./runs.ts";

/** Least time between two pictures of one run, in ms: tokens may come faster than anyone reads. */
const PACE_MS = 33;

/** A followed run as its watchers see it: it changes at most once per picture, and only then. */
export interface PublishedRun {
  follower: RunFollower;
  /** The same object until watchers are called. */
  live(): LiveRun | undefined;
  watch(listener: () => void): () => void;
  watched(): boolean;
}

export interface PublishedRunParts {
  platform: FollowerPlatform;
  painting: Painting;
  runId: string;
}

/** Opens the follower of a run; it attaches with `follow` or `adopt`. Ends with the signal. */
export function openPublishedRun({ platform, painting, runId }: PublishedRunParts, signal: AbortSignal): PublishedRun {
  const { clock } = platform;
  const listeners = new Set<() => void>();
  let live: LiveRun | undefined;
  let publishedAt = Number.NEGATIVE_INFINITY;
  let cancelPending: (() => void) | undefined;

  function publish(): void {
    cancelPending = undefined;
    publishedAt = clock.now();
    live = liveRunOf(follower.state());
    for (const listener of listeners) listener();
  }
  function schedule(): void {
    if (cancelPending || signal.aborted) return;
    const wait = publishedAt + PACE_MS - clock.now();
    if (wait <= 0) {
      cancelPending = painting.beforeNext(publish);
      return;
    }
    cancelPending = clock.after(wait, () => {
      cancelPending = painting.beforeNext(publish);
    });
  }

  const follower = openRunFollower(platform, runId, schedule, signal);
  signal.addEventListener("abort", () => cancelPending?.(), { once: true });
  return {
    follower,
    live: () => live,
    watch(listener) {
      const own = (): void => listener();
      listeners.add(own);
      return () => listeners.delete(own);
    },
    watched: () => listeners.size > 0,
  };
}
