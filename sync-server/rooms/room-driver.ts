import type { DocumentKind } from "#shared/domain/room-name.ts";
import { CommitError } from "#server/storage/database.ts";
import type { Database } from "#server/storage/database.ts";
import type { DocumentView } from "./document-kinds.ts";
import type { FoldThread } from "./fold-thread.ts";
import type {
  CommitBatch,
  EditId,
  EditOutcome,
  JoiningSession,
  RoomEffect,
  RoomEvent,
  SessionId,
} from "./room-events.ts";
import { commitStatements, compactionStatements } from "./log-statements.ts";
import { createProcessorTime } from "./processor-time.ts";
import { readLog } from "./room-log.ts";
import type { RoomKey } from "./room-log.ts";
import type { RoomMemory } from "./room-memory.ts";
import { createRoom } from "./room-state.ts";
import { RoomsCrowded } from "./rooms.ts";
import type { Session, SessionTransport } from "./rooms.ts";
import type { Hold } from "./slow-socket-state.ts";

/** The part of a pino logger that rooms need. */
export interface RoomLogger {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

/** Times are ms; `after` calls once and answers how to cancel. */
export interface RoomClock {
  now(): number;
  /** ms since some moment, by a clock that nobody sets; absent where `now` is such a clock */
  steady?(): number;
  after(ms: number, run: () => void): () => void;
}

export interface RoomDriverOptions {
  key: RoomKey;
  database: Database;
  clock: RoomClock;
  random: () => number;
  log: RoomLogger;
  fold: FoldThread["fold"];
  idleMs?: number;
  digestMs?: number;
  foldRows?: number | undefined;
  memory?: RoomMemory;
  onNotice: (code: string) => void;
  /** a commit of this document moved its owner's feed */
  onFeedMoved: () => void;
  onEnd: () => void;
}

export type RoomDriver = ReturnType<typeof createRoomDriver>;

type EffectOf<T extends RoomEffect["type"]> = Extract<RoomEffect, { type: T }>;

const processorTime = createProcessorTime();

/** Carries out what a room decides: storage, transports, promises. One for each live document and owner. */
export function createRoomDriver(options: RoomDriverOptions) {
  const { key, database, clock, random, log, fold, idleMs, digestMs, foldRows, memory } = options;
  const { onNotice, onFeedMoved, onEnd } = options;
  // A room waits by this one: a wall clock that is set back would stop its feed and its digests until it caught up.
  const steady = clock.steady ?? clock.now;
  const room = createRoom({
    random,
    processorTime,
    ...(idleMs !== undefined && { idleMs }),
    ...(digestMs !== undefined && { digestMs }),
    foldRows,
    ...(memory && { memory }),
  });
  const transports = new Map<SessionId, SessionTransport>();
  const edits = new Map<EditId, (outcome: EditOutcome) => void>();
  const watchers = new Set<() => void>();
  const events: RoomEvent[] = [];
  let running = false;
  let lastId = 0;

  // A transport may answer while an effect is carried out; its event waits for its turn.
  function dispatch(event: RoomEvent): void {
    events.push(event);
    if (running) return;
    running = true;
    try {
      for (let next = events.shift(); next !== undefined; next = events.shift()) {
        for (const effect of room.handle(next, steady())) carryOut(effect);
      }
    } finally {
      running = false;
    }
  }

  function carryOut(effect: RoomEffect): void {
    switch (effect.type) {
      case "send":
        return transports.get(effect.session)?.send(effect.frame);
      case "close":
        return close(effect);
      case "pause":
        return transports.get(effect.session)?.pause?.();
      case "resume":
        return transports.get(effect.session)?.resume?.();
      case "load":
        return void load();
      case "commit":
        return void commit(effect.batch);
      case "compact":
        return void compact();
      case "settled":
        edits.get(effect.edit)?.(effect.outcome);
        return void edits.delete(effect.edit);
      case "changed":
        return tellWatchers();
      case "noticed":
        return notice(effect);
      case "evict":
        onEnd();
        return tellWatchers();
    }
  }

  function close({ session, code, reason, isRefusal }: EffectOf<"close">): void {
    const transport = transports.get(session);
    transports.delete(session);
    if (isRefusal) transport?.refused?.("document.read");
    transport?.close(code, reason);
  }

  function notice({ what, session }: EffectOf<"noticed">): void {
    onNotice(what);
    if (what === "denied" && session !== undefined) transports.get(session)?.refused?.("document.write");
    log.warn({ document: key.id, what, session }, "sync");
  }

  function tellWatchers(): void {
    for (const watcher of watchers) watcher();
  }

  async function load(): Promise<void> {
    try {
      const read = await readLog(database, key);
      if (!read.ok && read.failure === "unavailable")
        log.error({ document: key.id }, "the log of a document is damaged: restore a backup, see docs/operations.md");
      dispatch(read.ok ? { type: "loaded", log: read.value } : { type: "load-failed", ...failureOf(read.failure) });
    } catch (error) {
      log.error({ document: key.id, err: error }, "a document could not be read");
      dispatch({ type: "load-failed", failure: "unavailable" });
    }
  }

  async function commit(batch: CommitBatch): Promise<void> {
    try {
      await database.commit(commitStatements(database, key, { ...batch, at: clock.now() }));
    } catch (error) {
      log.error({ document: key.id, err: error }, "a commit failed");
      return dispatch({ type: "commit-failed", failure: error instanceof CommitError ? error.failure : "unavailable" });
    }
    dispatch({ type: "committed" });
    if (batch.summary !== undefined) onFeedMoved();
  }

  async function compact(): Promise<void> {
    try {
      const read = await readLog(database, key);
      if (!read.ok) throw new Error(`The log is ${read.failure}`);
      const { checkpoint, checkpointSeq: expectedCheckpoint, tail, headSeq: through, epoch } = read.value;
      const folded = await fold(checkpoint ? [checkpoint, ...tail] : tail);
      if (!folded.ok) throw new Error(`The fold is ${folded.failure}`);
      const state = { epoch, expectedCheckpoint, through, bytes: folded.value, at: clock.now() };
      await database.commit(compactionStatements(database, key, state));
      dispatch({ type: "compacted", through, bytes: folded.value.byteLength });
    } catch (error) {
      log.error({ document: key.id, err: error }, "a log could not be folded");
      dispatch({ type: "compaction-failed" });
    }
  }

  return {
    key,
    dispatch,
    isIdle: (): boolean => room.isIdle(),
    isDone: (): boolean => room.isDone(),
    join(joining: Omit<JoiningSession, "session" | "held">, transport: SessionTransport): Session {
      lastId += 1;
      const session = lastId;
      transports.set(session, transport);
      dispatch({ type: "joined", ...joining, session, held: () => heldBy(transport) });
      return {
        receive: (message) => dispatch({ type: "received", session, message }),
        drained: () => dispatch({ type: "drained", session }),
        left() {
          transports.delete(session);
          dispatch({ type: "left", session });
        },
      };
    },
    /**
     * Looks at what is stored: `undefined` stands for no document. Rejects with what `look` throws, and with
     * `CommitError("unavailable")` where the document cannot be read now.
     */
    look<T>(look: (view: DocumentView | undefined) => T): Promise<T> {
      return new Promise((resolve, reject) => {
        dispatch({
          type: "look",
          look(stored) {
            if (stored === "crowded") return reject(new RoomsCrowded());
            if (stored === "unavailable") return reject(new CommitError("unavailable"));
            // As an async call, so that what `look` throws rejects.
            resolve((async () => look(stored === "unknown" ? undefined : stored))());
          },
        });
      });
    },
    edit(kind: DocumentKind, change: (view: DocumentView) => void): Promise<EditOutcome> {
      return new Promise((resolve) => {
        lastId += 1;
        edits.set(lastId, resolve);
        dispatch({ type: "edit", edit: lastId, kind, change });
      });
    },
    /** Calls the watcher when the stored document changed or the room ended; answers how to stop. */
    watch(watcher: () => void): () => void {
      watchers.add(watcher);
      dispatch({ type: "pin" });
      return () => {
        if (watchers.delete(watcher)) dispatch({ type: "unpin" });
      };
    },
  };
}

const failureOf = (failure: "unknown" | "erased" | "unavailable") =>
  failure === "erased" ? ({ failure: "unknown", wasErased: true } as const) : { failure };

function heldBy(transport: SessionTransport): Hold {
  const buffered = transport.bufferedBytes();
  return { buffered, progress: transport.takenBytes?.() ?? -buffered };
}
