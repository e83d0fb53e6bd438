import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { expect, test } from "vitest";
import { localStoreName, openLocalStore } from "#client/local-store/open-local-store.ts";
import type { ConversationId, MessageId, SnapshotId } from "#shared/domain/ids.ts";
import { createUuidV7 } from "#shared/lib/uuid.ts";
import { encodePushAnswers, parsePush } from "#shared/protocol/bulk-sync.ts";
import { countRequestsAsSteps, liveUntil, takeStep } from "#tests/support/dying-tab.ts";
import { createSeededRandom } from "#tests/support/seeded-random.ts";
import { keepUnsentChat, openWipedBrowser } from "#tests/support/wiped-device.ts";
import type { WipedBrowser } from "#tests/support/wiped-device.ts";
import { changeDeviceNotes } from "#client/local-store/change-device-notes.ts";
import { readDeviceNotes } from "#client/local-store/device-notes.ts";
import { openSnapshotStore, withHashes } from "#client/local-store/snapshot-store.ts";
import { createScriptedSnapshots } from "#tests/support/scripted-snapshots.ts";
import { frozenContent, newSnapshotTestId } from "#tests/support/snapshot-scenario.ts";
import { checkFrozen, contentIdOf } from "#shared/domain/frozen-content.ts";
import { createKeptEdits } from "#client/local-store/kept-edits.ts";
import { openRunCommands } from "#client/local-store/open-run-commands.ts";
import { createMemoryStorage } from "#client/platform/memory-storage.ts";
import { countWaiting, emptyDevice } from "./empty-device.ts";
import type { EmptyDeviceParts } from "./empty-device.ts";
import { finishWipe } from "./wipe-device.ts";

countRequestsAsSteps();

// Ann signed in on a device that she says is shared, and on which she wrote before what was never sent.

const ANN = { accountId: "ann", workspaceId: "personal", kind: "account" as const, sharedDevice: true };
const HERS = localStoreName(ANN.accountId, ANN.workspaceId);
const OF_TEAM = localStoreName(ANN.accountId, "team");
const random = createSeededRandom(5);
const CHAT = createUuidV7(Date.UTC(2026, 0, 1), random.bytes) as ConversationId;
const TEAM_CHAT = createUuidV7(Date.UTC(2026, 0, 2), random.bytes) as ConversationId;
const SENT = new Set([`${CHAT} of ann in personal`, `${TEAM_CHAT} of ann in team`]);
const MESSAGE = "m" as MessageId;
const signal = new AbortController().signal;

interface Scene {
  browser: WipedBrowser;
  parts: EmptyDeviceParts;
  /** conversations whose edits the server took, in whose name and workspace */
  taken: Set<string>;
  network: { up: boolean; refuses: boolean };
  asked: Set<string>;
}

async function aScene(): Promise<Scene> {
  globalThis.indexedDB = new IDBFactory();
  const browser = openWipedBrowser();
  const taken = new Set<string>();
  const asked = new Set<string>();
  const network = { up: true, refuses: false };
  // Every start of a page looks there.
  await readDeviceNotes();
  await keepUnsentChat(HERS, CHAT);
  await keepUnsentChat(OF_TEAM, TEAM_CHAT);
  browser.local.set(`holdfast.edit.${CHAT}.${MESSAGE}`, "a new wording");
  browser.local.set("holdfast.models.ann.personal", "{}");
  const fetch = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    takeStep();
    asked.add(String(input));
    if (!network.up) throw new TypeError("network");
    const pushed = parsePush(new Uint8Array(init?.body as ArrayBuffer));
    if (!pushed.ok) throw new Error(pushed.failure);
    const headers = new Headers(init?.headers);
    const whose = `${headers.get("x-holdfast-account")} in ${headers.get("x-holdfast-workspace")}`;
    if (!network.refuses) for (const { id } of pushed.value) taken.add(`${id} of ${whose}`);
    const answers = encodePushAnswers(
      pushed.value.map(() => (network.refuses ? { type: "gone" } : { type: "acknowledged", headSeq: 1 })),
    );
    return new Response(answers.slice(), { headers: { "content-type": "application/octet-stream" } });
  };
  return { browser, parts: aPage(browser, fetch), taken, network, asked };
}

/** A page of hers; the one before ended with whatever locks it held. */
function aPage(browser: WipedBrowser, fetch: typeof globalThis.fetch): EmptyDeviceParts {
  const memory = createMemoryStorage();
  const { platform, traces } = browser.parts;
  return {
    platform: { ...platform, fetch },
    locks: openWipedBrowser().parts.locks,
    traces,
    me: ANN,
    commands: openRunCommands(openLocalStore(undefined)),
    keptEdits: (id) => createKeptEdits(() => memory, id),
  };
}

const databases = async (): Promise<Set<string | undefined>> =>
  new Set((await indexedDB.databases()).map(({ name }) => name));
const waiting = ({ parts }: Scene): Promise<number> => countWaiting("ann", parts.traces.localStorage);

test("what waits here is sent in its workspace's name, and then all of it goes; nothing else is asked for", async () => {
  const scene = await aScene();
  const { browser, parts, taken, asked } = scene;
  expect(await waiting(scene)).toBe(2);
  expect(await browser.during(emptyDevice(parts, signal))).toBe(true);
  expect(taken).toEqual(SENT);
  expect(asked).toEqual(new Set(["/api/sync/push"]));
  expect(await databases()).toEqual(new Set(["holdfast-device"]));
  expect([...browser.local.keys()]).toEqual([]);
  expect(parts.keptEdits(CHAT).read(MESSAGE)).toBe("a new wording");
  expect(await waiting(scene)).toBe(0);
});

test("where nothing of the account is here, nothing is asked, and nothing is written", async () => {
  const { browser, parts, asked } = await aScene();
  const bob = { ...parts, me: { ...ANN, accountId: "bob" } };
  expect(await browser.during(emptyDevice(bob, signal))).toBe(true);
  expect(asked).toEqual(new Set());
  expect(await databases()).toEqual(new Set(["holdfast-device", HERS, OF_TEAM]));
});

test.each(["no network", "a server that takes none of it"])(
  "with %s all of it stays, until it can be sent",
  async (why) => {
    const scene = await aScene();
    const { browser, parts, taken, network } = scene;
    network.up = why !== "no network";
    network.refuses = true;
    expect(await browser.during(emptyDevice(parts, signal))).toBe(false);
    expect(await databases()).toEqual(new Set(["holdfast-device", HERS, OF_TEAM]));
    expect(await waiting(scene)).toBe(2);
    network.up = true;
    network.refuses = false;
    expect(await browser.during(emptyDevice(parts, signal))).toBe(true);
    expect(taken).toEqual(SENT);
    expect(await databases()).toEqual(new Set(["holdfast-device"]));
  },
);

test("nothing goes while a guest's chats are still to be moved into the account", async () => {
  const { browser, parts } = await aScene();
  const guest = localStoreName("guest", "own");
  await keepUnsentChat(guest, createUuidV7(Date.UTC(2026, 0, 4), random.bytes) as ConversationId);
  await changeDeviceNotes((notes) => void notes.objectStore("moves").put({ from: guest, to: HERS }));
  expect(await browser.during(emptyDevice(parts, signal))).toBe(false);
  expect(await databases()).toEqual(new Set(["holdfast-device", guest, HERS, OF_TEAM]));
});

test("a queued prompt goes on in this page, and the device is empty once it was delivered", async () => {
  const { browser, parts } = await aScene();
  const command = {
    runId: createUuidV7(Date.UTC(2026, 0, 3), random.bytes),
    conversationId: CHAT,
    parentMessageId: createUuidV7(Date.UTC(2026, 0, 3), random.bytes),
    messageId: createUuidV7(Date.UTC(2026, 0, 3), random.bytes),
    model: "m",
    parameters: {},
    createdAt: 1,
  };
  const store = openLocalStore(HERS);
  await store.keepCommands([command]);
  store.close();
  expect(await browser.during(emptyDevice(parts, signal))).toBe(false);
  expect(await parts.commands.list()).toEqual([command]);
  expect(await databases()).toContain(HERS);
  await (parts.commands as ReturnType<typeof openRunCommands>).remove(command.runId);
  expect(await browser.during(emptyDevice(parts, signal))).toBe(true);
  expect(await databases()).toEqual(new Set(["holdfast-device"]));
});

/** Freezes a chat in a page that ends before the server hears of it. */
async function keepUnsealed(name: string): Promise<SnapshotId> {
  const { manifest, messages } = frozenContent(CHAT, 3);
  const hashes = checkFrozen({ manifest, messages });
  if (!hashes.ok) throw new Error("not chained");
  const snapshotId = newSnapshotTestId() as SnapshotId;
  const leaf = messages.at(-1)?.id ?? "";
  const known = { contentId: contentIdOf(manifest), leaf, excerpt: "", createdBy: "ann" };
  const deed = { type: "take" as const, manifest, title: "", note: "", tags: [], ...known };
  const store = openLocalStore(name);
  const command = { snapshotId, conversationId: CHAT, createdAt: 1, deed };
  await openSnapshotStore(store).add(command, withHashes({ messages }, hashes.value), false);
  store.close();
  return snapshotId;
}

test.each(["no network", "a server that will not have it"])(
  "with %s a snapshot that was never sealed stays, and is sealed before the device is emptied",
  async (why) => {
    const scene = await aScene();
    const { browser, parts } = scene;
    const server = createScriptedSnapshots();
    const id = await keepUnsealed(OF_TEAM);
    const whose = new Set<string | null>();
    const withSnapshots = aPage(browser, async (input, init) => {
      if (!String(input).startsWith("/api/snapshots")) return parts.platform.fetch(input, init);
      takeStep();
      whose.add(new Headers(init?.headers).get("x-holdfast-workspace"));
      return server.fetch(input, init);
    });
    expect(await waiting(scene)).toBe(3);
    server.happens(why === "no network" ? "lost" : { status: 413, code: "too_large" });
    expect(await browser.during(emptyDevice(withSnapshots, signal))).toBe(false);
    expect(await waiting(scene)).toBe(1);
    expect(await databases()).toContain(OF_TEAM);
    if (why !== "no network") return;
    expect(await browser.during(emptyDevice(withSnapshots, signal))).toBe(true);
    expect([...server.kept.keys()]).toEqual([id]);
    expect(whose).toEqual(new Set(["team"]));
    expect(await databases()).toEqual(new Set(["holdfast-device"]));
  },
);

test("a page that is killed at any step has lost nothing, and the next one leaves nothing here", async () => {
  for (let step = 1; ; step++) {
    const { browser, parts, taken } = await aScene();
    const { died } = await browser.during(liveUntil(step, () => emptyDevice(parts, signal)));
    const next = aPage(browser, parts.platform.fetch);
    await browser.during(emptyDevice(next, signal));
    // What was noted before it died is done by any start.
    await browser.during(finishWipe(next, signal));
    expect(taken, `died at ${step}`).toEqual(SENT);
    expect(await databases(), `died at ${step}`).toEqual(new Set(["holdfast-device"]));
    expect([...browser.local.keys()], `died at ${step}`).toEqual([]);
    if (died) continue;
    expect(step).toBeGreaterThan(60);
    break;
  }
});
