import { expect, test } from "vitest";
import { formatRoomName, parseRoomName } from "./room-name.ts";

const ID = "0197a3b0-1c2d-7e4f-8a9b-0c1d2e3f4a5b";

test("a room name says kind, id and epoch", () => {
  const name = parseRoomName(`conversation.${ID}.3`);
  expect(name).toEqual({ kind: "conversation", id: ID, epoch: 3 });
  expect(name && formatRoomName(name)).toBe(`conversation.${ID}.3`);
  expect(parseRoomName(`snapshot.${ID}.0`)).toEqual({ kind: "snapshot", id: ID, epoch: 0 });
});

test.each([
  "",
  ID,
  `conversation.${ID}`,
  `conversation.${ID}.`,
  `conversation.${ID}.-1`,
  `conversation.${ID}.00`,
  `conversation.${ID}.1e3`,
  `conversation.${ID}.9999999999`,
  `conversation.${ID.toUpperCase()}.0`,
  `conversation.${ID.replace("-7", "-4")}.0`,
  `account.${ID}.0`,
  `snapshots.${ID}.0`,
  `conversation.${ID}.0/..`,
  ` conversation.${ID}.0`,
])("%j is no room", (text) => {
  expect(parseRoomName(text)).toBeUndefined();
});
