import "fake-indexeddb/auto";
import { deleteDB } from "idb";
import { beforeEach, expect, test } from "vitest";
import { changeDeviceNotes } from "#client/local-store/change-device-notes.ts";
import { localStoreName } from "#client/local-store/open-local-store.ts";
import type { TabMessage } from "#client/local-store/tab-messages.ts";
import { noLocks } from "#client/platform/locks.ts";
import { deliverEverything } from "#client/service-worker/deliver.ts";
import { aSummary } from "#tests/support/a-summary.ts";
import { installFailingIndexedDb } from "#tests/support/failing-indexeddb.ts";
import type { FailingIndexedDb } from "#tests/support/failing-indexeddb.ts";
import { ANN, CANARY, openWipedBrowser } from "#tests/support/wiped-device.ts";
import type { WipedBrowser } from "#tests/support/wiped-device.ts";

const signal = new AbortController().signal;
let device: FailingIndexedDb;
let browser: WipedBrowser;
let asked: string[];
/** lets the answer of the feed come */
let answerFeed: () => void;

beforeEach(() => {
  device = installFailingIndexedDb();
  browser = openWipedBrowser();
  asked = [];
});

/** A service worker that was woken, whose cookie is Ann's. */
function deliver(): Promise<boolean> {
  const feed = new Promise<void>((resolve) => (answerFeed = resolve));
  const entry = { kind: "conversation", id: `chat-${CANARY}`, feedSeq: 1, epoch: 0, headSeq: 1, activityAt: 1 };
  const page = { entries: [{ ...entry, summary: aSummary(CANARY) }], cursor: 1, more: false };
  const fetch = async (input: RequestInfo | URL): Promise<Response> => {
    asked.push(String(input));
    if (input === "/api/me") return Response.json({ ...ANN, kind: "account" });
    await feed;
    return Response.json(page);
  };
  const { clock, openBroadcast } = browser.parts.platform;
  return deliverEverything({ fetch, clock, openBroadcast, locks: noLocks }, signal);
}

const note = (tellServer: boolean): Promise<boolean> =>
  changeDeviceNotes((notes) => void notes.objectStore("wipes").put({ ...ANN, tellServer, foundAt: 0 }));
const names = async (): Promise<(string | undefined)[]> => (await indexedDB.databases()).map(({ name }) => name);

test("a worker asks nothing with the cookie of somebody who signed out, and is done", async () => {
  await note(true);
  expect([await deliver(), asked, await names()]).toEqual([true, [], ["holdfast-device"]]);
});

test("a worker does not open the database of an account that left the device", async () => {
  await note(false);
  expect([await deliver(), asked, await names()]).toEqual([true, ["/api/me"], ["holdfast-device"]]);
});

test.each([
  { connection: "open", isLost: false },
  { connection: "lost", isLost: true },
])(
  "a worker in the middle of it lets go, and what is answered then is not stored ($connection)",
  async ({ isLost }) => {
    const delivering = deliver();
    await expect.poll(() => asked).toContainEqual(expect.stringContaining("/api/sync/feed"));
    const name = localStoreName(ANN.accountId, ANN.workspaceId);
    const letGo: TabMessage = { type: "let-go", because: "wiped" };
    browser.parts.platform.openBroadcast(name, signal).post(letGo);
    if (isLost) device.forceClose();
    await deleteDB(name);
    answerFeed();
    await delivering;
    // A database that was asked for by then comes to be a few turns later.
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(await names()).toEqual(["holdfast-device"]);
  },
);
