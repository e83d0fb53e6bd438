import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { beforeEach, expect, test } from "vitest";
import { readDeviceNotes } from "#client/local-store/device-notes.ts";
import { localStoreName, openLocalStore } from "#client/local-store/open-local-store.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import { createUuidV7 } from "#shared/lib/uuid.ts";
import { countRequestsAsSteps, liveUntil } from "#tests/support/dying-tab.ts";
import { createSeededRandom } from "#tests/support/seeded-random.ts";
import { keepUnsentChat, openWipedBrowser } from "#tests/support/wiped-device.ts";
import type { WipedBrowser } from "#tests/support/wiped-device.ts";
import { finishDevice, moveIn } from "./move-in.ts";

countRequestsAsSteps();

const GUEST = { accountId: "guest", workspaceId: "own" };
const ANN = { accountId: "ann", workspaceId: "personal" };
const TO = localStoreName(ANN.accountId, ANN.workspaceId);
const random = createSeededRandom(3);
const CHAT = createUuidV7(Date.UTC(2026, 0, 1), random.bytes) as ConversationId;
const signal = new AbortController().signal;

let browser: WipedBrowser;

beforeEach(async () => {
  await anew();
});

async function anew(): Promise<void> {
  globalThis.indexedDB = new IDBFactory();
  browser = openWipedBrowser();
  browser.server.session = ANN.accountId;
  await keepUnsentChat(localStoreName(GUEST.accountId, GUEST.workspaceId), CHAT);
  for (const [key, value] of [
    ["holdfast.me", JSON.stringify({ ...GUEST, kind: "guest" })],
    ["holdfast.new-chat.guest.own", CHAT],
    ["holdfast.run-stops.guest-own", '["run-2"]'],
    ["holdfast.run-stops.ann-personal", '["run-1"]'],
    ["holdfast.models.guest.own", "{}"],
    [`holdfast.edit.${CHAT}.m`, "a new wording"],
  ] as const)
    browser.local.set(key, value);
}

async function found() {
  const store = openLocalStore(TO);
  const [outbox, library] = await Promise.all([store.outbox(), store.library()]);
  store.close();
  return {
    rows: outbox.ok && [...outbox.value.rows].map(([id, keys]) => [id, keys.length]),
    titles: library.ok && library.value.records.map(({ local }) => local?.summary.title),
    local: Object.fromEntries(browser.local),
    databases: new Set((await indexedDB.databases()).map(({ name }) => name)),
    moves: (await readDeviceNotes()).moves,
    asked: browser.server.asked,
  };
}

const ALL_IN = {
  rows: [[CHAT, 1]],
  titles: ["Unsent"],
  local: {
    "holdfast.me": JSON.stringify({ ...ANN, kind: "account" }),
    "holdfast.new-chat.ann.personal": CHAT,
    "holdfast.run-stops.ann-personal": '["run-1","run-2"]',
    [`holdfast.edit.${CHAT}.m`]: "a new wording",
  },
  databases: new Set(["holdfast-device", TO]),
  moves: [],
  // The cookie is the account's: no session ends.
  asked: [],
};

test("a guest's chats, wordings and stops are the account's afterwards, and the guest is gone", async () => {
  const moving = moveIn(browser.parts, { from: GUEST, to: ANN }, signal);
  expect(await browser.during(moving)).toEqual({ ok: true, value: 1 });
  expect(await found()).toEqual(ALL_IN);
});

test.each([
  { what: "kept", reverts: false },
  { what: "brought back", reverts: true },
])(
  "a browser that is killed at any step, and $what its localStorage, goes on at its next start",
  async ({ reverts }) => {
    let begun = 0;
    for (let step = 1; ; step++) {
      await anew();
      const before = [...browser.local];
      const { died } = await browser.during(
        liveUntil(step, () => moveIn(browser.parts, { from: GUEST, to: ANN }, signal)),
      );
      if (reverts) {
        browser.local.clear();
        for (const [key, value] of before) browser.local.set(key, value);
      }
      browser = { ...browser, parts: { ...browser.parts, locks: openWipedBrowser().parts.locks } };
      expect(await browser.during(finishDevice(browser.parts, signal))).toEqual({ held: [], told: true });
      const { local, ...after } = await found();
      if (after.rows === false || after.rows.length === 0) {
        // It was not noted yet, and nothing was done.
        expect(local, `died at ${step}`).toEqual(Object.fromEntries(before));
        continue;
      }
      begun += 1;
      const { local: allIn, ...rest } = ALL_IN;
      expect(after, `died at ${step}`).toEqual(rest);
      expect(JSON.stringify(local), `died at ${step}`).not.toContain("guest");
      const edit = `holdfast.edit.${CHAT}.m`;
      // What is brought back after all was over is known to nobody any more, but for what hangs on a chat.
      expect(local, `died at ${step}`).toMatchObject(reverts ? { [edit]: allIn[edit] } : allIn);
      if (!died) break;
    }
    expect(begun).toBeGreaterThan(60);
  },
);
