import { CloseCode } from "#shared/protocol/close-codes.ts";
import type { RoomEffect, RoomEvent } from "./room-events.ts";

/** What sessions are closed with where the document cannot be opened. */
export const CLOSED_WITH = {
  unknown: CloseCode.gone,
  unavailable: CloseCode.unavailable,
  crowded: CloseCode.tryAgainLater,
} as const;

/** A room that ended asks whoever still comes to come again: the next room will know. */
export function answerTooLate(event: RoomEvent): RoomEffect[] {
  if (event.type === "look") event.look("unavailable");
  if (event.type === "edit") {
    return [{ type: "settled", edit: event.edit, outcome: { ok: false, failure: "unavailable" } }];
  }
  if (event.type !== "joined") return [];
  return [{ type: "close", session: event.session, code: CloseCode.unavailable, reason: "unavailable" }];
}
