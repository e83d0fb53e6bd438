import "fake-indexeddb/auto";
import { beforeEach, expect, test } from "vitest";
import type { ConversationId, SnapshotId } from "#shared/domain/ids.ts";
import {
  aTaken,
  createChannels,
  freshDevice,
  newSnapshotTestId,
  settledAt,
  tabsOf,
  waitingAt,
} from "#tests/support/snapshot-scenario.ts";

// Snapshots whose id was made before they are taken, as those that wait for an answer: whoever takes them, and however
// often, they are one.

let chat: ConversationId;
let id: SnapshotId;
let server: ReturnType<typeof freshDevice>["server"];
const openTab = tabsOf(() => server);

beforeEach(() => {
  ({ chat, server } = freshDevice());
  id = newSnapshotTestId() as SnapshotId;
});

const taken = () => aTaken(chat, 3, { id, title: "Answered anew" });

test("P3: a planned snapshot has the planned id, and taking it again changes nothing", async () => {
  const tab = openTab({ online: false });
  expect(await tab.snapshots.take(taken())).toBe(id);
  expect(await tab.snapshots.take({ ...taken(), title: "Other" })).toBe(id);
  expect(tab.snapshots.entries().map(({ summary }) => [summary.id, summary.number, summary.title])).toEqual([
    [id, 1, "Answered anew"],
  ]);
  expect(await waitingAt(tab)).toBe(1);
});

test("P3: two tabs that take the same planned snapshot at once, not knowing of each other, take one", async () => {
  // Without a channel between them, as where a browser has none.
  const tabs = [openTab({ online: false }), openTab({ online: false })];
  expect(await Promise.all(tabs.map(({ snapshots }) => snapshots.take(taken())))).toEqual([id, id]);
  for (const tab of tabs) {
    expect(tab.snapshots.entries()).toHaveLength(1);
    expect(tab.unstored.at(-1)).toBe(0);
    expect(await waitingAt(tab)).toBe(1);
  }
  for (const tab of tabs) tab.goOnline();
  for (const tab of tabs) await settledAt(tab);
  expect([...server.kept.values()].map(({ summary }) => [summary.id, summary.number])).toEqual([[id, 1]]);
});

test("P3: one that another tab took and delivered meanwhile is not taken again, and nothing waits", async () => {
  const openBroadcast = createChannels();
  const first = openTab({ openBroadcast });
  await first.snapshots.take(taken());
  await settledAt(first);
  const sent = server.requests.length;
  const unknowing = openTab();
  expect(await unknowing.snapshots.take(taken())).toBe(id);
  await expect.poll(() => unknowing.snapshots.loaded()).toBe(true);
  expect(await waitingAt(unknowing)).toBe(0);
  expect(unknowing.unstored.at(-1)).toBe(0);
  expect(unknowing.snapshots.entries().map(({ state }) => state.type)).toEqual(["sealed"]);
  expect(await unknowing.snapshots.content(id)).toEqual({ ok: true, value: taken().content });
  await settledAt(unknowing);
  expect(server.requests).toHaveLength(sent);
});

test("what was erased is not taken again by whoever still waited for it", async () => {
  const tab = openTab();
  await tab.snapshots.take(taken());
  await settledAt(tab);
  tab.snapshots.setDeleted(id, true);
  tab.snapshots.erase(id);
  await settledAt(tab);
  expect(await tab.snapshots.take(taken())).toBe(id);
  expect(tab.snapshots.entries()).toEqual([]);
  expect(await waitingAt(tab)).toBe(0);
});
