import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { expect, test } from "vitest";
import { changeDeviceNotes } from "#client/local-store/change-device-notes.ts";
import { readDeviceNotes } from "#client/local-store/device-notes.ts";
import { localStoreName } from "#client/local-store/open-local-store.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import { createUuidV7 } from "#shared/lib/uuid.ts";
import { encodePushAnswers, parsePush } from "#shared/protocol/bulk-sync.ts";
import { countRequestsAsSteps, liveUntil, takeStep } from "#tests/support/dying-tab.ts";
import { createSeededRandom } from "#tests/support/seeded-random.ts";
import { keepUnsentChat, openWipedBrowser } from "#tests/support/wiped-device.ts";
import type { WipedBrowser } from "#tests/support/wiped-device.ts";
import { finishDevice } from "./move-in.ts";

countRequestsAsSteps();

// Ann signed in on a device that she says is shared, and on which a guest, herself before, wrote what was never sent.

const GUEST = localStoreName("guest", "own");
const ANN = { accountId: "ann", workspaceId: "personal" };
const HERS = localStoreName(ANN.accountId, ANN.workspaceId);
const CHAT = createUuidV7(Date.UTC(2026, 0, 1), createSeededRandom(5).bytes) as ConversationId;
const signal = new AbortController().signal;

interface Scene {
  browser: WipedBrowser;
  /** conversations whose edits the server took, in whose name */
  taken: Set<string>;
  network: { up: boolean };
}

async function aScene(): Promise<Scene> {
  globalThis.indexedDB = new IDBFactory();
  const browser = openWipedBrowser();
  const taken = new Set<string>();
  const network = { up: true };
  await keepUnsentChat(GUEST, CHAT);
  await changeDeviceNotes((notes) => {
    void notes.objectStore("moves").put({ from: GUEST, to: HERS });
    void notes.objectStore("wipes").put({ accountId: "ann", tellServer: false, sendFirst: true, foundAt: 0 });
  });
  const fetch = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    takeStep();
    if (!network.up || input !== "/api/sync/push") throw new TypeError("network");
    const pushed = parsePush(new Uint8Array(init?.body as ArrayBuffer));
    if (!pushed.ok) throw new Error(pushed.failure);
    for (const { id } of pushed.value) taken.add(`${id} of ${new Headers(init?.headers).get("x-holdfast-account")}`);
    const answers = encodePushAnswers(pushed.value.map(() => ({ type: "acknowledged", headSeq: 1 })));
    return new Response(answers.slice(), { headers: { "content-type": "application/octet-stream" } });
  };
  return {
    browser: restarted({ ...browser, parts: { ...browser.parts, platform: { ...browser.parts.platform, fetch } } }),
    taken,
    network,
  };
}

/** The same browser after its page ended, with the locks that it held. */
const restarted = (browser: WipedBrowser): WipedBrowser => ({
  ...browser,
  parts: { ...browser.parts, locks: openWipedBrowser().parts.locks },
});

const databases = async (): Promise<Set<string | undefined>> =>
  new Set((await indexedDB.databases()).map(({ name }) => name));

test("what waits here is sent in the account's name, and then all of it goes", async () => {
  const { browser, taken } = await aScene();
  await browser.during(finishDevice(browser.parts, signal));
  expect(taken).toEqual(new Set([`${CHAT} of ann`]));
  expect(await databases()).toEqual(new Set(["holdfast-device"]));
});

test("what cannot be sent stays, and is sent by a later start", async () => {
  const { browser, taken, network } = await aScene();
  network.up = false;
  await browser.during(finishDevice(browser.parts, signal));
  expect(await databases()).toEqual(new Set(["holdfast-device", HERS]));
  expect((await readDeviceNotes()).wipes).toContainEqual(
    expect.objectContaining({ accountId: "ann", sendFirst: true }),
  );
  network.up = true;
  await browser.during(finishDevice(browser.parts, signal));
  expect(taken).toEqual(new Set([`${CHAT} of ann`]));
  expect(await databases()).toEqual(new Set(["holdfast-device"]));
});

test("a browser that is killed at any step has lost nothing, and has nothing left after its next start", async () => {
  for (let step = 1; ; step++) {
    const { browser, taken } = await aScene();
    const { died } = await browser.during(liveUntil(step, () => finishDevice(browser.parts, signal)));
    const again = restarted(browser);
    await again.during(finishDevice(again.parts, signal));
    expect(taken, `died at ${step}`).toEqual(new Set([`${CHAT} of ann`]));
    expect(await databases(), `died at ${step}`).toEqual(new Set(["holdfast-device"]));
    if (!died) {
      expect(step).toBeGreaterThan(60);
      break;
    }
  }
});
