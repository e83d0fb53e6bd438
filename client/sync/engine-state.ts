import * as Y from "yjs";
import type { contentDigest } from "#shared/documents/canonical-content.ts";
import { backoffMs } from "#shared/lib/backoff.ts";
import { isSameBytes } from "#shared/lib/same-bytes.ts";
import { isFinalClose } from "#shared/protocol/close-codes.ts";
import { MAX_FRAME_BYTES, encodeFrame, parseFrame } from "#shared/protocol/sync-frames.ts";
import type { ClientFrame, ExtensionFrame, ServerFrame } from "#shared/protocol/sync-frames.ts";
import type { Engine, EngineEffect, EngineInput, EngineView, RefusalCode } from "./engine-events.ts";
import { createPendingEdits } from "./pending-edits-state.ts";

/** ms without a byte until the server is asked for a sign of life (C8) */
export const SILENCE_MS = 15_000;
/** ms the server has to answer that (C8) */
export const ANSWER_MS = 10_000;
/** ms the server has to answer after a wake-up, when the socket may be long dead (C8) */
export const WAKE_ANSWER_MS = 5_000;
const OPEN_MS = 10_000;
const RETRY_BASE_MS = 500;
const RETRY_CAP_MS = 30_000;
/** room for the frame's own header below the size limit */
const FRAME_HEADER_BYTES = 16;
/** how often the same thing is tried again within one connection before it is given up */
const ATTEMPTS = 3;

type Link =
  | { status: "idle" }
  | { status: "waiting"; retryAt: number }
  | { status: "connecting"; giveUpAt: number }
  | OpenLink
  | { status: "ended" };

interface OpenLink {
  status: "open";
  /** our state was sent in answer to the server's SyncStep1; edits follow as frames (C3) */
  answered: boolean;
  /** the server's SyncStep2 came */
  arrived: boolean;
  /** the server takes edits on this connection, as far as we know */
  writable: boolean;
  maxFrameBytes: number;
  heardAt: number;
  answerBy: number | undefined;
  /** only an answer counts as a sign of life: what else comes after a wake-up may have left long before it */
  doubted: boolean;
  /** SyncStep1 was sent again because of pending structs (C6) */
  asking: boolean;
  timesAsked: number;
  timesGap: number;
  /** how often a digest differed, and all the server has did not */
  timesInVain: number;
  /** our digest when the server was asked for all it has, to hold it against our copy (C9) */
  comparing: Uint8Array | undefined;
}

/** Answers what a document's content is compared by; absent as long as the code for that is not here. */
export type DigestCode = () => typeof contentDigest | undefined;

interface EngineOptions {
  doc: Y.Doc;
  remoteOrigin: unknown;
  /** answers a number in [0, 1), for the jitter */
  random: () => number;
  digest: DigestCode;
}

/**
 * A state machine without clock, timers, sockets or storage (rules C1–C9 of RULES.md). It reads and applies to
 * `doc`, with `remoteOrigin`, and nothing else. Whoever drives it hands in each event, carries out the effects in
 * order, and hands in `tick` when `view().timerAt` is reached (read it again after each `handle`).
 */
export function createEngine(options: EngineOptions): Engine {
  const { doc, remoteOrigin, random, digest: digestCode } = options;
  const pending = createPendingEdits();
  let link: Link = { status: "idle" };
  let attempt = 0;
  let headSeq = 0;
  let refused: RefusalCode | undefined;
  let effects: EngineEffect[] = [];

  const emit = (effect: EngineEffect): void => void effects.push(effect);
  const send = (frame: ClientFrame): void => emit({ type: "send", message: encodeFrame(frame) });
  const incomplete = (): boolean => doc.store.pendingStructs !== null || doc.store.pendingDs !== null;

  function connect(now: number): void {
    link = { status: "connecting", giveUpAt: now + OPEN_MS };
    emit({ type: "connect" });
  }

  function retryLater(now: number): void {
    pending.connectionLost();
    link = { status: "waiting", retryAt: now + backoffMs(attempt++, RETRY_BASE_MS, RETRY_CAP_MS, random()) };
  }

  function drop(now: number): void {
    emit({ type: "disconnect" });
    retryLater(now);
  }

  function onOpened(now: number): void {
    if (link.status !== "connecting") return;
    link = {
      status: "open",
      answered: false,
      arrived: false,
      writable: true,
      maxFrameBytes: MAX_FRAME_BYTES,
      heardAt: now,
      answerBy: undefined,
      doubted: false,
      asking: false,
      timesAsked: 0,
      timesGap: 0,
      timesInVain: 0,
      comparing: undefined,
    };
    send({ type: "step1", stateVector: Y.encodeStateVector(doc) });
  }

  function onClosed(now: number, code: number): void {
    if (!isFinalClose(code)) return retryLater(now);
    pending.connectionLost();
    link = { status: "ended" };
    emit({ type: "ended", code });
  }

  function onLocal(token: number, update: Uint8Array | undefined): void {
    const after = pending.last();
    pending.add(token, update);
    if (link.status !== "open") return;
    if (!link.writable) return refuse(link, refused ?? "denied");
    if (!link.answered) return;
    if (update === undefined) return sendState(link, undefined);
    if (update.length + FRAME_HEADER_BYTES > link.maxFrameBytes) return refuse(link, "too-large");
    pending.sentEdits(after, token, "edit");
    send({ type: "update", update });
  }

  function refuse(open: OpenLink, code: RefusalCode): void {
    // Later edits wait with what was refused: they may build on it. A new connection tries again.
    open.writable = false;
    if (refused === code) return;
    refused = code;
    emit({ type: "refused", code });
  }

  /** Answers SyncStep1 with all the server lacks, in one frame where it fits (C2). */
  function sendState(open: OpenLink, stateVector: Uint8Array | undefined): void {
    if (!open.writable) return pending.any() ? refuse(open, refused ?? "denied") : undefined;
    const update = Y.encodeStateAsUpdate(doc, stateVector);
    const limit = open.maxFrameBytes - FRAME_HEADER_BYTES;
    if (update.length <= limit) {
      pending.sentState();
      send(stateVector ? { type: "step2", update } : { type: "update", update });
    } else {
      const parts = pending.inParts(limit);
      if (parts === undefined) return refuse(open, "too-large");
      for (const part of parts) {
        pending.sentEdits(part.after, part.through, "part");
        send({ type: "update", update: part.update });
      }
    }
    open.answered = true;
  }

  function onMessage(now: number, open: OpenLink, message: Uint8Array): void {
    const frame = parseFrame(message);
    open.heardAt = now;
    if (frame.ok && frame.value.type === "awareness") open.doubted = false;
    if (!open.doubted) open.answerBy = undefined;
    if (!frame.ok) return frame.failure === "malformed" ? drop(now) : undefined;
    onFrame(now, open, frame.value);
  }

  function onFrame(now: number, open: OpenLink, frame: ServerFrame): void {
    switch (frame.type) {
      case "step1":
        return onStep1(now, open, frame.stateVector);
      case "step2":
      case "update":
        return onUpdate(now, open, frame.type, frame.update);
      case "hello":
        headSeq = frame.headSeq;
        open.writable = frame.mayWrite;
        open.maxFrameBytes = Math.min(frame.maxFrameBytes, MAX_FRAME_BYTES);
        // Whoever may not write is asked for nothing: no SyncStep1 comes that what waits would be refused at.
        if (!open.writable && pending.any()) refuse(open, "denied");
        return;
      case "ack":
        return onAck(frame.frames, frame.headSeq);
      case "nack":
        return onNack(open, frame);
      case "digest":
        return onDigest(open, frame);
      case "reauth":
        return drop(now);
      case "feed":
        return emit({ type: "feed-moved" });
      case "permission-denied":
        open.writable = false;
        return;
      // Presence is not ours; that it came is the sign of life.
      case "awareness":
      case "query-awareness":
    }
  }

  function onStep1(now: number, open: OpenLink, stateVector: Uint8Array): void {
    try {
      Y.decodeStateVector(stateVector);
    } catch {
      return drop(now); // no answer to this would be right: meet again on a fresh connection
    }
    sendState(open, stateVector);
  }

  function onUpdate(now: number, open: OpenLink, type: "step2" | "update", update: Uint8Array): void {
    if (!merge(update)) return drop(now);
    if (type === "step2" && open.comparing) compare(open, open.comparing, update);
    else if (type === "step2") onAnswer(open);
    askAgainIfIncomplete(open);
  }

  function merge(update: Uint8Array): boolean {
    try {
      // Applying is not atomic; what does not decode must not touch the document.
      Y.decodeUpdate(update);
      Y.applyUpdate(doc, update, remoteOrigin);
      // Yjs can strand structs that came out of order although nothing is missing; its own state frees them.
      if (incomplete()) Y.applyUpdate(doc, Y.encodeStateAsUpdate(doc), remoteOrigin);
      return true;
    } catch {
      return false;
    }
  }

  function onAnswer(open: OpenLink): void {
    open.asking = false;
    if (open.arrived) return;
    open.arrived = true;
    attempt = 0;
    emit({ type: "arrived" });
  }

  function askAgainIfIncomplete(open: OpenLink): void {
    if (!incomplete() || open.asking || open.timesAsked >= ATTEMPTS) return;
    open.asking = true;
    open.timesAsked++;
    send({ type: "step1", stateVector: Y.encodeStateVector(doc) });
  }

  function onAck(frames: number, head: number): void {
    headSeq = Math.max(headSeq, head);
    if (!pending.acknowledged(frames)) return;
    emit({ type: "settled", through: pending.settled(), headSeq: head });
    if (refused === undefined || pending.any()) return;
    refused = undefined;
    emit({ type: "accepted" });
  }

  function onNack(open: OpenLink, nack: Extract<ExtensionFrame, { type: "nack" }>): void {
    const kind = pending.refused(nack.frame);
    if (kind === undefined) return;
    if (nack.code !== "gap") return refuse(open, nack.code);
    // The server's next SyncStep1 says what is missing (C5); edits wait for it.
    open.answered = false;
    if (kind !== "edit" && ++open.timesGap >= ATTEMPTS) refuse(open, "gap");
  }

  function onDigest(open: OpenLink, digest: Extract<ExtensionFrame, { type: "digest" }>): void {
    if (!open.arrived || pending.any() || incomplete() || digest.seq < headSeq) return;
    const hash = digestCode()?.(doc);
    // The server shows its digest again.
    if (hash === undefined) return;
    if (open.comparing || open.asking || isSameBytes(hash, digest.hash)) return;
    emit({ type: "diverged", seq: digest.seq });
    if (open.timesInVain >= ATTEMPTS) return;
    // The server holds its copy against its log, and answers from what the log says.
    open.comparing = hash;
    send({ type: "digest", seq: digest.seq, hash });
    send({ type: "step1", stateVector: Y.encodeStateVector(new Y.Doc()) });
  }

  /**
   * Holds all the server has, as its log says, against our copy, which has merged it: the clocks are equal, and where
   * they were before, that changed nothing. Rows that were held back from this session can be among it.
   */
  function compare(open: OpenLink, claimed: Uint8Array, update: Uint8Array): void {
    open.comparing = undefined;
    const theirs = new Y.Doc();
    try {
      Y.applyUpdate(theirs, update);
    } catch {
      open.timesInVain++;
      return;
    }
    if (pending.any() || incomplete() || theirs.store.pendingStructs !== null) return;
    const digestOf = digestCode();
    if (digestOf === undefined) return;
    const ours = digestOf(doc);
    if (!isSameBytes(digestOf(theirs), ours)) emit({ type: "heal", state: update });
    else if (isSameBytes(ours, claimed)) open.timesInVain++;
  }

  function onTick(now: number): void {
    if (link.status === "waiting" && now >= link.retryAt) return connect(now);
    if (link.status === "connecting" && now >= link.giveUpAt) return drop(now);
    if (link.status !== "open") return;
    if (link.answerBy !== undefined) return now >= link.answerBy ? drop(now) : undefined;
    if (now >= link.heardAt + SILENCE_MS) askForLife(link, now + ANSWER_MS);
  }

  function askForLife(open: OpenLink, answerBy: number): void {
    open.answerBy = Math.min(open.answerBy ?? answerBy, answerBy);
    send({ type: "query-awareness" });
  }

  function doubt(now: number, open: OpenLink): void {
    open.doubted = true;
    askForLife(open, now + WAKE_ANSWER_MS);
  }

  function onWake(now: number): void {
    if (link.status === "open") return doubt(now, link);
    if (link.status !== "waiting") return;
    attempt = 0;
    connect(now);
  }

  function onStop(): void {
    if (link.status === "connecting" || link.status === "open") emit({ type: "disconnect" });
    pending.connectionLost();
    link = { status: "idle" };
  }

  function take(now: number, input: EngineInput): void {
    switch (input.type) {
      case "start":
        return link.status === "idle" || link.status === "ended" ? connect(now) : undefined;
      case "opened":
        return onOpened(now);
      case "received":
        return link.status === "open" ? onMessage(now, link, input.message) : undefined;
      case "closed":
        return link.status === "open" || link.status === "connecting" ? onClosed(now, input.code) : undefined;
      case "local":
        return onLocal(input.token, input.update);
      case "tick":
        return onTick(now);
      case "wake":
        return onWake(now);
      case "offline":
        // The browser may be wrong (a server on this very machine): ask instead of believing it.
        return link.status === "open" ? doubt(now, link) : undefined;
      case "stop":
        return onStop();
    }
  }

  return {
    handle(now, input) {
      effects = [];
      take(now, input);
      return effects;
    },
    view: () => ({
      connection: connectionOf(link),
      pending: pending.any(),
      refused,
      headSeq,
      timerAt: timerAt(link),
    }),
  };
}

function connectionOf(link: Link): EngineView["connection"] {
  if (link.status !== "open") return link.status;
  return link.arrived && (link.answered || !link.writable) ? "live" : "syncing";
}

function timerAt(link: Link): number | undefined {
  if (link.status === "waiting") return link.retryAt;
  if (link.status === "connecting") return link.giveUpAt;
  return link.status === "open" ? (link.answerBy ?? link.heardAt + SILENCE_MS) : undefined;
}
