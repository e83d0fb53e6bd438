import type { Documents } from "#client/local-store/documents.ts";
import type { RunCommandStore } from "#client/local-store/run-command-store.ts";
import type { Locks } from "#client/platform/locks.ts";
import type { Painting } from "#client/platform/painting.ts";
import { steadyClock } from "#client/platform/platform.ts";
import type { Connectivity, Platform } from "#client/platform/platform.ts";
import type { SmallStorage } from "#client/platform/small-storage.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import { isTerminal } from "#shared/domain/run.ts";
import { createAwaitedRuns } from "./awaited-runs.ts";
import { createParentSettled, isDeletedHere } from "./parent-settled.ts";
import { openPublishedRun } from "./published-run.ts";
import type { PublishedRun } from "./published-run.ts";
import { openRunDelivery } from "./run-delivery.ts";
import { openRunStops } from "./run-stops.ts";
import { createOwnStreams } from "./run-streams.ts";
import type { Runs } from "./runs.ts";
import { openSharedStreams } from "./shared-run-streams.ts";

export interface RunsParts {
  platform: Pick<Platform, "clock" | "random" | "fetch" | "connectivity" | "openBroadcast">;
  /** when to deliver again, where the platform does not always know; a reader goes by its own connection */
  reached?: Connectivity;
  locks: Locks;
  painting: Painting;
  commands: RunCommandStore;
  documents: Documents;
  smallStorage: SmallStorage;
  /** names the account and workspace, for what the tabs tell each other */
  scope: string;
}

/** A run nobody looks at any more is kept this long, so that coming back shows it at once. */
const KEEP_MS = 30_000;

/** Opens delivery and following for one account in one workspace; ends with the signal. */
export function openRuns(parts: RunsParts, signal: AbortSignal): Runs {
  const { platform, painting } = parts;
  const { clock } = platform;
  const streams = openSharedStreams({ ...parts, streams: createOwnStreams(platform.fetch) }, signal);
  const following = { ...platform, clock: steadyClock(clock), streams };
  const runs = new Map<string, PublishedRun>();
  const deliveryListeners = new Set<() => void>();
  const stops = openRunStops(parts, signal);
  const awaited = createAwaitedRuns(() => tellDeliveries());

  const tellDeliveries = (): void => {
    for (const listener of deliveryListeners) listener();
  };

  /** The one follower of a run, made on first use and let go some time after its last watcher. */
  function published(runId: string): PublishedRun {
    const known = runs.get(runId);
    if (known) return known;
    const controller = new AbortController();
    const run = openPublishedRun(
      { platform: following, painting, runId },
      AbortSignal.any([signal, controller.signal]),
    );
    runs.set(runId, run);
    letGoLater(runId, run, controller);
    return run;
  }

  function letGoLater(runId: string, run: PublishedRun, controller: AbortController): void {
    const again = (): void => {
      if (signal.aborted) return;
      if (run.watched()) return void clock.after(KEEP_MS, again);
      runs.delete(runId);
      controller.abort();
    };
    clock.after(KEEP_MS, again);
  }

  const delivery = openRunDelivery(
    {
      platform: { ...platform, connectivity: parts.reached ?? platform.connectivity },
      locks: parts.locks,
      commands: parts.commands,
      scope: parts.scope,
      parentSettled: createParentSettled(
        parts.documents,
        clock,
        (messageId) => delivery.plans(messageId),
        (callback) => {
          deliveryListeners.add(callback);
          return () => deliveryListeners.delete(callback);
        },
      ),
      deleted: (command, own) => isDeletedHere(parts.documents, command.conversationId as ConversationId, own),
      onStarted(runId, stream) {
        // Every tab hears of every start; one that does not show the run leaves the stream to others.
        if (!stream && runs.get(runId)?.watched() !== true) return;
        const run = published(runId);
        awaited.add(runId, run);
        if (stream) run.follower.adopt(stream);
        else run.follower.dispatch({ type: "follow" });
      },
      stop: (runId) => stops.stop(runId),
      onChange() {
        tellDeliveries();
        for (const [runId, run] of runs) {
          const waits = run.watched() && run.follower.state().connection.type === "detached";
          if (waits) attachIfDelivered(runId, run);
        }
      },
    },
    signal,
  );

  /** A run that was not delivered yet is unknown to the server: asking for it would say that it is lost. */
  function attachIfDelivered(runId: string, run: PublishedRun): void {
    if (delivery.loaded() && delivery.delivery(runId) === undefined) run.follower.dispatch({ type: "follow" });
  }

  return {
    ready: () => delivery.loaded(),
    follow(runId, listener) {
      const run = published(runId);
      const stop = run.watch(listener);
      attachIfDelivered(runId, run);
      return stop;
    },
    live: (runId) => runs.get(runId)?.live(),
    streaming: () =>
      [...runs.values()].some((run) => {
        const live = run.watched() ? run.live() : undefined;
        return live !== undefined && !isTerminal(live.status);
      }),
    pause: (runId) => published(runId).follower.dispatch({ type: "pause" }),
    resume: (runId) => published(runId).follower.dispatch({ type: "resume" }),
    stop(runId) {
      published(runId).follower.dispatch({ type: "stop" });
      stops.stop(runId);
    },
    delivery: (runId) => delivery.delivery(runId) ?? (awaited.has(runId) ? { type: "sending" } : undefined),
    waits: () => delivery.waits(),
    deliver: (command) => delivery.deliver(command),
    cancel: (runId) => delivery.cancel(runId),
    subscribeDeliveries(listener) {
      const own = (): void => listener();
      deliveryListeners.add(own);
      return () => deliveryListeners.delete(own);
    },
  };
}
