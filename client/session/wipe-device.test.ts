import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { openDB } from "idb";
import { beforeEach, describe, expect, test } from "vitest";
import { changeDeviceNotes } from "#client/local-store/change-device-notes.ts";
import { readDeviceNotes } from "#client/local-store/device-notes.ts";
import { localStoreName } from "#client/local-store/open-local-store.ts";
import { createSmallStorage } from "#client/platform/small-storage.ts";
import { countRequestsAsSteps, liveUntil } from "#tests/support/dying-tab.ts";
import {
  ANN,
  BOB,
  CANARY,
  aStorage,
  canaries,
  fillBrowser,
  openWipedBrowser,
  othersOf,
  recordsOf,
} from "#tests/support/wiped-device.ts";
import type { WipedBrowser } from "#tests/support/wiped-device.ts";
import { isToFinish, rememberDatabase } from "./wipe-mark.ts";
import { finishWipe, letReturn, wipeDevice } from "./wipe-device.ts";
import type { WipeOutcome } from "./wipe-device.ts";

countRequestsAsSteps();

const HERS = localStoreName(ANN.accountId, ANN.workspaceId);
const NOTHING_LEFT: WipeOutcome = { held: [], told: true };
const LONG_AFTER_MS = 11 * 60_000;
const signal = new AbortController().signal;

let browser: WipedBrowser;

beforeEach(async () => {
  await anew();
});

async function anew(): Promise<void> {
  globalThis.indexedDB = new IDBFactory();
  browser = openWipedBrowser();
  await fillBrowser(browser);
}

const wipe = (): Promise<WipeOutcome> => browser.during(wipeDevice(browser.parts, ANN, signal));
const nextStart = (): Promise<WipeOutcome> => browser.during(finishWipe(browser.parts, signal));
/** but for whom it forgets */
const left = async (): Promise<string[]> =>
  (await canaries(browser)).filter((text) => !text.includes("foundAt") && !/^"(ann|guest)-canary"$/u.test(text));
const isToDo = (): Promise<boolean> =>
  browser.during(isToFinish(createSmallStorage(browser.parts.traces.localStorage), browser.clock));

describe("signing out", () => {
  test("leaves nothing of the account on the device, and everything else as it is", async () => {
    const before = await othersOf(browser);
    expect((await canaries(browser)).length).toBeGreaterThan(20);
    expect(await wipe()).toEqual(NOTHING_LEFT);
    expect(await left()).toEqual([]);
    expect(await othersOf(browser)).toEqual(before);
    expect(browser.server).toMatchObject({ session: undefined, asked: ["POST /api/auth/sign-out"] });
  });

  test("is looked after for a while, and then forgotten as well", async () => {
    await wipe();
    expect(await isToDo()).toBe(true);
    browser.clock.advance(LONG_AFTER_MS);
    expect(await nextStart()).toEqual(NOTHING_LEFT);
    expect([await canaries(browser), await isToDo()]).toEqual([[], false]);
    expect(browser.server.asked).toHaveLength(1);
  });

  test("without a network the device is clean all the same, and the server is told before anything else is asked", async () => {
    browser.server.online = false;
    expect(await wipe()).toEqual({ held: [], told: false });
    expect(await left()).toEqual([]);
    browser.clock.advance(LONG_AFTER_MS);
    expect(await nextStart()).toEqual({ held: [], told: false });
    browser.server.online = true;
    expect(await nextStart()).toEqual(NOTHING_LEFT);
    expect(browser.server.session).toBeUndefined();
    expect(new Set(browser.server.asked)).toEqual(new Set(["POST /api/auth/sign-out"]));
  });

  test.each([
    [200, false],
    [302, false],
    [503, false],
    [204, true],
    [401, true],
  ])("an answer %i may be a gate's on the way, or the server's: told is %s", async (status, told) => {
    browser.server.answers = status;
    expect(await wipe()).toEqual({ held: [], told });
  });

  test("of one account ends no session of another", async () => {
    browser.server.session = BOB.accountId;
    expect(await wipe()).toEqual(NOTHING_LEFT);
    expect(browser.server.session).toBe(BOB.accountId);
  });

  test("in two tabs at once is done once", async () => {
    const both = [wipeDevice(browser.parts, ANN, signal), finishWipe(browser.parts, signal)];
    expect(await browser.during(Promise.all(both))).toEqual([NOTHING_LEFT, NOTHING_LEFT]);
    expect([await left(), browser.server.asked.length]).toEqual([[], 1]);
  });

  test("takes a guest along whose chats are still on their way into the account", async () => {
    const guest = localStoreName(`guest-${CANARY}`, "own");
    (await openDB(guest, 1, { upgrade: (db) => void db.createObjectStore("documents") })).close();
    await changeDeviceNotes((notes) => void notes.objectStore("moves").put({ from: guest, to: HERS }));
    await wipe();
    expect(await left()).toEqual([]);
    expect((await readDeviceNotes()).moves).toEqual([]);
  });

  test("finds databases that an old browser does not list", async () => {
    browser.local.delete("holdfast.databases");
    const small = createSmallStorage(browser.parts.traces.localStorage);
    for (const workspace of ["personal", "team", "personal"])
      rememberDatabase(small, localStoreName(ANN.accountId, workspace));
    const { databases } = indexedDB;
    Object.assign(indexedDB, { databases: undefined });
    await wipe();
    Object.assign(indexedDB, { databases });
    expect([await left(), browser.local.get("holdfast.databases")]).toEqual([[], ""]);
  });

  test("is noted elsewhere where the database has no room for the note", async () => {
    const { put } = IDBObjectStore.prototype;
    IDBObjectStore.prototype.put = function full(this: IDBObjectStore, ...args) {
      if (this.name === "wipes") throw new DOMException("full", "QuotaExceededError");
      return put.apply(this, args);
    };
    browser.server.online = false;
    expect(await wipe()).toEqual({ held: [], told: false });
    IDBObjectStore.prototype.put = put;
    expect(await isToDo()).toBe(true);
    browser.server.online = true;
    expect(await nextStart()).toEqual(NOTHING_LEFT);
    expect([await left(), browser.local.has("holdfast.wiping")]).toEqual([[], false]);
  });
});

test("who signs in again is not wiped by what is left of the last time", async () => {
  await wipe();
  expect(await browser.during(letReturn(browser.parts, ANN.accountId, signal))).toBe(true);
  await fillBrowser(browser);
  const before = await canaries(browser);
  expect(await nextStart()).toEqual(NOTHING_LEFT);
  expect(await canaries(browser)).toEqual(before);
});

describe.each([
  { what: "keeps", storage: "written down", reverts: false, online: true },
  { what: "brings back", storage: "as it was a minute before", reverts: true, online: true },
  { what: "keeps", storage: "written down, offline", reverts: false, online: false },
])("a browser that is killed and $what its localStorage ($storage)", ({ reverts, online }) => {
  test("at any step finishes with its next start, or was not signed out", async () => {
    const others = await othersOf(browser);
    let unchanged = 0;
    for (let step = 1; ; step++) {
      await anew();
      browser.server.online = online;
      const before = [...browser.local];
      const all = await canaries(browser);
      const { died } = await browser.during(liveUntil(step, () => wipeDevice(browser.parts, ANN, signal)));
      // What began is still the one thing that is done with the cookie.
      expect(browser.server.asked.every((one) => one === "POST /api/auth/sign-out")).toBe(true);
      if (reverts) for (const [key, value] of before) browser.local.set(key, value);
      browser.window.clear();
      browser.server.online = true;
      browser = { ...browser, parts: { ...browser.parts, locks: openWipedBrowser().parts.locks } };
      if (died && !(await isToDo())) {
        unchanged += 1;
        expect((await canaries(browser)).length, `died at ${step}`).toBeGreaterThanOrEqual(all.length - 2);
        continue;
      }
      expect(await nextStart(), `died at ${step}`).toEqual(NOTHING_LEFT);
      expect(await left(), `died at ${step}`).toEqual([]);
      expect(await othersOf(browser), `died at ${step}`).toEqual(others);
      expect(browser.server.session).toBeUndefined();
      browser.clock.advance(LONG_AFTER_MS);
      await nextStart();
      expect(await canaries(browser), `died at ${step}`).toEqual([]);
      if (died) continue;
      expect(step).toBeGreaterThan(40);
      // It is only before the note that nothing happened.
      expect(unchanged).toBeLessThan(8);
      return;
    }
  });
});

describe("another tab", () => {
  test("that does not let go of a database leaves it empty, and the next start deletes it", async () => {
    const frozen = await openDB(HERS);
    expect(await wipe()).toEqual({ held: [ANN.accountId], told: true });
    const records = await Promise.all([...frozen.objectStoreNames].map((store) => frozen.getAll(store)));
    expect(records.flat()).toEqual([]);
    expect(await nextStart()).toEqual({ held: [ANN.accountId], told: true });
    frozen.close();
    expect(await nextStart()).toEqual(NOTHING_LEFT);
    expect(await left()).toEqual([]);
  });

  test("that froze in the middle of writing finds it empty when it goes on", async () => {
    const frozen = await openDB(HERS);
    const transaction = frozen.transaction("documents", "readwrite");
    let isFrozen = true;
    const keepOpen = (): void => {
      if (isFrozen) void transaction.objectStore("documents").get("none").then(keepOpen);
    };
    keepOpen();
    expect(await wipe()).toEqual({ held: [ANN.accountId], told: true });
    isFrozen = false;
    await transaction.done;
    frozen.close();
    await expect.poll(async () => (await indexedDB.databases()).some(({ name }) => name === HERS)).toBe(false);
    expect(await nextStart()).toEqual(NOTHING_LEFT);
    expect(await left()).toEqual([]);
  });

  test("of somebody else goes on", async () => {
    const his = await openDB(localStoreName(BOB.accountId, BOB.workspaceId));
    let asked = false;
    his.addEventListener("versionchange", () => (asked = true));
    await wipe();
    expect(asked).toBe(false);
    expect(await his.count("documents")).toBe(1);
    his.close();
    expect(await recordsOf(localStoreName(BOB.accountId, BOB.workspaceId))).not.toEqual([]);
  });
});

function refuse(): Storage {
  throw new DOMException("denied", "SecurityError");
}

test("refused storage fails no wipe", async () => {
  browser.parts.traces = { ...browser.parts.traces, localStorage: refuse, sessionStorage: refuse };
  expect(await wipe()).toEqual(NOTHING_LEFT);
  browser.parts.traces.localStorage = () => aStorage(new Map());
  for (const storage of [browser.local, browser.window]) storage.clear();
  expect(await left()).toEqual([]);
});
