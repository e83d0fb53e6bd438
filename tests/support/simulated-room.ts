import * as Y from "yjs";
import { createRoom } from "#server/rooms/room-state.ts";
import { UNCLAIMED } from "#server/rooms/room-events.ts";
import type { DocumentLog, RoomEffect, RoomEvent } from "#server/rooms/room-events.ts";
import type { SocketEvents, Socket } from "#client/platform/platform.ts";
import type { Feed } from "#shared/protocol/feed-bodies.ts";
import { openConversation } from "#shared/documents/conversation.ts";
import { parseRoomName } from "#shared/domain/room-name.ts";
import { encodeFrame, parseFrame } from "#shared/protocol/sync-frames.ts";
import type { ServerFrame } from "#shared/protocol/sync-frames.ts";

/** The real room core over a log in memory, with the feed. Answers at once unless told otherwise. */
export interface SimulatedServer {
  openSocket(path: string, protocols: readonly string[], events: SocketEvents): Socket;
  fetch: typeof fetch;
  /** false: sockets close, new ones and requests fail */
  setUp(up: boolean): void;
  /** true: commits are neither made nor answered until false again */
  holdCommits(hold: boolean): void;
  /** Changes or swallows what the server sends. */
  tamper(change: ((frame: ServerFrame) => ServerFrame | undefined) | undefined): void;
  /** From now on new sockets are closed with this code; `undefined`: they are let in again. */
  endWith(code: number | undefined): void;
  /** What is durably stored of a document. */
  durable(id: string): Y.Doc;
  sockets(): number;
  /** the most sockets that were ever open at once */
  mostSockets(): number;
  requests(): number;
}

interface SimulatedRoom {
  handle(event: RoomEvent): void;
  log(): DocumentLog;
  retryCommit(): void;
}

/** @param now ms since 1970 */
export function createSimulatedServer(now: () => number): SimulatedServer {
  const rooms = new Map<string, SimulatedRoom>();
  const transports = new Map<number, { room: SimulatedRoom; events: SocketEvents; early: Uint8Array[] | undefined }>();
  const activity = new Map<string, number>();
  let up = true;
  let held = false;
  let feedSeq = 0;
  let nextSession = 1;
  let requests = 0;
  let most = 0;
  let endCode: number | undefined;
  let change: ((frame: ServerFrame) => ServerFrame | undefined) | undefined;

  function openRoom(id: string): SimulatedRoom {
    const room = createRoom({ random: Math.random });
    let log = UNCLAIMED;
    let waiting: Extract<RoomEffect, { type: "commit" }> | undefined;
    const handle = (event: RoomEvent): void => {
      for (const effect of room.handle(event, now())) carryOut(effect);
    };
    const commit = (effect: Extract<RoomEffect, { type: "commit" }>): void => {
      const { batch } = effect;
      const tail = [...log.tail, ...batch.rows.map((row) => row.bytes)];
      log = { ...log, exists: true, headSeq: batch.headSeq, tail, clients: [...log.clients, ...batch.clients] };
      activity.delete(id);
      activity.set(id, ++feedSeq);
      handle({ type: "committed" });
    };
    function carryOut(effect: RoomEffect): void {
      if (effect.type === "load") handle({ type: "loaded", log });
      if (effect.type === "commit") {
        if (held) waiting = effect;
        else commit(effect);
      }
      if (effect.type === "compact") handle({ type: "compaction-failed" });
      if (effect.type === "send") deliver(effect.session, effect.frame);
      if (effect.type === "close") {
        const transport = transports.get(effect.session);
        transports.delete(effect.session);
        transport?.events.onClose(effect.code);
      }
    }
    return {
      handle,
      log: () => log,
      retryCommit() {
        const effect = waiting;
        waiting = undefined;
        if (effect) commit(effect);
      },
    };
  }

  function deliver(session: number, bytes: Uint8Array): void {
    const frame = parseFrame(bytes);
    if (!frame.ok) throw new Error("the server sent what is no frame");
    const shown = change ? change(frame.value) : frame.value;
    const transport = transports.get(session);
    if (!shown || !transport) return;
    if (transport.early) transport.early.push(encodeFrame(shown));
    else transport.events.onMessage(encodeFrame(shown));
  }

  const durable = (id: string): Y.Doc => {
    const doc = new Y.Doc();
    for (const update of rooms.get(id)?.log().tail ?? []) Y.applyUpdate(doc, update);
    return doc;
  };

  function feedAfter(cursor: number): Feed {
    const entries = [...activity]
      .filter(([, seq]) => seq > cursor)
      .map(([id, seq]) => ({
        kind: "conversation" as const,
        id,
        feedSeq: seq,
        epoch: 0,
        headSeq: rooms.get(id)?.log().headSeq ?? 0,
        activityAt: now(),
        summary: openConversation(durable(id), "oracle").summary(),
      }));
    return { entries, cursor: feedSeq, more: false };
  }

  return {
    openSocket(path, _protocols, events) {
      const session = nextSession++;
      const id = parseRoomName(path.replace("/sync/", ""))?.id ?? "";
      queueMicrotask(() => {
        if (!up) return events.onClose(1006);
        if (endCode !== undefined) return events.onClose(endCode);
        const room = rooms.get(id) ?? openRoom(id);
        rooms.set(id, room);
        // The server joins a socket before its client knows that it is open.
        const transport = { room, events, early: [] as Uint8Array[] | undefined };
        transports.set(session, transport);
        most = Math.max(most, transports.size);
        room.handle({
          type: "joined",
          session,
          actor: "account:owner",
          epoch: 0,
          mayWrite: true,
          mayClaim: true,
          extended: true,
          held: () => ({ buffered: 0, progress: 0 }),
        });
        events.onOpen();
        const early = transport.early ?? [];
        transport.early = undefined;
        for (const message of early) events.onMessage(message);
      });
      return {
        send: (message) => transports.get(session)?.room.handle({ type: "received", session, message }),
        close() {
          const transport = transports.get(session);
          transports.delete(session);
          transport?.room.handle({ type: "left", session });
        },
        bufferedBytes: () => 0,
      };
    },
    fetch: (input) => {
      requests++;
      if (!up) return Promise.reject(new TypeError("network"));
      const { pathname, searchParams } = new URL(String(input), "http://localhost");
      // As a server that is older than bulk sync: everything goes over sockets.
      if (pathname !== "/api/sync/feed") return Promise.resolve(new Response(null, { status: 404 }));
      return Promise.resolve(Response.json(feedAfter(Number(searchParams.get("cursor") ?? 0))));
    },
    setUp(next) {
      up = next;
      if (up) return;
      const open = [...transports];
      transports.clear();
      for (const [session, { room, events }] of open) {
        room.handle({ type: "left", session });
        events.onClose(1006);
      }
    },
    holdCommits(hold) {
      held = hold;
      if (!hold) for (const room of rooms.values()) room.retryCommit();
    },
    endWith: (code) => void (endCode = code),
    tamper: (next) => void (change = next),
    durable,
    sockets: () => transports.size,
    mostSockets: () => most,
    requests: () => requests,
  };
}
