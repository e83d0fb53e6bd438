import { CloseCode } from "#shared/protocol/close-codes.ts";
import { isSameBytes } from "#shared/lib/same-bytes.ts";
import { parseClientFrame } from "#shared/protocol/sync-frames.ts";
import { createLiveDocument, freshClientId } from "./live-document.ts";
import type { LiveDocument } from "./live-document.ts";
import { createCopyCheck } from "./copy-check-state.ts";
import { fillBatch } from "./room-batch.ts";
import type { Batch, Inbound } from "./room-batch.ts";
import { CLOSED_WITH, answerTooLate } from "./ended-room.ts";
import { EMPTY_FACTS, factsOf, isFoldDue, storedBytes, withCommit, withFold } from "./log-facts.ts";
import type { LogFacts } from "./log-facts.ts";
import type { CommitBatch, CommitOutcome, DocumentLog, LiveDoc, Look, RoomEffect, RoomEvent } from "./room-events.ts";
import { UNBOUNDED } from "./room-memory.ts";
import type { RoomOptions } from "./room-options.ts";
import { createProjection } from "./projection-state.ts";
import { DIGEST_MS, createRoomSessions } from "./room-sessions.ts";
import type { DurableView, RoomSession } from "./room-sessions.ts";
import { decodeStateVector } from "./update-decode.ts";
import { STATE_VECTOR_BYTES } from "./update-limits.ts";

/** A room without sessions is kept so long for whoever comes back (R16). */
export const IDLE_MS = 60_000;
const COMPACT_RETRY_MS = 60_000;

/** What happens to a room without anybody wanting something of it. */
const NO_USE: ReadonlySet<RoomEvent["type"]> = new Set([
  "tick",
  "release",
  "loaded",
  "feed-moved",
  "compacted",
  "compaction-failed",
]);

export interface Room {
  /** Takes one event at a time and answers what to do about it, in order. `now` is in ms and never goes back. */
  handle(event: RoomEvent, now: number): RoomEffect[];
  /** For the simulation's oracles: the live copy, possibly ahead of the log by the commit in flight. */
  liveDoc(): LiveDoc | undefined;
  /** whether `evict` would follow a `release` now */
  isIdle(): boolean;
  /** whether it is idle, and nothing it told the library is to be held against the log (R20) */
  isDone(): boolean;
}

type Phase =
  | { type: "new" | "evicted" }
  /** `isOutdated`: the document was erased since the reading began, so that what is read may be what was erased */
  | { type: "loading"; isOutdated: boolean }
  | { type: "ready"; live: LiveDocument }
  | { type: "committing"; live: LiveDocument; batch: Batch; commit: CommitBatch };

/**
 * The live copy of one document, as a state machine without I/O: no clock, timer, randomness, promise or
 * socket of its own. `handle(event, now)` answers effects; whoever drives it carries them out in order and
 * reports back with events:
 *
 * - the first event of any kind answers `load`; report `loaded` or `load-failed`
 * - `commit` → write the batch atomically with compare-and-set on `expectedHead` → `committed` / `commit-failed`;
 *   at most one is open at a time
 * - `compact` → fold the log (`foldLog`) and swap by compare-and-set → `compacted` / `compaction-failed`
 * - `send`, `close`, `pause`, `resume` → the session's transport; after `close` the session is forgotten
 * - `settled` answers an `edit`; `changed` says that the stored document is a new one; `noticed` is for counters
 * - `evict` ends the room: it answers no event any more
 *
 * Invariant: the live copy is exactly the log, plus the one batch that is being committed. What arrives
 * meanwhile waits and forms the next batch, so nothing that is not durable can leave the room (R6).
 * A room belongs to one account and workspace: the driver sends only sessions of that owner, and reports
 * `load-failed: unknown` where the document is somebody else's (R15).
 */
export function createRoom(options: RoomOptions): Room {
  const { random, idleMs = IDLE_MS, digestMs = DIGEST_MS, foldRows, processorTime, memory = UNBOUNDED } = options;
  let effects: RoomEffect[] = [];
  const emit = (effect: RoomEffect): void => void effects.push(effect);
  const check = createCopyCheck(digestMs);
  const projection = createProjection();
  const sessions = createRoomSessions(emit, () => check.served());

  let phase: Phase = { type: "new" };
  let facts: LogFacts = EMPTY_FACTS;
  let bindings = new Map<number, string>();
  let inbox: Inbound[] = [];
  let looks: Look[] = [];
  let usedAt = 0;
  let changedAt = 0;
  let compaction: { running: boolean; notBefore: number } = { running: false, notBefore: 0 };
  let pins = 0;
  let closing = false;
  /** a claim was lost: whether the sessions may come back is known once the log was read again */
  let dismissAfterLoad = false;

  const weigh = (live: LiveDocument): void => memory.holds(live.weight(storedBytes(facts)));
  const viewOf = (live: LiveDocument): DurableView => ({ live, ...facts });

  function startLoading(): void {
    if (phase.type === "ready" || phase.type === "committing") phase.live.close();
    phase = { type: "loading", isOutdated: false };
    emit({ type: "load" });
  }

  function end(): void {
    if (phase.type === "ready") phase.live.close();
    memory.holds(0);
    phase = { type: "evicted" };
    emit({ type: "evict" });
  }

  function onLoaded(log: DocumentLog, now: number): void {
    bindings = new Map(log.clients);
    const updates = log.checkpoint ? [log.checkpoint, ...log.tail] : log.tail;
    // Not before: whoever comes first takes it, and a room that only reads its log again would be left without.
    memory.holds(0);
    // To who could not begin it, a document that nobody wrote is as somebody else's: not there, and found out as soon.
    if (!log.exists && sessions.nobodyMayClaim() && pins === 0) return onLoadFailed("unknown");
    if (!memory.mayOpen(updates)) return onLoadFailed("crowded");
    const live = createLiveDocument(freshClientId(bindings, random), updates, processorTime, log.kind);
    if (live === undefined) {
      emit({ type: "noticed", what: "broken-log", session: undefined });
      return onLoadFailed("unavailable");
    }
    // Read anew, it has been quiet as long as before.
    if (log.headSeq !== facts.headSeq) changedAt = now;
    facts = factsOf(log);
    weigh(live);
    projection.wasRead(log, live.summary());
    phase = { type: "ready", live };
    if (check.wasRead(live, now)) {
      emit({ type: "noticed", what: "live-copy-wrong", session: undefined });
      // Others may have been served from it.
      sessions.forgetDigests();
    }
    if (dismissAfterLoad) sessions.closeAll(CloseCode.unavailable, "unavailable");
    dismissAfterLoad = false;
    advance(now);
  }

  /**
   * A client's copy of this very state differs from ours: one of the two is wrong, and the log says which.
   * The live copy is rebuilt from it either way, and what the client asks for next is answered from there (R20).
   */
  function onOtherDigest(session: RoomSession, other: { seq: number; hash: Uint8Array }, now: number): void {
    if (!session.extended || phase.type !== "ready" || other.seq !== facts.headSeq) return;
    const shown = sessions.shownDigest(facts.headSeq);
    if (shown === undefined || isSameBytes(shown, other.hash) || !check.believes(now)) return;
    emit({ type: "noticed", what: "diverged", session: session.session });
    check.doubt(phase.live.digest());
    startLoading();
  }

  function onLoadFailed(failure: keyof typeof CLOSED_WITH, wasErased = false): void {
    if (failure === "crowded") emit({ type: "noticed", what: failure, session: undefined });
    sessions.closeAll(CLOSED_WITH[failure], failure, failure === "unknown" && !wasErased);
    for (const item of inbox) {
      if (item.type === "edit") emit({ type: "settled", edit: item.edit, outcome: { ok: false, failure } });
    }
    inbox = [];
    runLooks(failure);
    end();
  }

  function runLooks(stored: Parameters<Look>[0]): void {
    const waiting = looks;
    looks = [];
    for (const look of waiting) look(stored);
  }

  /** Serves whoever waits for durable state, then applies what waits, until there is something to commit. */
  function advance(now: number): void {
    while (phase.type === "ready") {
      const { live } = phase;
      sessions.serve(viewOf(live), now);
      runLooks(facts.exists ? live.view : "unknown");
      if (inbox.length === 0) {
        if (closing) finish(live, now);
        return;
      }
      const batch = fillBatch(inbox, { live, sessions, bindings, memory, emit, ...facts });
      if (batch.rows.length > 0) startCommit(live, batch, now);
      else {
        settle(batch);
        if (batch.broken) startLoading();
      }
    }
  }

  function startCommit(live: LiveDocument, batch: Batch, now: number): void {
    // A copy in doubt projects nothing; what is missing then follows after the reload.
    const isDue = live.isFrozen || projection.isDue(facts, now);
    const summary = !batch.broken && isDue ? live.summary() : undefined;
    const commit: CommitBatch = {
      epoch: facts.epoch,
      expectedHead: facts.headSeq,
      headSeq: facts.headSeq + batch.rows.length,
      rows: batch.rows.map(({ seq, bytes, actor }) => ({ seq, bytes, actor })),
      clients: batch.clients,
      claim: !facts.exists,
      summary,
      at: now,
    };
    phase = { type: "committing", live, batch, commit };
    emit({ type: "commit", batch: commit });
  }

  function settle(batch: Batch): void {
    for (const [session, frames] of batch.settles) sessions.settle(session, frames, facts.headSeq);
    for (const edit of batch.edits) emit({ type: "settled", edit, outcome: { ok: true } });
  }

  function onCommitted(now: number): void {
    if (phase.type !== "committing") return;
    const { live, batch, commit } = phase;
    facts = withCommit(facts, commit);
    weigh(live);
    if (commit.summary !== undefined) {
      projection.wasTold(commit.headSeq, now);
      check.projected();
    }
    phase = { type: "ready", live };
    sessions.broadcast(batch.rows, batch.before, now);
    settle(batch);
    if (batch.rows.length > 0) {
      changedAt = now;
      emit({ type: "changed", headSeq: facts.headSeq });
    }
    if (batch.broken) startLoading();
    else advance(now);
  }

  function onCommitFailed(failure: CommitOutcome): void {
    if (phase.type !== "committing") return;
    const { batch, commit, live } = phase;
    emit({ type: "noticed", what: "commit-failed", session: undefined });
    for (const edit of batch.edits) emit({ type: "settled", edit, outcome: { ok: false, failure } });
    if (closing) {
      // Tried again, a store that takes nothing would keep the process for ever; nothing of this was promised.
      live.close();
      return onLoadFailed("unavailable");
    }
    inbox = inbox.filter((item) => item.type === "edit");
    if (commit.claim && failure === "conflict") dismissAfterLoad = true;
    else sessions.closeAll(CloseCode.unavailable, "unavailable");
    startLoading();
  }

  function onReceived(session: RoomSession, message: Uint8Array, now: number): void {
    if (closing || dismissAfterLoad) return;
    const frame = parseClientFrame(message);
    if (!frame.ok) return frame.failure === "malformed" ? sessions.malformed(session) : undefined;
    switch (frame.value.type) {
      case "step1": {
        const { stateVector } = frame.value;
        if (stateVector.byteLength > STATE_VECTOR_BYTES || !decodeStateVector(stateVector))
          return sessions.malformed(session);
        session.wants = stateVector;
        return advance(now);
      }
      case "step2":
      case "update": {
        const { update } = frame.value;
        if (!sessions.wait(session, update.byteLength)) return sessions.sendAway(session, "flooded");
        inbox.push({ type: "update", session: session.session, frame: session.received, update });
        return advance(now);
      }
      case "awareness":
        return sessions.hear(session, frame.value.update, now) ? undefined : sessions.malformed(session);
      case "digest":
        return onOtherDigest(session, frame.value, now);
      case "query-awareness":
        // Answered like a catch-up: once the room knows whose document it is, and the transport flows.
        session.missedAwareness = true;
        return advance(now);
    }
  }

  /** A commit without rows, so that the library shows what earlier commits left out. */
  function project(live: LiveDocument, now: number): void {
    const none = { rows: [], clients: [], settles: new Map(), edits: [], before: new Uint8Array(), bytes: 0 };
    projection.hurry();
    startCommit(live, { ...none, broken: false }, now);
  }

  function finish(live: LiveDocument, now: number): void {
    sessions.closeAll(CloseCode.unavailable, "restarting");
    if (!projection.isCurrent(facts)) project(live, now);
    else if (!compaction.running) end();
  }

  function onTick(now: number): void {
    sessions.closeDead(now);
    advance(now);
    if (phase.type !== "ready") return;
    if (check.isDue({ idle: isIdle(), usedAt, changedAt }, now)) {
      check.doubt(phase.live.digest());
      return startLoading();
    }
    sessions.showDigests(viewOf(phase.live), { changedAt, digestMs }, now);
    if (projection.isLate(facts, now)) return project(phase.live, now);
    compactIfDue(now);
    if (isIdle() && now - usedAt >= idleMs) end();
  }

  function compactIfDue(now: number): void {
    if (compaction.running || closing || now < compaction.notBefore || !isFoldDue(facts, foldRows)) return;
    compaction = { running: true, notBefore: now + COMPACT_RETRY_MS };
    emit({ type: "compact" });
  }

  function onCompacted(through: number, bytes: number, now: number): void {
    compaction = { running: false, notBefore: now };
    facts = withFold(facts, through, bytes);
    advance(now);
  }

  function isIdle(): boolean {
    const needed = sessions.size() > 0 || inbox.length > 0 || pins > 0 || compaction.running;
    return phase.type === "ready" && !needed && projection.isCurrent(facts);
  }

  function handleEvent(event: RoomEvent, now: number): void {
    switch (event.type) {
      case "loaded":
        if (phase.type !== "loading") return;
        return phase.isOutdated ? startLoading() : onLoaded(event.log, now);
      case "load-failed":
        return phase.type === "loading" ? onLoadFailed(event.failure, event.wasErased) : undefined;
      case "joined":
        sessions.join(event);
        return advance(now);
      case "received":
      case "drained":
      case "left":
        return handleSessionEvent(event, now);
      case "committed":
        return onCommitted(now);
      case "commit-failed":
        return onCommitFailed(event.failure);
      case "compacted":
        return onCompacted(event.through, event.bytes, now);
      case "compaction-failed":
        compaction = { ...compaction, running: false };
        return advance(now);
      case "edit":
        inbox.push(event);
        return advance(now);
      case "look":
        looks.push(event.look);
        return advance(now);
      case "pin":
      case "unpin":
        pins += event.type === "pin" ? 1 : -1;
        return;
      case "feed-moved":
        return sessions.showFeedMoved(now);
      case "tick":
        return onTick(now);
      case "erased":
        // The log is read again, and is not there: at once, or after the answer to what is being committed or read.
        if (phase.type === "committing") phase.batch.broken = true;
        if (phase.type === "loading") phase.isOutdated = true;
        return phase.type === "ready" ? startLoading() : undefined;
      case "release":
        return isIdle() ? end() : undefined;
      case "closing":
        closing = true;
        return advance(now);
    }
  }

  function handleSessionEvent(event: Extract<RoomEvent, { type: "received" | "drained" | "left" }>, now: number): void {
    const session = sessions.get(event.session);
    if (session === undefined) return;
    switch (event.type) {
      case "received":
        return onReceived(session, event.message, now);
      case "drained":
        return advance(now);
      case "left":
        return sessions.forget(event.session);
    }
  }

  return {
    handle(event, now) {
      effects = [];
      if (phase.type === "evicted") return answerTooLate(event);
      if (!NO_USE.has(event.type)) usedAt = now;
      if (phase.type === "new") startLoading();
      handleEvent(event, now);
      return effects;
    },
    liveDoc: () => (phase.type === "ready" || phase.type === "committing" ? phase.live.doc : undefined),
    isIdle,
    isDone: () => isIdle() && !check.isOwed(),
  };
}
