import { IDBFactory } from "fake-indexeddb";
import { afterEach, expect } from "vitest";
import { openLocalStore } from "#client/local-store/open-local-store.ts";
import type { SnapshotNews } from "#client/local-store/local-store.ts";
import type { NewsListener } from "#client/local-store/open-library.ts";
import type { HeldOutbox } from "#client/local-store/snapshot-queue.ts";
import type { TakenSnapshot } from "#client/local-store/snapshots.ts";
import type { Locks } from "#client/platform/locks.ts";
import { noLocks } from "#client/platform/locks.ts";
import type { Broadcast } from "#client/platform/platform.ts";
import { openWorkspaceSnapshots } from "#client/sync/open-workspace-snapshots.ts";
import { FROZEN_FORMAT, chainMessages } from "#shared/domain/frozen-content.ts";
import type { FrozenContent } from "#shared/domain/frozen-content.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import { createUuidV7 } from "#shared/lib/uuid.ts";
import { createFakeClock } from "./fake-clock.ts";
import { createScriptedSnapshots } from "./scripted-snapshots.ts";

let made = 0;
const randomBytes = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, at) => ((made += 7) >> (at % 8)) & 0xff);
export const newSnapshotTestId = (): string => createUuidV7(Date.UTC(2026, 0, 1) + (made += 1), randomBytes);

const messageIds = new Map<string, string>();
function messageId(conversationId: string, at: number): string {
  const key = `${conversationId} ${at}`;
  const id = messageIds.get(key) ?? newSnapshotTestId();
  messageIds.set(key, id);
  return id;
}

/** So many messages of a conversation, which are the same ones however many of them there are. */
export function frozenContent(conversationId: string, count: number, model = "t/m"): FrozenContent {
  const { messages, hashes } = chainMessages(
    Array.from({ length: count }, (_, at) => ({
      id: messageId(conversationId, at),
      role: at % 2 === 0 ? ("user" as const) : ("assistant" as const),
      ...(at % 2 === 0 && { author: "account-1" }),
      text: `Message ${at} of ${conversationId}`,
      createdAt: at,
    })),
  );
  const settings = { model, systemPrompt: "", parameters: {} };
  return { manifest: { format: FROZEN_FORMAT, settings, messageCount: count, head: hashes.at(-1) ?? null }, messages };
}

export const aTaken = (
  conversationId: ConversationId,
  count: number,
  labels: Partial<TakenSnapshot> = {},
): TakenSnapshot => ({
  conversationId,
  content: frozenContent(conversationId, count),
  title: `After ${count}`,
  note: "",
  tags: [],
  ...labels,
});

/** Channels between the tabs of one browser. */
export function createChannels(): (name: string, signal: AbortSignal) => Broadcast {
  const members = new Map<string, Set<{ hear?: (message: unknown) => void }>>();
  return (name, signal) => {
    const group = members.get(name) ?? new Set();
    members.set(name, group);
    const own: { hear?: (message: unknown) => void } = {};
    group.add(own);
    signal.addEventListener("abort", () => group.delete(own), { once: true });
    return {
      post(message) {
        for (const one of group) if (one !== own) queueMicrotask(() => one.hear?.(message));
      },
      onMessage(callback) {
        own.hear = callback;
        return () => delete own.hear;
      },
    };
  };
}

export interface SnapshotTabOptions {
  fetch?: typeof fetch;
  online?: boolean;
  locks?: Locks;
  openBroadcast?: ReturnType<typeof createChannels>;
  /** the database; absent for a shared device */
  name?: string | undefined;
}

/** One tab with snapshots and nothing else, over the IndexedDB of this process. */
export function openSnapshotTab(options: SnapshotTabOptions = {}) {
  const name = "name" in options ? options.name : "holdfast:account-1:workspace-1";
  const life = new AbortController();
  const clock = createFakeClock();
  const wakes = new Set<() => void>();
  let online = options.online ?? true;
  const unstored: number[] = [];
  const held: HeldOutbox[] = [];
  let news: NewsListener | undefined;
  const store = openLocalStore(name);
  const snapshots = openWorkspaceSnapshots(
    {
      platform: {
        clock,
        random: () => 0.5,
        fetch: options.fetch ?? (() => Promise.reject(new TypeError("network"))),
        connectivity: {
          online: () => online,
          onWake: (callback) => {
            wakes.add(callback);
            return () => wakes.delete(callback);
          },
          onOffline: () => () => undefined,
        },
        openBroadcast: options.openBroadcast ?? createChannels(),
      },
      locks: options.locks ?? noLocks,
      me: { accountId: "account-1" },
      store,
      library: { onSnapshotNews: (listener) => void (news = listener) },
      sync: {
        outboxChanged(now) {
          if (now === undefined) return;
          held.push(now);
          unstored.push(now.waiting);
        },
      },
      newId: newSnapshotTestId,
      scope: "account-1-workspace-1",
    },
    life.signal,
  );
  return {
    snapshots,
    store,
    clock,
    /** what of the commands was in memory alone, each time that was told */
    held,
    /** how many commands waited in memory alone, each time that was told */
    unstored,
    goOnline(): void {
      online = true;
      for (const wake of wakes) wake();
    },
    /** Plays the library: a page of the feed is stored, then told. */
    async feed(cursor: number, entries: readonly SnapshotNews[]): Promise<void> {
      const { ok } = await store.writeFeed({ from: 0, to: cursor }, entries);
      news?.(entries, ok);
    },
    /** Plays the library: another tab, or the worker, stored a page of the feed. */
    fedElsewhere: () => news?.([], true),
    close(): void {
      life.abort();
      store.close();
    },
  };
}

export type SnapshotTab = ReturnType<typeof openSnapshotTab>;

/** An empty device, and a server that has no snapshot. */
export function freshDevice() {
  globalThis.indexedDB = new IDBFactory();
  return { chat: newSnapshotTestId() as ConversationId, server: createScriptedSnapshots() };
}

/** Opens tabs that ask this server, and closes them after each test of the file that calls this. */
export function tabsOf(server: () => { fetch: typeof fetch }): (options?: SnapshotTabOptions) => SnapshotTab {
  const open: SnapshotTab[] = [];
  afterEach(() => {
    for (const one of open.splice(0)) one.close();
  });
  return (options = {}) => {
    const tab = openSnapshotTab({ fetch: server().fetch, ...options });
    open.push(tab);
    return tab;
  };
}

/** How many commands wait on the disk; -1 where it cannot be read. */
export async function waitingAt(tab: SnapshotTab): Promise<number> {
  const read = await tab.store.outbox();
  return read.ok ? read.value.snapshots.waiting : -1;
}

/** So many wait on the disk; time goes on meanwhile, so that what failed is tried again. */
export async function settledAt(tab: SnapshotTab, left = 0): Promise<void> {
  await expect
    .poll(async () => {
      tab.clock.advance(40_000);
      return await waitingAt(tab);
    })
    .toBe(left);
}
