import { describe, expect, test } from "vitest";
import { CloseCode } from "#shared/protocol/close-codes.ts";
import { aDevice, aRoom, logOf } from "#tests/support/driven-room.ts";
import type { DocumentLog } from "./room-events.ts";

/** The log of a document in which somebody wrote. */
function aLog(): DocumentLog {
  const room = aRoom();
  room.receive(room.joinLive(), aDevice(9).write("secret"));
  return logOf(room.commits());
}

describe("R22: a document that is erased while its log is read", () => {
  test("is read again before anything of it is served, and its sessions are closed as gone", () => {
    const room = aRoom(undefined, { load: false });
    const session = room.joinLive();
    room.handle({ type: "erased" });
    // The room reads already: what it reads is only not believed.
    expect(room.all.filter(({ type }) => type === "load")).toHaveLength(1);
    const seen: unknown[] = [];
    room.handle({ type: "look", look: (stored) => seen.push(stored) });
    room.forget();
    expect(room.handle({ type: "loaded", log: aLog() })).toEqual([{ type: "load" }]);
    expect([room.room.liveDoc(), seen]).toEqual([undefined, []]);
    room.handle({ type: "load-failed", failure: "unknown" });
    expect([room.sent(session), room.closes(session), seen]).toEqual([[], [CloseCode.gone], ["unknown"]]);
    expect(room.has("evict")).toBe(true);
  });

  test("is read again once, not for ever", () => {
    const room = aRoom(undefined, { load: false });
    room.join();
    room.handle({ type: "erased" });
    room.handle({ type: "loaded", log: aLog() });
    room.forget();
    room.handle({ type: "loaded", log: aLog() });
    expect(room.has("load")).toBe(false);
    expect(room.room.liveDoc()).toBeDefined();
  });
});
