import type { Hold } from "#server/rooms/slow-socket-state.ts";
import * as Y from "yjs";
import { UNCLAIMED } from "#server/rooms/room-events.ts";
import type { CommitBatch, DocumentLog, JoiningSession, RoomEffect, RoomEvent } from "#server/rooms/room-events.ts";
import { createRoom } from "#server/rooms/room-state.ts";
import { encodeFrame, parseFrame } from "#shared/protocol/sync-frames.ts";
import type { ClientFrame, ServerFrame } from "#shared/protocol/sync-frames.ts";

/** A room driven by hand: nothing is stored until the test says so. */
export function aRoom(log: DocumentLog = UNCLAIMED, { load = true } = {}) {
  const room = createRoom({ random: () => 0.5 });
  const buffered = new Map<number, number>();
  const all: RoomEffect[] = [];
  let now = 1_000_000;
  let sessions = 0;
  const handle = (event: RoomEvent): RoomEffect[] => {
    const effects = room.handle(event, now);
    all.push(...effects);
    return effects;
  };
  const driven = {
    room,
    all,
    buffered,
    handle,
    join(as: Partial<JoiningSession> = {}): number {
      const session = (sessions += 1);
      const held = (): Hold => {
        const bytes = buffered.get(session) ?? 0;
        return { buffered: bytes, progress: -bytes };
      };
      const defaults = { actor: "account:ann", epoch: 0, mayWrite: true, mayClaim: true, extended: true };
      handle({ type: "joined", ...defaults, ...as, session, held });
      return session;
    },
    /** joins and asks for the document, as every client does first */
    joinLive(as: Partial<JoiningSession> = {}): number {
      const session = driven.join(as);
      driven.receive(session, { type: "step1", stateVector: new Uint8Array([0]) });
      return session;
    },
    receive: (session: number, frame: ClientFrame): RoomEffect[] =>
      handle({ type: "received", session, message: encodeFrame(frame) }),
    sent: (session: number): ServerFrame[] =>
      all.flatMap((effect) => {
        if (effect.type !== "send" || effect.session !== session) return [];
        const frame = parseFrame(effect.frame);
        return frame.ok ? [frame.value] : [];
      }),
    closes: (session: number): number[] =>
      all.flatMap((effect) => (effect.type === "close" && effect.session === session ? [effect.code] : [])),
    commits: (): CommitBatch[] => all.flatMap((effect) => (effect.type === "commit" ? [effect.batch] : [])),
    has: (type: RoomEffect["type"]): boolean => all.some((effect) => effect.type === type),
    pass(ms: number): RoomEffect[] {
      now += ms;
      return handle({ type: "tick" });
    },
    forget: (): void => void all.splice(0),
  };
  if (load) {
    handle({ type: "tick" });
    handle({ type: "loaded", log });
  }
  return driven;
}

/** A device that writes to the draft; each call answers the update of one more edit. */
export function aDevice(clientId: number) {
  const doc = new Y.Doc();
  doc.clientID = clientId;
  return {
    doc,
    write(text: string): ClientFrame {
      const before = Y.encodeStateVector(doc);
      doc.getText("draft").insert(doc.getText("draft").length, text);
      return { type: "update", update: Y.encodeStateAsUpdate(doc, before) };
    },
    all: (): ClientFrame => ({ type: "update", update: Y.encodeStateAsUpdate(doc) }),
  };
}
export const types = (frames: ServerFrame[]): string[] => frames.map((frame) => frame.type);
export const textOf = (updates: Uint8Array[]): string => {
  const doc = new Y.Doc();
  for (const update of updates) Y.applyUpdate(doc, update);
  return doc.getText("draft").toJSON();
};

/** What is stored once these are. */
export function logOf(commits: readonly CommitBatch[]): DocumentLog {
  const shown = commits.findLast(({ summary }) => summary !== undefined);
  const tail = commits.flatMap(({ rows }) => rows.map(({ bytes }) => bytes));
  const [headSeq, summarySeq, summary] = [tail.length, shown?.headSeq ?? 0, shown?.summary ?? ""];
  return { ...UNCLAIMED, exists: true, headSeq, tail, summary, summarySeq };
}
