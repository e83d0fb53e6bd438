import { createRoom } from "#server/rooms/room-state.ts";
import type { Room } from "#server/rooms/room-state.ts";
import { foldLog } from "#server/rooms/compaction.ts";
import { UNCLAIMED } from "#server/rooms/room-events.ts";
import type { CommitBatch, DocumentLog, RoomEffect, RoomEvent } from "#server/rooms/room-events.ts";
import type { ConversationDocument } from "#shared/documents/conversation.ts";
import { openConversation } from "#shared/documents/conversation.ts";
import * as Y from "yjs";
import type { World } from "./world.ts";

/** One client's end of a link at the server. */
export interface SimulatedSession {
  opened(): void;
  receive(message: Uint8Array): void;
  left(): void;
}

export interface SimulatedServer {
  createSession(
    device: string,
    protocol: string,
    send: (message: Uint8Array) => void,
    close: (code: number) => void,
  ): SimulatedSession;
  /** SIGKILL: memory and sockets are gone; each commit under way is durable or not, by chance. Then it starts again. */
  kill(): void;
  /** The relay edits the document. */
  edit(change: (conversation: ConversationDocument) => void): void;
  /** What is durably stored, as a fresh document. */
  durable(): ConversationDocument;
  /** raised with every durable change */
  version(): number;
  tick(): void;
  heal(): void;
}

export interface ServerFaults {
  /** per commit: the store cannot write */
  commitFails: number;
  /** per commit: the answer `committed` comes before the write, and a kill may lose it. For testing the oracles only. */
  lies: number;
}

/** The real room over a simulated store that is the only thing to survive a kill. */
export function createSimulatedServer(world: World, initialFaults: ServerFaults): SimulatedServer {
  let faults = initialFaults;
  let log: DocumentLog = UNCLAIMED;
  let version = 0;
  let process = 0;
  let room: Room | undefined;
  let nextSession = 1;
  let nextEdit = 1;
  const transports = new Map<number, { send: (message: Uint8Array) => void; close: (code: number) => void }>();

  function handle(event: RoomEvent): void {
    room ??= createRoom({ random: world.random.next, idleMs: 5_000 });
    for (const effect of room.handle(event, world.now())) carryOut(effect);
  }

  function carryOut(effect: RoomEffect): void {
    switch (effect.type) {
      case "send":
        return transports.get(effect.session)?.send(effect.frame);
      case "close": {
        const transport = transports.get(effect.session);
        transports.delete(effect.session);
        return transport?.close(effect.code);
      }
      case "load":
        return answerLater(() => ({ type: "loaded", log }));
      case "commit":
        return commit(effect.batch);
      case "compact":
        return compact();
      case "evict":
        room = undefined;
        return;
      case "pause":
      case "resume":
      case "settled":
      case "changed":
      case "noticed":
    }
  }

  /** Reports back to the room after a while, unless the process or the room is gone by then. */
  function answerLater(answer: () => RoomEvent): void {
    const [atProcess, atRoom] = [process, room];
    world.after(world.delay(1, 60), () => {
      if (atProcess === process && atRoom === room) handle(answer());
    });
  }

  function write(batch: CommitBatch): boolean {
    if (batch.expectedHead !== log.headSeq || batch.claim === log.exists) return false;
    log = {
      ...log,
      exists: true,
      epoch: batch.epoch,
      headSeq: batch.headSeq,
      tail: [...log.tail, ...batch.rows.map((row) => row.bytes)],
      clients: [...log.clients, ...batch.clients],
      summary: batch.summary ?? log.summary,
      summarySeq: batch.summary === undefined ? log.summarySeq : batch.headSeq,
    };
    version += 1;
    return true;
  }

  function commit(batch: CommitBatch): void {
    if (world.chance(faults.lies)) return answerLater(() => ({ type: "committed" }));
    const fails = world.chance(faults.commitFails);
    const [atProcess, atRoom] = [process, room];
    world.after(world.delay(1, 40), () => {
      // A kill during a commit leaves it whole or not at all.
      if (atProcess !== process && world.chance(0.5)) return;
      const written = !fails && write(batch);
      if (atProcess !== process || atRoom !== room) return;
      answerLater(() =>
        written ? { type: "committed" } : { type: "commit-failed", failure: fails ? "unavailable" : "conflict" },
      );
    });
  }

  function compact(): void {
    const [atProcess, atRoom] = [process, room];
    const source = log;
    world.after(world.delay(1, 100), () => {
      const folded = foldLog(source.checkpoint ? [source.checkpoint, ...source.tail] : source.tail);
      const maySwap = folded.ok && log.checkpointSeq === source.checkpointSeq;
      if (maySwap) {
        const tail = log.tail.slice(source.tail.length);
        log = { ...log, checkpoint: folded.value, checkpointSeq: source.headSeq, tail };
      }
      if (atProcess !== process || atRoom !== room) return;
      const compacted: RoomEvent = maySwap
        ? { type: "compacted", through: source.headSeq, bytes: folded.value.byteLength }
        : { type: "compaction-failed" };
      handle(compacted);
    });
  }

  return {
    createSession(device, _protocol, send, close) {
      const session = nextSession++;
      const atProcess = { is: process };
      const here = (): boolean => transports.has(session) && atProcess.is === process;
      return {
        opened() {
          atProcess.is = process;
          transports.set(session, { send, close });
          handle({
            type: "joined",
            session,
            actor: `account:${device === "stranger" ? "stranger" : "owner"}`,
            epoch: 0,
            mayWrite: true,
            mayClaim: true,
            extended: true,
            bufferedBytes: () => 0,
          });
        },
        receive(message) {
          if (here()) handle({ type: "received", session, message });
        },
        left() {
          if (!here()) return;
          transports.delete(session);
          handle({ type: "left", session });
        },
      };
    },
    kill() {
      process += 1;
      room = undefined;
      const open = [...transports.values()];
      transports.clear();
      for (const transport of open) transport.close(1006);
    },
    edit(change) {
      handle({ type: "edit", edit: nextEdit++, change });
    },
    durable() {
      const doc = new Y.Doc();
      if (log.checkpoint) Y.applyUpdate(doc, log.checkpoint);
      for (const bytes of log.tail) Y.applyUpdate(doc, bytes);
      return openConversation(doc, "oracle");
    },
    version: () => version,
    tick() {
      if (room) handle({ type: "tick" });
    },
    heal() {
      faults = { commitFails: 0, lies: 0 };
    },
  };
}
