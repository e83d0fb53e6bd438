import type { AccountPrincipal } from "#server/access/principal.ts";
import { authorize } from "#server/access/authorize.ts";
import type { Action } from "#server/access/authorize.ts";
import type { Rooms } from "#server/rooms/rooms.ts";
import { CommitError } from "#server/storage/database.ts";
import type { Database } from "#server/storage/database.ts";
import type { RunId } from "#shared/domain/ids.ts";
import { isTerminal } from "#shared/domain/run.ts";
import { err, ok } from "#shared/lib/result.ts";
import type { Result } from "#shared/lib/result.ts";
import type { RunSnapshot, StartRun } from "#shared/protocol/http-bodies.ts";
import { nothing, sleep } from "./clock.ts";
import type { Clock } from "./clock.ts";
import { follow } from "./followers.ts";
import type { Follower, FollowerSink } from "./followers.ts";
import { createFrame } from "./frame.ts";
import { createProviderHealth } from "./provider-health.ts";
import { createProviderSlots } from "./provider-slots.ts";
import type { Providers } from "./provider.ts";
import type { RunFeed } from "./run-feed.ts";
import type { Log, RunParts } from "./run-parts.ts";
import { feedOf, finishRun, recoverRuns } from "./run-recovery.ts";
import { createTombstone, fingerprintOf } from "./run-rows.ts";
import { snapshotOfStored, snapshotOfWriter } from "./run-snapshot.ts";
import { acceptRun, replay } from "./run-starter.ts";
import type { StartFailure, StartOutcome } from "./run-starter.ts";
import {
  deleteFrames,
  insertFrames,
  insertRun,
  readAbandonedRuns,
  readFrames,
  readRun,
  readSpentRuns,
} from "./run-store.ts";
import type { StoredRun } from "./run-store.ts";
import { RUN_LIMITS, RUN_TIMERS } from "./run-timers.ts";
import type { RunTimers } from "./run-timers.ts";
import { openRunWriter } from "./run-writer.ts";
import type { RunWriter } from "./run-writer.ts";

export interface RunServiceOptions {
  database: Database;
  rooms: Rooms;
  providers: Providers;
  clock: Clock;
  /** a number in [0, 1) */
  random: () => number;
  log: Log;
  timers?: Partial<RunTimers>;
}

/** A run as one reader may see it. */
export type OpenedFeed =
  | { type: "feed"; feed: RunFeed; runId: RunId }
  /** the frames were deleted; the document has the text */
  | { type: "gone"; seq: number };

export type RunService = ReturnType<typeof openRunService>;

const mayOn = (principal: AccountPrincipal, action: Action, { accountId, workspaceId }: StoredRun): boolean =>
  authorize(principal, action, { kind: "run", ownerId: accountId, workspaceId });

/**
 * The relay: starts, follows and stops runs. All rights are checked here, at every call; whatever is not the
 * caller's answers `not_found`. Call `recover` before serving, `drain` before stopping, then `close`.
 */
export function openRunService({ timers: changed, ...options }: RunServiceOptions) {
  const timers: RunTimers = { ...RUN_TIMERS, ...changed };
  const { database, clock, log } = options;
  const parts: RunParts = {
    ...options,
    timers,
    slots: createProviderSlots(clock, timers.queueWait),
    health: createProviderHealth(clock),
  };
  const active = new Map<RunId, RunWriter>();
  const starting = new Map<
    RunId,
    { principal: AccountPrincipal; fingerprint: string; outcome: Promise<StartOutcome> }
  >();
  const followers = new Set<Follower>();
  let draining = false;
  let closed = false;
  let sweeping = Promise.resolve();
  let cancelSweep = nothing;

  async function start(
    principal: AccountPrincipal,
    id: RunId,
    request: StartRun,
  ): Promise<Result<{ created: boolean; snapshot: RunSnapshot }, StartFailure>> {
    const outcome = await findOrAccept(principal, id, request);
    if (!outcome.ok) return outcome;
    const stored = outcome.value.type === "accepted" ? outcome.value.plan.stored : outcome.value.stored;
    return ok({ created: outcome.value.type === "accepted", snapshot: await snapshotOf(principal, stored) });
  }

  async function findOrAccept(principal: AccountPrincipal, id: RunId, request: StartRun): Promise<StartOutcome> {
    const live = active.get(id)?.stored;
    if (live) return replay(parts, principal, live, request);
    const underway = starting.get(id);
    if (underway) return joinStart(underway, principal, request);
    const stored = readRun(database, id);
    const outcome = stored.then((found) => {
      if (found) return replay(parts, principal, found, request);
      return draining ? err({ code: "draining" } as const) : acceptAndOpen(principal, id, request);
    });
    starting.set(id, { principal, fingerprint: fingerprintOf(request), outcome });
    return outcome.finally(() => starting.delete(id));
  }

  /** The same start, sent again while the first is being judged, shares its outcome. */
  async function joinStart(
    underway: NonNullable<ReturnType<typeof starting.get>>,
    principal: AccountPrincipal,
    request: StartRun,
  ): Promise<StartOutcome> {
    const { accountId: ownerId, workspaceId } = underway.principal;
    if (!authorize(principal, "run.start", { kind: "run", ownerId, workspaceId })) return err({ code: "not_found" });
    if (underway.fingerprint !== fingerprintOf(request)) return err({ code: "run_id_reused" });
    const outcome = await underway.outcome;
    if (!outcome.ok || outcome.value.type === "replayed") return outcome;
    return ok({ type: "replayed", stored: outcome.value.plan.stored });
  }

  async function acceptAndOpen(principal: AccountPrincipal, id: RunId, request: StartRun): Promise<StartOutcome> {
    const outcome = await acceptRun(parts, principal, id, request);
    if (!outcome.ok || outcome.value.type !== "accepted" || closed) return outcome;
    const writer = openRunWriter(parts, outcome.value.plan);
    active.set(id, writer);
    void writer.done.then(() => active.delete(id));
    return outcome;
  }

  async function snapshotOf(principal: AccountPrincipal, stored: StoredRun): Promise<RunSnapshot> {
    const writer = active.get(stored.id);
    return writer ? snapshotOfWriter(writer) : snapshotOfStored(parts, principal, stored);
  }

  /** Finds a run for an action, waiting for one that is just being started. */
  async function find(principal: AccountPrincipal, action: Action, id: RunId): Promise<StoredRun | undefined> {
    const stored = active.get(id)?.stored ?? (await readRun(database, id));
    if (!stored || !mayOn(principal, action, stored)) return undefined;
    await starting.get(id)?.outcome;
    return stored;
  }

  async function stop(principal: AccountPrincipal, id: RunId): Promise<Result<RunSnapshot, "not_found">> {
    const stored = await find(principal, "run.stop", id);
    if (stored) {
      const writer = active.get(id);
      writer?.stop();
      await writer?.done;
      return ok(await snapshotOf(principal, (await readRun(database, id)) ?? stored));
    }
    const row = createTombstone(principal, id, clock.now());
    const end = createFrame(1, { type: "end", state: "stopped", len: { t: 0, r: 0 } });
    try {
      await database.commit([insertRun(database, row), insertFrames(database, id, [end])]);
    } catch (error) {
      if (!(error instanceof CommitError) || error.failure !== "conflict") throw error;
      // Either it is somebody else's, or its start came in between.
      return (await find(principal, "run.stop", id)) ? stop(principal, id) : err("not_found");
    }
    return stop(principal, id);
  }

  async function openFeed(principal: AccountPrincipal, id: RunId): Promise<Result<OpenedFeed, "not_found">> {
    const before = await find(principal, "run.read", id);
    if (!before) return err("not_found");
    const writer = active.get(id);
    if (writer) return ok({ type: "feed", feed: writer.feed, runId: id });
    const stored = (await readRun(database, id)) ?? before;
    const frames = await readFrames(database, id);
    if (frames.length === 0 && isTerminal(stored.state)) return ok({ type: "gone", seq: stored.seq });
    return ok({ type: "feed", feed: feedOf(stored, frames), runId: id });
  }

  function attach(feed: RunFeed, cursor: number, sink: FollowerSink): Follower {
    // A run that is over may be sent, and so ended, before `follow` has answered.
    const mine: { follower?: Follower; over?: true } = {};
    const onEnd = (): void => {
      mine.over = true;
      if (mine.follower) followers.delete(mine.follower);
    };
    const follower = follow({ feed, cursor, sink, clock, timers, onEnd });
    mine.follower = follower;
    if (!mine.over) followers.add(follower);
    return follower;
  }

  /** Whether one more reader fits into memory. */
  function mayFollow(feed: RunFeed): boolean {
    const held = [...active.values()].reduce((sum, writer) => sum + writer.feed.size, 0);
    return feed.readers < RUN_LIMITS.followersPerRun && held <= RUN_LIMITS.process;
  }

  async function sweep(): Promise<void> {
    const now = clock.now();
    for (const stored of await readAbandonedRuns(database, now))
      if (!active.has(stored.id) && !starting.has(stored.id)) await finishRun(parts, stored, "server_restarted");
    const spent = await readSpentRuns(database, now - timers.keepFrames, now - timers.keepInterruptedFrames);
    if (spent.length > 0) await database.commit([deleteFrames(database, spent)]);
  }

  function sweepLater(): void {
    cancelSweep = clock.after(timers.sweep, () => {
      sweeping = sweep().catch((error: unknown) => log.error({ err: error }, "the sweep of runs failed"));
      void sweeping.then(() => !closed && sweepLater());
    });
  }
  sweepLater();

  const allDone = (): Promise<unknown> => Promise.all([...active.values()].map(({ done }) => done));

  return {
    start,
    stop,
    openFeed,
    /** Sends a feed to a reader, beginning after its cursor. */
    attach,
    mayFollow,
    clock,
    async snapshot(principal: AccountPrincipal, id: RunId): Promise<Result<RunSnapshot, "not_found">> {
      const stored = await find(principal, "run.read", id);
      return stored ? ok(await snapshotOf(principal, stored)) : err("not_found");
    },
    /** Ends what a stopped process left behind. Answers how many runs. */
    recover: (): Promise<number> => recoverRuns(parts),
    /** Looks once for abandoned runs and spent frames, as the timer does. */
    sweep,
    /** runs that are being written now */
    get live(): number {
      return active.size;
    },
    /**
     * Refuses new runs, tells followers to come back, lets runs finish for `ms`, then interrupts the rest.
     * Resolves when every run is in its document.
     */
    async drain(ms: number): Promise<void> {
      draining = true;
      for (const follower of followers) clock.after(options.random() * timers.byeSpread, () => follower.bye("deploy"));
      await Promise.allSettled([...starting.values()].map(({ outcome }) => outcome));
      const enough = new AbortController();
      await Promise.race([allDone().then(() => enough.abort()), sleep(clock, ms, enough.signal)]);
      for (const writer of active.values()) writer.interrupt("deploy");
      await allDone();
      for (const follower of followers) follower.bye("deploy");
    },
    /** Stops writing at once, as a crash would. `drain` first. */
    async close(): Promise<void> {
      closed = true;
      draining = true;
      cancelSweep();
      for (const follower of followers) follower.bye("closing");
      for (const writer of active.values()) writer.abandon();
      await allDone();
      await sweeping;
    },
  };
}
