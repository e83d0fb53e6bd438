import { isUuidV7 } from "#shared/lib/uuid.ts";
import type { ConversationId } from "./ids.ts";

/** What a room name says: the kind of document, its id, and the epoch of its history. */
export interface RoomName {
  kind: "conversation";
  id: ConversationId;
  /** 0 for a new document; raised when the server rewrites it. Two epochs never mix. */
  epoch: number;
}

const PATTERN = /^conversation\.([0-9a-f-]{36})\.(0|[1-9]\d{0,8})$/;

/** Reads `<kind>.<id>.<epoch>`; `undefined` for anything else. */
export function parseRoomName(text: string): RoomName | undefined {
  const [, id, epoch] = PATTERN.exec(text) ?? [];
  if (id === undefined || epoch === undefined || !isUuidV7(id)) return undefined;
  return { kind: "conversation", id: id as ConversationId, epoch: Number(epoch) };
}

/** Writes what `parseRoomName` reads. */
export const formatRoomName = (room: RoomName): string => `${room.kind}.${room.id}.${room.epoch}`;
