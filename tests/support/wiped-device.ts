import { openDB } from "idb";
import * as Y from "yjs";
import { localStoreName, openLocalStore } from "#client/local-store/open-local-store.ts";
import { DATABASE_VERSION } from "#client/local-store/open-database.ts";
import type { Locks } from "#client/platform/locks.ts";
import type { Broadcast } from "#client/platform/platform.ts";
import type { WipeParts } from "#client/session/wipe-device.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import { aSummary } from "./a-summary.ts";
import { takeStep } from "./dying-tab.ts";
import { createFakeClock } from "./fake-clock.ts";
import type { FakeClock } from "./fake-clock.ts";

// A browser with all that it keeps of accounts, over the IndexedDB that is global now, for tests of what leaves it.

/** In everything that is of Ann: her words, and her ids. */
export const CANARY = "canary";
export const ANN = { accountId: `ann-${CANARY}`, workspaceId: "personal" };
export const BOB = { accountId: "bob", workspaceId: "personal" };
const HERS = localStoreName(ANN.accountId, ANN.workspaceId);
const HIS = localStoreName(BOB.accountId, BOB.workspaceId);
export const HIS_CHAT = "019b76da-a800-7000-8000-000000000001";
const HER_CHAT = "019b76da-a800-7000-8000-00000000000c";

export interface WipedBrowser {
  clock: FakeClock;
  local: Map<string, string>;
  window: Map<string, string>;
  caches: Set<string>;
  /** whose session the cookie names by the server; and what was asked with it */
  server: { session: string | undefined; online: boolean; asked: string[]; answers: number | undefined };
  shown: Set<string>;
  channels: Set<{ name: string; callbacks: Set<(message: unknown) => void> }>;
  parts: WipeParts;
  /** Moves time on while work goes on; answers what that came to. */
  during<T>(work: Promise<T>): Promise<T>;
}

/** A `localStorage` whose changes are steps of the tab. */
export function aStorage(values: Map<string, string>): Storage {
  return {
    get length() {
      return values.size;
    },
    key: (index) => [...values.keys()][index] ?? null,
    getItem: (key) => values.get(key) ?? null,
    setItem(key, value) {
      takeStep();
      values.set(key, value);
    },
    removeItem(key) {
      takeStep();
      values.delete(key);
    },
    clear: () => values.clear(),
  };
}

function createLocks(): Locks {
  let last: Promise<unknown> = Promise.resolve();
  return {
    hold(_name, _signal, work) {
      const held = last.then(work, work);
      last = held;
      return held;
    },
  };
}

export function openWipedBrowser(): WipedBrowser {
  const clock = createFakeClock();
  const local = new Map<string, string>();
  const window = new Map<string, string>();
  const caches = new Set<string>();
  const shown = new Set<string>();
  const channels: WipedBrowser["channels"] = new Set();
  const server: WipedBrowser["server"] = { session: undefined, online: true, asked: [], answers: undefined };

  function openBroadcast(name: string): Broadcast {
    const own = { name, callbacks: new Set<(message: unknown) => void>() };
    channels.add(own);
    return {
      post(message) {
        for (const other of channels)
          if (other !== own && other.name === name) for (const callback of other.callbacks) callback(message);
      },
      onMessage(callback) {
        own.callbacks.add(callback);
        return () => own.callbacks.delete(callback);
      },
    };
  }

  async function fetch(input: RequestInfo | URL, init: RequestInit = {}): Promise<Response> {
    takeStep();
    server.asked.push(`${init.method ?? "GET"} ${String(input)}`);
    if (!server.online) throw new TypeError("network");
    if (server.answers !== undefined) return new Response(null, { status: server.answers });
    const meant = new Headers(init.headers).get("x-holdfast-account");
    if (server.session === undefined || meant !== server.session) return new Response("", { status: 401 });
    server.session = undefined;
    return new Response(null, { status: 204 });
  }

  return {
    clock,
    local,
    window,
    caches,
    server,
    shown,
    channels,
    parts: {
      platform: { clock, openBroadcast, fetch },
      locks: createLocks(),
      traces: {
        localStorage: () => aStorage(local),
        sessionStorage: () => aStorage(window),
        caches: {
          keys: () => Promise.resolve([...caches]),
          delete(name) {
            takeStep();
            return Promise.resolve(caches.delete(name));
          },
        },
        clearShown() {
          shown.clear();
          return Promise.resolve();
        },
      },
    },
    async during(work) {
      let going = true;
      const move = (): void => {
        if (!going) return;
        clock.advance(1);
        setImmediate(move);
      };
      move();
      return await work.finally(() => (going = false));
    },
  };
}

/** Signs Ann in, on a device that she shares with Bob, and lets both leave whatever the app can. */
export async function fillBrowser({ local, window, caches, shown, server }: WipedBrowser): Promise<void> {
  const { accountId, workspaceId } = ANN;
  server.session = accountId;
  for (const name of [HERS, localStoreName(accountId, "team")]) await fillDatabase(name, HER_CHAT, CANARY);
  await fillDatabase(HIS, HIS_CHAT, "his words");
  for (const [key, value] of [
    ["holdfast.theme", "dark"],
    ["holdfast.asked-to-keep", "true"],
    ["holdfast.signed-out", "1"],
    ["elsewhere", "of another program"],
    ["holdfast.me", JSON.stringify({ ...ANN, kind: "account" })],
    [`holdfast.new-chat.${accountId}.${workspaceId}`, HER_CHAT],
    [`holdfast.last-place.${accountId}.${workspaceId}`, `/c/${HER_CHAT}`],
    [`holdfast.models.${accountId}.${workspaceId}`, "{}"],
    [`holdfast.run-stops.${accountId}-${workspaceId}`, "[]"],
    [`holdfast.edit.${HER_CHAT}.m`, CANARY],
    ["holdfast.of-a-newer-version", CANARY],
    [`holdfast.edit.${HIS_CHAT}.m`, "his edit"],
    [`holdfast.new-chat.${BOB.accountId}.personal`, HIS_CHAT],
    ["holdfast.databases", `${HERS}\n${HIS}\n`],
  ] as const)
    local.set(key, value);
  window.set(`holdfast.new-chat.${accountId}.${workspaceId}`, HER_CHAT);
  caches.add("workbox-precache-v2-https://chat.example/").add(`pages-${CANARY}`);
  shown.add(CANARY);
}

async function fillDatabase(name: string, chat: string, words: string): Promise<void> {
  const store = openLocalStore(name);
  await store.library();
  await store.forget(chat as ConversationId);
  store.close();
  const db = await openDB(name);
  await db.put("documents", { id: chat, epoch: 0, state: words });
  const update = await db.add("updates", { documentId: chat, bytes: words });
  await db.add("outbox", { documentId: chat, update, words });
  await db.put("summaries", { id: chat, local: { summary: { title: words } } });
  await db.put("commands", { runId: "run", conversationId: chat, model: words });
  await db.put("meta", words, "cursor");
  await db.add("quarantine", { documentId: chat, reason: "corrupt", content: words });
  db.close();
}

/** Stores a chat called "Unsent" whose one edit the server does not have. */
export async function keepUnsentChat(databaseName: string, id: ConversationId): Promise<void> {
  const store = openLocalStore(databaseName);
  const doc = new Y.Doc();
  doc.clientID = 1;
  doc.getText("draft").insert(0, "unsent");
  await store.write({
    id,
    epoch: 0,
    local: Y.encodeStateAsUpdate(doc),
    remote: undefined,
    state: undefined,
    commands: [],
    summary: { summary: aSummary("Unsent"), changedAt: 1, headSeq: undefined },
    strict: false,
  });
  store.close();
}

/** Where anything of Ann is to be found. */
export async function canaries(browser: WipedBrowser): Promise<string[]> {
  const names = (await indexedDB.databases()).flatMap(({ name }) => name ?? []);
  const records = await Promise.all(names.map((name) => recordsOf(name)));
  const { local, window, caches, shown } = browser;
  const texts = [...records, names, ...local, ...window, [...caches], [...shown]].flat();
  return texts.filter(isHers);
}

const isHers = (text: string): boolean => text.includes(CANARY) || text.includes(HER_CHAT);

export async function recordsOf(name: string): Promise<string[]> {
  const db = await openDB(name);
  const stores = [...db.objectStoreNames];
  const records = await Promise.all(stores.flatMap((store) => [db.getAll(store), db.getAllKeys(store)]));
  db.close();
  return records.flat().map((record) => JSON.stringify(record));
}

/** All that is not Ann's. */
export async function othersOf(browser: WipedBrowser): Promise<unknown> {
  const names = (await indexedDB.databases()).flatMap(({ name }) => (name === HIS ? [name] : []));
  return {
    local: [...browser.local].filter(([key, value]) => !isHers(key + value) && key !== "holdfast.databases"),
    caches: [...browser.caches].filter((name) => !isHers(name)),
    his: await Promise.all(names.map((name) => recordsOf(name))),
    version: DATABASE_VERSION,
  };
}
