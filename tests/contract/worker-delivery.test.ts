import "fake-indexeddb/auto";
import { afterEach, beforeEach, expect, test } from "vitest";
import { sendPrompt, placeAfter } from "#client/features/composer/send-prompt.ts";
import { localStoreName, openLocalStore } from "#client/local-store/open-local-store.ts";
import { noLocks } from "#client/platform/locks.ts";
import type { Platform } from "#client/platform/platform.ts";
import { openRuns } from "#client/runs/open-runs.ts";
import { deliverEverything } from "#client/service-worker/deliver.ts";
import { openWorkspaceSync } from "#client/sync/open-workspace-sync.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import { assert } from "#shared/lib/assert.ts";
import { createUuidV7 } from "#shared/lib/uuid.ts";
import { meSchema } from "#shared/protocol/http-bodies.ts";
import type { Me } from "#shared/protocol/http-bodies.ts";
import { conversationRoom } from "#tests/support/attacked-server.ts";
import { signInGuest } from "#tests/support/guest.ts";
import type { Guest } from "#tests/support/guest.ts";
import { openNodeDevice } from "#tests/support/node-device.ts";
import { answer } from "#tests/support/provider-behaviour.ts";
import { openScriptedProvider } from "#tests/support/scripted-provider.ts";
import type { ScriptedProvider } from "#tests/support/scripted-provider.ts";
import { openServerProcess } from "#tests/support/server-process.ts";
import type { ServerProcess } from "#tests/support/server-process.ts";

const clock: Platform["clock"] = {
  now: () => Date.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};
const randomBytes = (length: number): Uint8Array => crypto.getRandomValues(new Uint8Array(length));
const none = (): (() => void) => () => undefined;
const silent: Platform["openBroadcast"] = () => ({ post: () => undefined, onMessage: none });

let provider: ScriptedProvider;
let server: ServerProcess;
let guest: Guest;
let me: Me;

beforeEach(async () => {
  provider = await openScriptedProvider({
    otherwise: ({ index }) => answer(`Answer ${index}.`, { pace: { everyMs: 40 } }),
  });
  server = await openServerProcess({ env: { OPENAI_BASE_URL: provider.baseUrl, OPENAI_API_KEY: "test" } });
  guest = await signInGuest(server.url);
  me = meSchema.parse(await (await guest.fetch("/api/me")).json());
});
afterEach(async () => {
  await server.close();
  await provider.close();
});

/** A page without a network: what is done in it is stored on the device, and it is closed again. */
async function onATrain(doIn: (page: ReturnType<typeof openPage>) => void): Promise<void> {
  const page = openPage();
  doIn(page);
  await page.close();
}

function openPage() {
  const life = new AbortController();
  const platform: Platform = {
    clock,
    randomBytes,
    random: Math.random,
    openSocket: (_path, _protocols, events) => {
      queueMicrotask(() => events.onClose(1006));
      return { send: () => undefined, close: () => undefined, bufferedBytes: () => 0 };
    },
    connectivity: { online: () => false, onWake: none, onOffline: none },
    visibility: { visible: () => true, onHide: none },
    openBroadcast: silent,
    fetch: () => Promise.reject(new TypeError("network")),
  };
  const { documents, commands, close } = openWorkspaceSync(platform, me, life.signal);
  const smallStorage = { read: () => undefined, write: () => true };
  const painting = { beforeNext: none };
  const runs = openRuns(
    { platform, locks: noLocks, painting, commands, documents, smallStorage, scope: "test" },
    life.signal,
  );
  return {
    documents,
    /** @param now ms since 1970 by this device's clock */
    send(id: ConversationId, text: string, now = Date.now()): void {
      const newId = (): string => createUuidV7(now, randomBytes);
      const open = documents.open(id);
      const parentId = placeAfter(open.conversation);
      sendPrompt({ newId, clock: { ...clock, now: () => now }, runs }, open, {
        text,
        parentId,
        model: "openai/scripted-1",
        takesDraft: false,
      });
      open.release();
    },
    async close(): Promise<void> {
      await close();
      life.abort();
    },
  };
}

const newConversation = (): ConversationId => createUuidV7(Date.now(), randomBytes) as ConversationId;

/** The worker's platform: `fetch` with the browser's cookie, and nothing else of a page. */
function aWorker(fetch: Platform["fetch"] = (input, init) => guest.fetch(String(input), init)) {
  const told: unknown[] = [];
  const openBroadcast: Platform["openBroadcast"] = (name) => ({
    post: (message) => void told.push({ name, message }),
    onMessage: none,
  });
  return {
    told,
    deliver: () => deliverEverything({ fetch, clock, openBroadcast, locks: noLocks }, new AbortController().signal),
  };
}

const asked = (): string[] =>
  provider.requests.map(({ body }) => body.messages.map(({ content }) => content).join(" | "));

async function left(): Promise<{ rows: number; commands: number }> {
  const store = openLocalStore(localStoreName(me.accountId, me.workspaceId));
  const [outbox, commands] = await Promise.all([store.outbox(), store.commands()]);
  store.close();
  assert(outbox.ok && commands.ok, "the store was read");
  return { rows: [...outbox.value.rows.values()].flat().length, commands: commands.value.length };
}

test("P3, P5: three prompts written offline, and edits of other chats, are delivered by the worker alone: once, in order", async () => {
  const [chat, other] = [newConversation(), newConversation()];
  await onATrain((page) => {
    page.send(chat, "First?");
    page.send(chat, "Second?");
    page.send(chat, "Third?");
    const old = page.documents.open(other);
    old.conversation.rename("Renamed on the train");
    old.conversation.setPinned(true);
    old.conversation.setDraft("half a thought");
    old.release();
  });
  expect(await left()).toMatchObject({ commands: 3 });

  const worker = aWorker();
  expect(await worker.deliver()).toBe(true);
  expect(await left()).toEqual({ rows: 0, commands: 0 });
  expect(asked()).toEqual([
    "First?",
    "First? | Answer 0. | Second?",
    "First? | Answer 0. | Second? | Answer 1. | Third?",
  ]);
  expect(worker.told).toContainEqual({
    name: `holdfast-run-commands-${me.accountId}-${me.workspaceId}`,
    message: "changed",
  });

  // Once more, as a browser may: nothing is sent twice.
  expect(await worker.deliver()).toBe(true);
  expect(asked()).toHaveLength(3);

  const second = openNodeDevice(server.url, guest.cookie, conversationRoom(chat));
  await second.until(() => second.conversation.branch().length === 6);
  const texts = second.conversation.branch().map(({ text }) => text);
  expect(texts.slice(0, 5)).toEqual(["First?", "Answer 0.", "Second?", "Answer 1.", "Third?"]);
  second.close();
  const renamed = openNodeDevice(server.url, guest.cookie, conversationRoom(other));
  await renamed.until(() => renamed.conversation.summary().title === "Renamed on the train");
  expect(renamed.conversation.summary()).toMatchObject({ pinned: true });
  expect(String(renamed.conversation.draft)).toBe("half a thought");
  renamed.close();
}, 60_000);

test("answers the worker waited for are on this device when it is offline again", async () => {
  const chat = newConversation();
  await onATrain((page) => {
    page.send(chat, "First?");
    page.send(chat, "Second?");
  });
  expect(await aWorker().deliver()).toBe(true);
  let seen: string[] = [];
  const page = openPage();
  const open = page.documents.open(chat);
  await expect.poll(() => (seen = open.conversation.branch().map(({ text }) => text)).length).toBeGreaterThanOrEqual(3);
  expect(seen.slice(0, 3)).toEqual(["First?", "Answer 0.", "Second?"]);
  open.release();
  await page.close();
}, 60_000);

test("a network that goes away in the middle leaves the rest, and the next time brings it: each prompt once", async () => {
  const chat = newConversation();
  await onATrain((page) => {
    page.send(chat, "First?");
    page.send(chat, "Second?");
  });
  let puts = 0;
  const cut: Platform["fetch"] = async (input, init) => {
    if (init?.method === "PUT") puts += 1;
    // The first start reaches the server, and its answer is lost.
    const answered = await guest.fetch(String(input), init);
    if (init?.method === "PUT" && puts === 1) throw new TypeError("network");
    return answered;
  };
  expect(await aWorker(cut).deliver()).toBe(false);
  expect(await left()).toMatchObject({ rows: 0, commands: 2 });
  expect(await aWorker().deliver()).toBe(true);
  expect(asked()).toEqual(["First?", "First? | Answer 0. | Second?"]);
}, 60_000);

test("A9: prompts go in the order they follow each other, also where the clock was set back between them", async () => {
  const chat = newConversation();
  await onATrain((page) => {
    page.send(chat, "First?", Date.now());
    page.send(chat, "Second?", Date.now() - 60_000);
    page.send(chat, "Third?", Date.now() - 120_000);
  });
  expect(await aWorker().deliver()).toBe(true);
  expect(asked()).toEqual([
    "First?",
    "First? | Answer 0. | Second?",
    "First? | Answer 0. | Second? | Answer 1. | Third?",
  ]);
}, 60_000);

test("without a session nothing is touched, and without a network it says to come back", async () => {
  await onATrain((page) => page.send(newConversation(), "Mine"));
  const before = await left();
  const signedOut = aWorker((input, init) => fetch(`${server.url}${String(input)}`, init));
  expect(await signedOut.deliver()).toBe(true);
  const offline = aWorker(() => Promise.reject(new TypeError("network")));
  expect(await offline.deliver()).toBe(false);
  expect([await left(), asked()]).toEqual([before, []]);
}, 60_000);

test("a deleted chat's prompts stay where they are", async () => {
  const chat = newConversation();
  await onATrain((page) => {
    page.send(chat, "Never mind");
    const open = page.documents.open(chat);
    open.conversation.setDeleted(true);
    open.release();
  });
  expect(await aWorker().deliver()).toBe(true);
  expect([asked(), (await left()).commands]).toEqual([[], 1]);
}, 60_000);
