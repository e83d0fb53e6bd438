import type { ConversationDocument } from "#shared/documents/conversation.ts";
import type { SnapshotDocument } from "#shared/documents/snapshot.ts";
import type { DocumentId } from "#shared/domain/ids.ts";
import type { DocumentKind, RoomName } from "#shared/domain/room-name.ts";
import { CloseCode } from "#shared/protocol/close-codes.ts";
import { authorize as authorizeByPolicy } from "#server/access/authorize.ts";
import type { Action, Resource } from "#server/access/authorize.ts";
import { actorOf } from "#server/access/principal.ts";
import type { Principal } from "#server/access/principal.ts";
import { openTenant } from "#server/access/tenant.ts";
import { NO_METERS } from "#server/observability/meters.ts";
import type { Meters } from "#server/observability/meters.ts";
import { outsideOfSpans } from "#server/observability/spans.ts";
import { CommitError } from "#server/storage/database.ts";
import type { Database } from "#server/storage/database.ts";
import type { DocumentView } from "./document-kinds.ts";
import { createFeedTeller } from "./feed-teller.ts";
import type { FeedOwner } from "./feed-teller.ts";
import { openFoldThread } from "./fold-thread.ts";
import type { FoldThread } from "./fold-thread.ts";
import { createMemoryBudget } from "./memory-budget-state.ts";
import { BATCHES_AT_ONCE, pullDocuments } from "./pull-documents.ts";
import { pushUpdate } from "./push-update.ts";
import type { PushParts } from "./push-update.ts";
import { createRoomDriver } from "./room-driver.ts";
import type { RoomClock, RoomDriver, RoomLogger } from "./room-driver.ts";
import type { RoomKey } from "./room-log.ts";
import { shareOf } from "./room-memory.ts";
import { DocumentGone, RoomsCrowded } from "./rooms.ts";
import type { Rooms, Session, SessionTransport } from "./rooms.ts";
import { projectStaleSummaries } from "./stale-summaries.ts";
import { createTurnstile } from "#server/lib/turnstile.ts";

/** How often rooms are told that time passed. */
const TICK_MS = 500;
/** About 1 MB each for a long conversation: what a small server can spare for people who come back. */
const IDLE_ROOMS = 100;
/** How long to wait before a document that could not be opened is tried again for somebody who waits. */
const RETRY_MS = 1_000;

export interface RoomsOptions {
  database: Database;
  clock: RoomClock;
  /** a number in [0, 1) */
  random: () => number;
  log: RoomLogger;
  meters?: Meters;
  /** where logs are folded; a thread of its own where absent */
  folding?: FoldThread;
  /** how long a room without sessions is kept, in ms; 60 s where absent */
  idleMs?: number;
  idleRooms?: number;
  /** how much of the heap live documents may take, in bytes; as much as they like where absent */
  memoryBytes?: number;
  /** how often each open room has its clients compare their copies, in ms; 5 min where absent */
  digestMs?: number;
  /** the most rows of a log that are left unfolded, 200 by default */
  foldRows?: number;
  /** the policy; replaced only to try rights that no principal has yet */
  authorize?: (principal: Principal, action: Action, resource: Resource | undefined | "none") => boolean;
}

/**
 * Opens the live documents over a database. Rooms are kept by document and owner: an account that asks for a
 * document of another one gets a room of its own, which finds nothing there (R15).
 */
export function openRooms(options: RoomsOptions): Rooms {
  const { database, log, meters = NO_METERS, authorize = authorizeByPolicy, idleRooms = IDLE_ROOMS } = options;
  const clock: RoomClock = {
    now: () => options.clock.now(),
    steady: () => (options.clock.steady ?? options.clock.now)(),
    // A room outlives the request that opened it, and serves others.
    after: (ms, run) => outsideOfSpans(() => options.clock.after(ms, run)),
  };
  /** least recently used first */
  const drivers = new Map<string, RoomDriver>();
  const ends = new Set<() => void>();
  let cancelTick: (() => void) | undefined;
  const feeds = createFeedTeller(clock, tellFeedMoved);
  let closed = false;
  const isOpen = (): boolean => !closed;
  const memory = createMemoryBudget(options.memoryBytes ?? Infinity);
  const folding = options.folding ?? openFoldThread();
  const turnstile = createTurnstile(BATCHES_AT_ONCE);

  function driverOf(key: RoomKey): RoomDriver {
    const name = `${key.id}/${key.accountId}/${key.workspaceId}`;
    const driver = drivers.get(name) ?? createDriver(key, name);
    drivers.delete(name);
    drivers.set(name, driver);
    cancelTick ??= clock.after(TICK_MS, tick);
    return driver;
  }

  function createDriver(key: RoomKey, name: string): RoomDriver {
    const { random, idleMs, digestMs, foldRows } = options;
    const driver = createRoomDriver({
      key,
      database,
      clock,
      random,
      log,
      fold: folding.fold,
      ...(idleMs !== undefined && { idleMs }),
      ...(digestMs !== undefined && { digestMs }),
      foldRows,
      memory: shareOf(memory, name, makeRoom),
      onNotice: meters.noticed,
      onFeedMoved: () => (closed ? undefined : feeds.moved(key)),
      onEnd,
    });
    function onEnd(): void {
      if (drivers.get(name) === driver) drivers.delete(name);
      for (const end of ends) end();
    }
    return driver;
  }

  /** Evicts rooms that nobody uses, least recently used first, while so many more bytes do not fit (R16). */
  function makeRoom(more: number): void {
    for (const driver of drivers.values()) {
      if (memory.excess(more) <= 0) return;
      if (driver.isIdle()) driver.dispatch({ type: "release" });
    }
  }

  function tellFeedMoved({ accountId, workspaceId }: FeedOwner): void {
    for (const driver of drivers.values()) {
      const { key } = driver;
      if (key.accountId === accountId && key.workspaceId === workspaceId) driver.dispatch({ type: "feed-moved" });
    }
  }

  function tick(): void {
    cancelTick = undefined;
    for (const driver of drivers.values()) driver.dispatch({ type: "tick" });
    const idle = [...drivers.values()].filter((driver) => driver.isDone());
    for (const driver of idle.slice(0, Math.max(0, idle.length - idleRooms))) driver.dispatch({ type: "release" });
    makeRoom(0);
    if (drivers.size > 0) cancelTick = clock.after(TICK_MS, tick);
  }

  /** Whatever is live of a document is what is stored of it from now on: nothing, where it is somebody else's. */
  function readAgain(owner: FeedOwner, id: DocumentId): void {
    for (const driver of drivers.values()) if (driver.key.id === id) driver.dispatch({ type: "erased" });
    if (!closed) feeds.moved(owner);
  }

  const mayOwn = (principal: Principal, action: Action): boolean => authorize(principal, action, ownedBy(principal));

  const refused: Session = { receive: () => undefined, drained: () => undefined, left: () => undefined };

  function enter(
    principal: Principal,
    { id, epoch, kind }: Pick<RoomName, "id" | "epoch"> & { kind: DocumentKind | undefined },
    transport: SessionTransport,
    { extended, may }: { extended: boolean; may: boolean },
  ): Session {
    if (closed || !may) {
      if (!closed) transport.refused?.("document.read");
      transport.close(closed ? CloseCode.unavailable : CloseCode.gone, closed ? "unavailable" : "unknown");
      return refused;
    }
    const mayWrite = mayOwn(principal, "document.write");
    const mayClaim = kind !== "snapshot" && mayWrite && authorize(principal, "document.claim", undefined);
    const joining = { actor: actorOf(principal), kind, epoch, mayWrite, mayClaim, extended };
    return driverOf(keyOf(principal, id)).join(joining, transport);
  }

  /** Whoever pushes is told nothing of what is there: the right to write is enough. Who may only read is told that. */
  const enterToPush: PushParts["join"] = (principal, place, transport) => {
    const may = mayOwn(principal, "document.write") || mayOwn(principal, "document.read");
    return enter(principal, { ...place, kind: undefined }, transport, { extended: true, may });
  };

  async function edit(
    principal: Principal,
    id: DocumentId,
    kind: DocumentKind,
    change: (view: DocumentView) => void,
  ): Promise<void> {
    if (closed) throw new CommitError("unavailable");
    if (!mayOwn(principal, "document.write")) throw new DocumentGone();
    const outcome = await driverOf(keyOf(principal, id)).edit(kind, change);
    if (outcome.ok) return;
    if (outcome.failure === "threw") throw outcome.error;
    if (outcome.failure === "unknown") throw new DocumentGone();
    if (outcome.failure === "crowded") throw new RoomsCrowded();
    throw new CommitError(outcome.failure);
  }

  const rooms: Rooms = {
    async admits(principal, name) {
      if (closed) return { ok: false, failure: "unavailable" };
      const found = await openTenant(database, principal).room(name.id);
      if (found === "foreign") return { ok: false, failure: "unknown" };
      const { epoch, erased, kind } = found === "unclaimed" ? UNCLAIMED_ROOM : found;
      const mayOpen =
        found === "unclaimed"
          ? authorize(principal, "document.claim", undefined)
          : !erased && mayOwn(principal, "document.read");
      if (name.kind !== kind) return { ok: false, failure: "unknown" };
      if (!mayOpen || name.epoch > epoch) return { ok: false, failure: "unknown" };
      return name.epoch < epoch ? { ok: false, failure: "old-epoch" } : { ok: true };
    },

    join: (principal, name, transport, extended) =>
      enter(principal, name, transport, { extended, may: mayOwn(principal, "document.read") }),

    async read(principal, id, look) {
      if (closed) throw new CommitError("unavailable");
      if (!mayOwn(principal, "document.read")) return undefined;
      return driverOf(keyOf(principal, id)).look((view) => {
        const conversation = conversationIn(view);
        return conversation && look(conversation);
      });
    },

    async waitFor(principal, id, ready, signal) {
      if (!mayOwn(principal, "document.read")) return false;
      while (isOpen() && !signal.aborted) {
        const driver = driverOf(keyOf(principal, id));
        const change = nextChange(driver, signal);
        // Somebody else's document is waited for like one that nobody wrote: the time taken tells nothing.
        if (await isReady(driver, ready)) {
          change.stop();
          return true;
        }
        await change.happened;
        if (![...drivers.values()].includes(driver)) await pause(RETRY_MS, signal);
      }
      return false;
    },

    edit: (principal, id, change) => edit(principal, id, "conversation", (view) => changeConversation(view, change)),
    editSnapshot: (principal, id, change) => edit(principal, id, "snapshot", (view) => changeSnapshot(view, change)),

    async pull(principal, wanted, onRefused) {
      if (closed) throw new CommitError("unavailable");
      if (!mayOwn(principal, "document.read")) return wanted.map(() => ({ type: "gone" }));
      const parts = { database, foldSince: folding.foldSince, turnstile, log, onRefused };
      return await pullDocuments(parts, principal, wanted);
    },
    push: (principal, pushed, onRefused) => pushUpdate({ join: enterToPush, clock, onRefused }, principal, pushed),
    erased: readAgain,
    created: readAgain,
    rehomed: readAgain,

    count: () => drivers.size,
    heapBytes: () => memory.total(),

    async close() {
      closed = true;
      feeds.close();
      for (const driver of drivers.values()) driver.dispatch({ type: "closing" });
      while (drivers.size > 0) await new Promise<void>((resolve) => ends.add(resolve));
      cancelTick?.();
      await folding.close();
    },
  };

  function pause(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const done = (): void => {
        cancel();
        signal.removeEventListener("abort", done);
        resolve();
      };
      const cancel = clock.after(ms, done);
      signal.addEventListener("abort", done);
    });
  }

  void projectStaleSummaries(database, log, async (key) => {
    // The room's own upkeep does the rest once it is loaded.
    if (!closed) await driverOf(key).look(() => undefined);
  });
  return rooms;
}

/** What nobody wrote yet could only become a conversation. */
const UNCLAIMED_ROOM = { epoch: 0, erased: false, kind: "conversation" } as const;

const conversationIn = (view: DocumentView | undefined): ConversationDocument | undefined =>
  view?.kind === "conversation" ? view.conversation : undefined;

// The room calls each for a document of its kind only.
function changeConversation(view: DocumentView, change: (conversation: ConversationDocument) => void): void {
  if (view.kind === "conversation") change(view.conversation);
}
function changeSnapshot(view: DocumentView, change: (snapshot: SnapshotDocument) => void): void {
  if (view.kind === "snapshot") change(view.snapshot);
}

const keyOf = ({ accountId, workspaceId }: Principal, id: DocumentId): RoomKey => ({ id, accountId, workspaceId });

const ownedBy = ({ accountId, workspaceId }: Principal): Resource => ({
  kind: "document",
  ownerId: accountId,
  workspaceId,
});

/** The first change of the document, end of its room, or abort after this call. */
function nextChange(driver: RoomDriver, signal: AbortSignal): { happened: Promise<void>; stop: () => void } {
  const stopping = new AbortController();
  const happened = new Promise<void>((resolve) => {
    const unwatch = driver.watch(() => stopping.abort());
    signal.addEventListener("abort", () => stopping.abort(), { signal: stopping.signal });
    stopping.signal.addEventListener("abort", () => {
      unwatch();
      resolve();
    });
  });
  return { happened, stop: () => stopping.abort() };
}

/** Whether the document exists, can be read now, and is what somebody waits for. */
async function isReady(driver: RoomDriver, ready: (conversation: ConversationDocument) => boolean): Promise<boolean> {
  try {
    return await driver.look((view) => {
      const conversation = conversationIn(view);
      return conversation !== undefined && ready(conversation);
    });
  } catch (error) {
    if (error instanceof CommitError) return false;
    throw error;
  }
}
