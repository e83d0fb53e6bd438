import { isUuidV7 } from "#shared/lib/uuid.ts";
import type { ConversationId, DocumentId, SnapshotId } from "./ids.ts";

export type DocumentKind = "conversation" | "snapshot";

/** What a room name says: the kind of document, its id, and the epoch of its history. */
export type RoomName = (
  | { kind: "conversation"; id: ConversationId }
  /** written by the server alone; everybody else only reads it */
  | { kind: "snapshot"; id: SnapshotId }
) & {
  /** 0 for a new document; raised when the server rewrites it. Two epochs never mix. */
  epoch: number;
};

const PATTERN = /^(conversation|snapshot)\.([0-9a-f-]{36})\.(0|[1-9]\d{0,8})$/;

/** Reads `<kind>.<id>.<epoch>`; `undefined` for anything else. */
export function parseRoomName(text: string): RoomName | undefined {
  const [, kind, id, epoch] = PATTERN.exec(text) ?? [];
  if (kind === undefined || id === undefined || !isUuidV7(id)) return undefined;
  return { kind: kind as DocumentKind, id: id as DocumentId, epoch: Number(epoch) } as RoomName;
}

/** Writes what `parseRoomName` reads. */
export const formatRoomName = (room: RoomName): string => `${room.kind}.${room.id}.${room.epoch}`;
