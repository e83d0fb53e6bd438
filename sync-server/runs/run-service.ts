import { setImmediate } from "node:timers/promises";
import type { AccountPrincipal } from "#server/access/principal.ts";
import { authorize } from "#server/access/authorize.ts";
import type { Action } from "#server/access/authorize.ts";
import { NO_METERS } from "#server/observability/meters.ts";
import type { Meters } from "#server/observability/meters.ts";
import type { Rooms } from "#server/rooms/rooms.ts";
import { CommitError } from "#server/storage/database.ts";
import type { Database } from "#server/storage/database.ts";
import type { AccountId, ConversationId, RunId, WorkspaceId } from "#shared/domain/ids.ts";
import { isTerminal } from "#shared/domain/run.ts";
import { err, ok } from "#shared/lib/result.ts";
import type { Result } from "#shared/lib/result.ts";
import type { RunSnapshot, StartRun } from "#shared/protocol/run-bodies.ts";
import type { Clock } from "./clock.ts";
import { createFrameClock } from "./frame-clock.ts";
import { createFrame } from "./frame.ts";
import { createProviderHealth } from "./provider-health.ts";
import { createProviderSlots } from "./provider-slots.ts";
import type { Providers } from "./provider.ts";
import { allDone, drainRuns, endsWithin } from "./run-drain.ts";
import type { RunFeed } from "./run-feed.ts";
import { createRunFollowers } from "./run-followers.ts";
import type { Log, RunParts, SignReceipt } from "./run-parts.ts";
import { feedOf, recoverRuns } from "./run-recovery.ts";
import { createTombstone, fingerprintOf } from "./run-rows.ts";
import { snapshotOfStored, snapshotOfWriter } from "./run-snapshot.ts";
import { acceptRun, replay } from "./run-starter.ts";
import type { StartFailure, StartOutcome } from "./run-starter.ts";
import { insertFrames, insertRun, readFrames, readOwnRun, readRun } from "./run-store.ts";
import type { StoredRun } from "./run-store.ts";
import { RUN_TIMERS } from "./run-timers.ts";
import type { RunTimers } from "./run-timers.ts";
import { openRunSweep } from "./run-sweep.ts";
import { countTokens } from "./token-estimate.ts";
import type { TokenCounter } from "./token-estimate.ts";
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
  meters?: Meters;
  timers?: Partial<RunTimers>;
  /** gives receipts; without it there are none */
  signReceipt?: SignReceipt;
  /** counts on the event loop by default */
  countTokens?: TokenCounter;
}

/** A run as one reader may see it. */
export type OpenedFeed =
  | { type: "feed"; feed: RunFeed; runId: RunId }
  /** the frames were deleted; the document has the text */
  | { type: "gone"; seq: number }
  /** not over, but nobody here writes it now: it is about to be ended, so the reader comes back */
  | { type: "unwritten"; code: "draining" | "overloaded" };

/** `storage_unavailable`: the run was told to stop, but its end could not be stored yet. */
export type StopFailure = "not_found" | "storage_unavailable";

/** How long the end of a run that was cut off may take to be stored. */
const STOP_GRACE_MS = 1000;

export type RunService = ReturnType<typeof openRunService>;

const mayOn = (principal: AccountPrincipal, action: Action, { accountId, workspaceId }: StoredRun): boolean =>
  authorize(principal, action, { kind: "run", ownerId: accountId, workspaceId });

const mayStart = (principal: AccountPrincipal): boolean =>
  authorize(principal, "run.start", {
    kind: "run",
    ownerId: principal.accountId,
    workspaceId: principal.workspaceId,
  });

/**
 * The relay: starts, follows and stops runs. All rights are checked here, at every call; whatever is not the
 * caller's answers `not_found`. Call `recover` before serving, `drain` before stopping, then `close`.
 */
export function openRunService({ timers: changed, ...options }: RunServiceOptions) {
  const timers: RunTimers = { ...RUN_TIMERS, ...changed };
  const { database, clock, log } = options;
  const parts: RunParts = {
    meters: NO_METERS,
    countTokens,
    ...options,
    timers,
    slots: createProviderSlots(clock, timers.queueWait),
    health: createProviderHealth(clock),
    frameClock: createFrameClock(clock),
  };
  const active = new Map<RunId, RunWriter>();
  const starting = new Map<
    RunId,
    { principal: AccountPrincipal; fingerprint: string; outcome: Promise<StartOutcome> }
  >();
  const reading = new Map<RunId, Promise<RunFeed | undefined>>();
  const leaving = new AbortController();
  let closed = false;
  const writers = () => active.values();
  const started = () => Promise.allSettled(Array.from(starting.values(), ({ outcome }) => outcome));
  const followers = createRunFollowers(parts, writers);
  const sweeper = openRunSweep(parts, (id) => active.has(id) || starting.has(id));

  async function start(
    principal: AccountPrincipal,
    id: RunId,
    request: StartRun,
  ): Promise<Result<{ created: boolean; snapshot: RunSnapshot }, StartFailure>> {
    if (!mayStart(principal)) return err({ code: "not_found" });
    const outcome = await findOrAccept(principal, id, request);
    if (!outcome.ok) return outcome;
    const created = outcome.value.type === "accepted";
    const stored = await findWritten(
      outcome.value.type === "accepted" ? outcome.value.plan.stored : outcome.value.stored,
    );
    return stored ? ok({ created, snapshot: await snapshotOf(stored) }) : err(unwritten());
  }

  const unwritten = () => ({ code: leaving.signal.aborted ? "draining" : "overloaded" }) as const;

  /** The run as it is now; `undefined` while it is not over and has no writer here. */
  async function findWritten(before: StoredRun): Promise<StoredRun | undefined> {
    if (active.has(before.id)) return before;
    const stored = isTerminal(before.state) ? before : ((await readRun(database, before.id)) ?? before);
    return isTerminal(stored.state) || active.has(stored.id) ? stored : undefined;
  }

  async function findOrAccept(principal: AccountPrincipal, id: RunId, request: StartRun): Promise<StartOutcome> {
    const underway = starting.get(id);
    if (underway) return joinStart(underway, principal, request);
    const live = active.get(id)?.stored;
    if (live) return replay(parts, principal, live, request);
    const outcome = acceptAndOpen(principal, id, request);
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
    const outcome = await underway.outcome;
    if (!outcome.ok && outcome.failure.code === "not_found") return outcome;
    if (underway.fingerprint !== fingerprintOf(request)) return err({ code: "run_id_reused" });
    if (!outcome.ok || outcome.value.type === "replayed") return outcome;
    return ok({ type: "replayed", stored: outcome.value.plan.stored });
  }

  async function acceptAndOpen(principal: AccountPrincipal, id: RunId, request: StartRun): Promise<StartOutcome> {
    const outcome = await acceptRun(parts, principal, id, request, leaving.signal);
    if (!outcome.ok || outcome.value.type !== "accepted" || closed) return outcome;
    const writer = openRunWriter(parts, outcome.value.plan);
    active.set(id, writer);
    void writer.done.then(() => active.delete(id));
    try {
      // The provider is asked first and answers meanwhile; nobody learns of the run before its answer is placed.
      await setImmediate();
      await writer.place();
    } catch (error) {
      log.error({ runId: id, err: error }, "the answer of a run could not be placed");
      writer.interrupt("log_unavailable");
      return err({ code: "storage_unavailable" });
    }
    return outcome;
  }

  async function snapshotOf(stored: StoredRun): Promise<RunSnapshot> {
    const writer = active.get(stored.id);
    return writer ? snapshotOfWriter(writer) : snapshotOfStored(parts, stored);
  }

  /** Finds a run for an action, waiting for one that is just being started. */
  async function find(principal: AccountPrincipal, action: Action, id: RunId): Promise<StoredRun | undefined> {
    const stored = active.get(id)?.stored ?? (await readOwnRun(database, principal, id));
    if (!stored || !mayOn(principal, action, stored)) return undefined;
    await starting.get(id)?.outcome;
    return stored;
  }

  async function stop(principal: AccountPrincipal, id: RunId): Promise<Result<RunSnapshot, StopFailure>> {
    const stored = await find(principal, "run.stop", id);
    if (stored) {
      const writer = active.get(id);
      writer?.stop();
      // A writer whose log cannot be written ends once it can; the device sends its stop again.
      if (writer && !(await endsWithin(clock, writer.done, timers.stopForced + STOP_GRACE_MS)))
        return err("storage_unavailable");
      return ok(await snapshotOf((await readRun(database, id)) ?? stored));
    }
    if (!mayStart(principal)) return err("not_found");
    const row = createTombstone(principal, id, clock.now());
    const end = createFrame(1, { type: "end", state: "stopped", len: { t: 0, r: 0 } });
    try {
      await database.commit([insertRun(database, row), ...insertFrames(database, id, [end])]);
    } catch (error) {
      if (!(error instanceof CommitError) || error.failure !== "conflict") throw error;
      // Either it is somebody else's, or its start came in between.
      return (await find(principal, "run.stop", id)) ? stop(principal, id) : err("not_found");
    }
    return stop(principal, id);
  }

  /** Readers who come at the same time share one: they follow it before the next turn of the event loop. */
  function readWhole(stored: StoredRun): Promise<RunFeed | undefined> {
    const known = reading.get(stored.id);
    if (known) return known;
    const read = readFrames(database, stored.id).then((frames) =>
      frames.length > 0 ? feedOf(stored, frames) : undefined,
    );
    reading.set(stored.id, read);
    const forget = (): unknown => setImmediate().then(() => reading.delete(stored.id));
    read.then(forget, forget);
    return read;
  }

  async function openFeed(principal: AccountPrincipal, id: RunId): Promise<Result<OpenedFeed, "not_found">> {
    const before = await find(principal, "run.read", id);
    if (!before) return err("not_found");
    const stored = await findWritten(before);
    if (!stored) return ok({ type: "unwritten", ...unwritten() });
    const writer = active.get(id);
    if (writer) return ok({ type: "feed", feed: writer.feed, runId: id });
    const feed = followers.wholeOf(id) ?? (await readWhole(stored));
    return ok(feed ? { type: "feed", feed, runId: id } : { type: "gone", seq: stored.seq });
  }

  return {
    start,
    stop,
    openFeed,
    attach: followers.attach,
    mayFollow: followers.mayFollow,
    clock,
    async snapshot(principal: AccountPrincipal, id: RunId): Promise<Result<RunSnapshot, "not_found">> {
      const stored = await find(principal, "run.read", id);
      return stored ? ok(await snapshotOf(stored)) : err("not_found");
    },
    /** Whether a principal may (still) read a run. */
    mayRead: async (principal: AccountPrincipal, id: RunId): Promise<boolean> =>
      (await find(principal, "run.read", id)) !== undefined,
    /** To be told once the runs of a conversation are another account's in the store. */
    rehomed(id: ConversationId, to: { accountId: AccountId; workspaceId: WorkspaceId }): void {
      for (const { stored } of writers()) if (stored.conversationId === id) Object.assign(stored, to);
    },
    /** Ends what a stopped process left behind. Answers how many runs. */
    recover: (): Promise<number> => recoverRuns(parts),
    sweep: sweeper.sweep,
    /** how many runs are being written now, by state */
    states(): Record<string, number> {
      const counts: Record<string, number> = {};
      for (const { facts } of active.values()) counts[facts.status] = (counts[facts.status] ?? 0) + 1;
      return counts;
    },
    /** how many event streams are open */
    followers: followers.count,
    /** runs that are being written now */
    get live(): number {
      return active.size;
    },
    /** Refuses new runs, lets those under way finish for `ms`, and ends with every run in its document. */
    drain(ms: number): Promise<void> {
      leaving.abort();
      return drainRuns(parts, { followers, started, writers }, ms);
    },
    /** Stops writing at once, as a crash would. `drain` first. */
    async close(): Promise<void> {
      closed = true;
      leaving.abort();
      followers.sendAway("closing");
      for (const writer of writers()) writer.abandon();
      await allDone(writers());
      await sweeper.close();
    },
  };
}
