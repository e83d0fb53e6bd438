import { CloseCode } from "#shared/protocol/close-codes.ts";
import { MAX_FRAME_BYTES, encodeFrame } from "#shared/protocol/sync-frames.ts";
import type { NackCode, ServerFrame } from "#shared/protocol/sync-frames.ts";
import { nextAwareness, wholeAwareness, withoutSession } from "./awareness-state.ts";
import type { Awareness } from "./awareness-state.ts";
import { storedBytes } from "./log-facts.ts";
import type { LogFacts } from "./log-facts.ts";
import type { LiveDocument } from "./live-document.ts";
import type { JoiningSession, RoomEffect, SessionId } from "./room-events.ts";
import { nextFlow } from "./slow-socket-state.ts";
import type { Flow, Standstill } from "./slow-socket-state.ts";

/** More waiting than this, and the transport is asked to stop reading until the room caught up. */
const PAUSE_BYTES = 1024 * 1024;
const PAUSE_FRAMES = 256;
/** What a transport may still deliver after it was told to stop; beyond it the peer ignores us. */
const FLOOD_BYTES = 16 * 1024 * 1024;
const FLOOD_FRAMES = 8_192;

/**
 * To answer a SyncStep1 all of a document is looked at, however little is sent: whoever asks again and again has 8 MB a
 * second looked at for them. Short documents do not wait.
 */
const LONG_DOCUMENT_BYTES = 256 * 1024;
const ANSWERED_BYTES_PER_MS = 8_000;

/** A digest is worth computing once nobody has written for so long. */
export const QUIET_MS = 5_000;
/** Copies are compared so often, also where nothing is written: memory and disks rot (R20). */
export const DIGEST_MS = 5 * 60_000;

/** One client's connection, as the room remembers it. */
export interface RoomSession extends JoiningSession {
  greeted: boolean;
  /** the state vector of a SyncStep1 that waits for its answer; a newer one replaces it */
  wants: Uint8Array | undefined;
  /** when the next SyncStep1 is answered at the earliest, in ms */
  answersAt: number;
  /** whether the server shall ask for what it lacks */
  owesStep1: boolean;
  /** got its first SyncStep2, so it gets what comes after */
  live: boolean;
  /** while behind: the state vector up to which it got everything */
  behindFrom: Uint8Array | undefined;
  missedAwareness: boolean;
  standstill: Standstill;
  /** document frames received, and how many of them are settled (R9) */
  received: number;
  settled: number;
  waitingBytes: number;
  waitingFrames: number;
  paused: boolean;
  /** the head whose digest was sent */
  digestSeq: number | undefined;
}

/** What sessions may be shown: a copy that is exactly what is stored. */
export interface DurableView extends LogFacts {
  live: LiveDocument;
}

/** A stored row on its way to the sessions. */
export interface FreshRow {
  bytes: Uint8Array;
  from: SessionId | undefined;
}

export type RoomSessions = ReturnType<typeof createRoomSessions>;

/**
 * Everything a room tells its sessions, and what it remembers to tell them. Emits effects; decides no content.
 * @param onServed somebody is sent what the live copy holds
 */
export function createRoomSessions(emit: (effect: RoomEffect) => void, onServed: () => void) {
  const sessions = new Map<SessionId, RoomSession>();
  let awareness: Awareness = new Map();
  let digest: { seq: number; hash: Uint8Array } | undefined;

  let digestedAt = 0;

  function forgetDigests(): void {
    digest = undefined;
    for (const session of sessions.values()) session.digestSeq = undefined;
  }

  const send = (to: RoomSession, frame: ServerFrame): void =>
    emit({ type: "send", session: to.session, frame: encodeFrame(frame) });

  function flowOf(session: RoomSession, now: number): Flow {
    const { standstill, flow } = nextFlow(session.standstill, session.held(), now);
    session.standstill = standstill;
    return flow;
  }

  /** @param now looks at each transport anew; where absent, as it was found last */
  function showAwareness(update: Uint8Array | undefined, now?: number): void {
    if (update === undefined) return;
    for (const session of sessions.values()) {
      if (now !== undefined) flowOf(session, now);
      const waits = !session.greeted || session.behindFrom !== undefined || session.standstill !== undefined;
      if (waits) session.missedAwareness = true;
      else send(session, { type: "awareness", update });
    }
  }

  /** Answers even where nobody is there: to the one who asks it is also a sign of life (C8). */
  function showAllAwareness(session: RoomSession): void {
    session.missedAwareness = false;
    send(session, { type: "awareness", update: wholeAwareness(awareness) });
  }

  function forget(id: SessionId): void {
    if (!sessions.delete(id)) return;
    const left = withoutSession(awareness, id);
    awareness = left.awareness;
    showAwareness(left.shown);
  }

  function close(id: SessionId, code: CloseCode, reason: string, isRefusal = false): void {
    if (!sessions.has(id)) return;
    emit({ type: "close", session: id, code, reason, ...(isRefusal && { isRefusal }) });
    forget(id);
  }

  function sendAway({ session }: RoomSession, why: "flooded" | "crowded" | "slow"): void {
    emit({ type: "noticed", what: why, session });
    close(session, CloseCode.tryAgainLater, why);
  }

  function malformed({ session }: RoomSession): void {
    emit({ type: "noticed", what: "malformed", session });
    close(session, CloseCode.invalid, "malformed");
  }

  function sendDigest(session: RoomSession, view: DurableView): void {
    if (!session.extended || session.digestSeq === view.headSeq) return;
    if (digest?.seq !== view.headSeq) digest = { seq: view.headSeq, hash: view.live.digest() };
    session.digestSeq = view.headSeq;
    send(session, { type: "digest", seq: digest.seq, hash: digest.hash });
  }

  function greet(session: RoomSession, view: DurableView): void {
    session.greeted = true;
    const isOther = session.kind !== undefined && session.kind !== view.live.view.kind;
    if (isOther || (!view.exists && !session.mayClaim)) return close(session.session, CloseCode.gone, "unknown", true);
    if (session.epoch !== view.epoch) {
      if (session.epoch < view.epoch) return close(session.session, CloseCode.oldEpoch, "old-epoch");
      // Written down where nobody wrote it, too: somebody else's cannot be told from it by what the log says.
      return close(session.session, CloseCode.gone, "unknown", !view.exists);
    }
    const { epoch, headSeq } = view;
    const mayWrite = view.exists ? session.mayWrite && !view.live.isFrozen : session.mayClaim;
    if (session.extended) send(session, { type: "hello", epoch, headSeq, mayWrite, maxFrameBytes: MAX_FRAME_BYTES });
    // Whoever may not write has nothing that we lack.
    session.owesStep1 = mayWrite;
    if (awareness.size > 0) showAllAwareness(session);
  }

  function answer(session: RoomSession, view: DurableView, now: number): void {
    if (session.wants !== undefined && now >= session.answersAt) {
      const update = view.live.since(session.wants);
      const bytes = storedBytes(view);
      if (bytes > LONG_DOCUMENT_BYTES) session.answersAt = now + bytes / ANSWERED_BYTES_PER_MS;
      session.wants = undefined;
      session.behindFrom = undefined;
      session.live = true;
      onServed();
      send(session, { type: "step2", update });
      sendDigest(session, view);
    } else if (session.wants === undefined && session.behindFrom !== undefined) {
      const update = view.live.since(session.behindFrom);
      session.behindFrom = undefined;
      onServed();
      send(session, { type: "update", update });
    }
    if (session.missedAwareness) showAllAwareness(session);
  }

  return {
    size: (): number => sessions.size,
    /** whether there are sessions, and none of them could begin the document */
    nobodyMayClaim: (): boolean => sessions.size > 0 && ![...sessions.values()].some(({ mayClaim }) => mayClaim),
    get: (id: SessionId): RoomSession | undefined => sessions.get(id),
    send,
    close,
    forget,
    /** @param isRefusal of what those who only come now asked for; who was let in before lost it in the meantime */
    closeAll(code: CloseCode, reason: string, isRefusal = false): void {
      // All leave before anybody is told that somebody left.
      awareness = new Map();
      for (const [id, { greeted }] of sessions) close(id, code, reason, isRefusal && !greeted);
    },
    join(joining: JoiningSession): void {
      sessions.set(joining.session, {
        ...joining,
        greeted: false,
        wants: undefined,
        answersAt: -Infinity,
        owesStep1: false,
        live: false,
        behindFrom: undefined,
        missedAwareness: false,
        standstill: undefined,
        received: 0,
        settled: 0,
        waitingBytes: 0,
        waitingFrames: 0,
        paused: false,
        digestSeq: undefined,
      });
    },

    /** Counts a document frame as waiting. Answers false where the peer floods us. */
    wait(session: RoomSession, bytes: number): boolean {
      session.received += 1;
      session.waitingBytes += bytes;
      session.waitingFrames += 1;
      if (session.waitingBytes > FLOOD_BYTES || session.waitingFrames > FLOOD_FRAMES) return false;
      if (!session.paused && (session.waitingBytes > PAUSE_BYTES || session.waitingFrames > PAUSE_FRAMES)) {
        session.paused = true;
        emit({ type: "pause", session: session.session });
      }
      return true;
    },
    taken(session: RoomSession, bytes: number): void {
      session.waitingBytes -= bytes;
      session.waitingFrames -= 1;
      if (session.paused && session.waitingFrames === 0) {
        session.paused = false;
        emit({ type: "resume", session: session.session });
      }
    },
    /** Names a frame that was not taken; the `ack` that passes it follows with the others (R9). */
    refuse(session: RoomSession, frame: number, code: NackCode): void {
      if (session.extended) send(session, { type: "nack", frame, code });
      emit({ type: "noticed", what: code, session: session.session });
      if (code === "invalid") close(session.session, CloseCode.invalid, "invalid");
      if (code === "gap") session.owesStep1 = true;
    },
    /** Has a session come back later, with what it holds. */
    sendAway,
    malformed,
    settle(id: SessionId, frames: number, headSeq: number): void {
      const session = sessions.get(id);
      if (session === undefined || frames <= session.settled) return;
      session.settled = frames;
      if (session.extended) send(session, { type: "ack", frames, headSeq });
    },

    /** Answers whatever waited for a copy that is exactly what is stored. */
    serve(view: DurableView, now: number): void {
      for (const session of sessions.values()) {
        if (!session.greeted) greet(session, view);
        if (!sessions.has(session.session)) continue;
        if (session.owesStep1) {
          session.owesStep1 = false;
          send(session, { type: "step1", stateVector: view.live.stateVector() });
        }
        if (flowOf(session, now) === "flowing") answer(session, view, now);
      }
    },
    /**
     * Shows stored rows to everybody who is up to date; others catch up when their transport flows again.
     * @param before the state vector of the document without these rows
     */
    broadcast(rows: readonly FreshRow[], before: Uint8Array, now: number): void {
      for (const session of sessions.values()) {
        if (!session.live) continue;
        for (const row of rows) {
          if (session.behindFrom === undefined && flowOf(session, now) !== "flowing") session.behindFrom = before;
          if (session.behindFrom !== undefined) break;
          // A stock client takes the echo of its own update as the news that it is stored (R10).
          const own = row.from === session.session;
          if (!(own && session.extended)) send(session, { type: "update", update: row.bytes });
        }
      }
    },
    /**
     * After a quiet period: sends the digest to whoever did not get it for this head, and every `digestMs` to all.
     * @param times `changedAt`: when the document was written last, in ms like `now`
     */
    showDigests(
      view: DurableView,
      { changedAt, digestMs }: { changedAt: number; digestMs: number },
      now: number,
    ): void {
      if (now - changedAt < QUIET_MS) return;
      if (now - digestedAt >= digestMs) {
        forgetDigests();
        digestedAt = now;
      }
      for (const session of sessions.values()) {
        if (session.live && session.behindFrom === undefined && session.wants === undefined) sendDigest(session, view);
      }
    },
    /** Makes every session due for a digest again, as when what they were sent may be wrong. */
    forgetDigests,
    /** The digest that sessions were shown of this head; without one nobody can say that theirs is another. */
    shownDigest: (headSeq: number): Uint8Array | undefined => (digest?.seq === headSeq ? digest.hash : undefined),
    /** Tells whoever can take it that the feed moved (R19); a client that is behind looks by itself. */
    showFeedMoved(now: number): void {
      for (const session of sessions.values()) {
        if (session.extended && session.greeted && flowOf(session, now) === "flowing") send(session, { type: "feed" });
      }
    },
    closeDead(now: number): void {
      for (const session of sessions.values()) {
        if (flowOf(session, now) !== "dead") continue;
        sendAway(session, "slow");
      }
    },
    /** Takes presence from one session and shows it to all. Answers false where the bytes are malformed. */
    hear(session: RoomSession, update: Uint8Array, now: number): boolean {
      const heard = nextAwareness(awareness, session.session, update);
      if (heard === undefined) return false;
      awareness = heard.awareness;
      showAwareness(heard.shown, now);
      return true;
    },
  };
}
