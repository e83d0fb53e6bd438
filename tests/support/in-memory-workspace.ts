import * as Y from "yjs";
import type { DocumentStatus, Documents, OpenConversation } from "#client/local-store/documents.ts";
import { createKeptEdits } from "#client/local-store/kept-edits.ts";
import type { LibraryEntry } from "#client/local-store/library.ts";
import type { RunCommand } from "#client/local-store/run-command.ts";
import type { Delivery, LiveRun, Runs } from "#client/runs/runs.ts";
import { createMemoryStorage } from "#client/platform/memory-storage.ts";
import { createSmallStorage } from "#client/platform/small-storage.ts";
import type { DeviceCopy } from "#client/session/device-copy.ts";
import { openVerifier } from "#client/session/open-verifier.ts";
import type { Workspace } from "#client/session/workspace.ts";
import type { StorageNotice, SyncStatus } from "#client/sync/sync-status.ts";
import { openConversation } from "#shared/documents/conversation.ts";
import type { ConversationDocument } from "#shared/documents/conversation.ts";
import type { ConversationId, MessageId } from "#shared/domain/ids.ts";
import { isTerminal } from "#shared/domain/run.ts";
import type { RunFacts } from "#shared/domain/run.ts";
import { createUuidV7 } from "#shared/lib/uuid.ts";
import type { Models } from "#shared/protocol/http-bodies.ts";
import { inMemorySnapshots } from "./in-memory-snapshots.ts";
import { appendAnswer, startAnswer } from "#shared/documents/write-answer.ts";

const MODELS: Models = {
  models: [
    { id: "t/m", name: "Test Model", provider: { id: "t", name: "Test" }, kind: "hosted", contextTokens: 128_000 },
    { id: "t/small", name: "Test Model Small", provider: { id: "t", name: "Test" }, kind: "hosted" },
  ],
  defaultModel: "t/m",
};

const NOT_IN_TRASH = { deletedAt: undefined, changedAfterDeletion: false, erased: false, erasing: false };

function createListeners() {
  const listeners = new Set<() => void>();
  return {
    subscribe: (listener: () => void) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    notify: () => {
      for (const listener of listeners) listener();
    },
  };
}

export type InMemoryWorkspace = ReturnType<typeof inMemoryWorkspace>;

/** A workspace without storage or network, whose runs and network a test or a preview plays by hand. */
export function inMemoryWorkspace(options: { now?: number; models?: Models } = {}) {
  let now = options.now ?? Date.UTC(2026, 10, 22, 12);
  let seed = 1;
  const randomBytes = (length: number): Uint8Array =>
    Uint8Array.from({ length }, () => (seed = (seed * 48_271) % 2_147_483_647) & 0xff);
  const newId = (): string => createUuidV7((now += 1), randomBytes);

  const chats = new Map<string, { open: OpenConversation; status: DocumentStatus; activityAt: number }>();
  const statuses = createListeners();
  const libraryListeners = createListeners();
  const deliveryListeners = createListeners();
  const syncListeners = createListeners();
  const runListeners = new Map<string, ReturnType<typeof createListeners>>();
  const liveRuns = new Map<string, LiveRun>();
  const deliveries = new Map<string, Delivery>();
  const delivered: RunCommand[] = [];
  const marks = new Map<string, Partial<LibraryEntry>>();
  let entries: readonly LibraryEntry[] = [];
  let sync: { status: SyncStatus; online: boolean } = { status: { type: "saved" }, online: true };
  let notice: StorageNotice | undefined;
  let cancels = true;

  function listChats(): void {
    entries = [...chats.values()]
      .filter(({ open }) => open.conversation.schemaVersion() > 0 || open.conversation.draft.length > 0)
      .map(({ open, activityAt }) => {
        const summary = open.conversation.summary();
        return { id: open.id, summary, activityAt, ...NOT_IN_TRASH, ...marks.get(open.id) };
      })
      .toSorted((a, b) => b.activityAt - a.activityAt);
    libraryListeners.notify();
  }

  function mark(id: ConversationId, change: Partial<LibraryEntry>): void {
    marks.set(id, { ...marks.get(id), ...change });
    listChats();
  }

  function chat(id: ConversationId) {
    const known = chats.get(id);
    if (known) return known;
    const conversation = openConversation(new Y.Doc(), "local");
    const open: OpenConversation = {
      id,
      conversation,
      status: () => chats.get(id)?.status ?? { type: "gone" },
      subscribe: statuses.subscribe,
      editWithCommand: (edit) => edit(conversation),
      stored: async () => true,
      release: () => undefined,
    };
    const made = { open, status: { type: "ready", arrived: true } as DocumentStatus, activityAt: now };
    chats.set(id, made);
    conversation.subscribe(() => {
      made.activityAt = now;
      listChats();
    });
    return made;
  }

  const documents: Documents = { open: (id) => chat(id).open, flush: () => Promise.resolve() };
  const runs: Runs = {
    ready: () => true,
    streaming: () => [...liveRuns.values()].some(({ status }) => !isTerminal(status)),
    follow(runId, listener) {
      const listeners = runListeners.get(runId) ?? createListeners();
      runListeners.set(runId, listeners);
      return listeners.subscribe(listener);
    },
    live: (runId) => liveRuns.get(runId),
    pause: (runId) => setLive(runId, { paused: true }),
    resume: (runId) => setLive(runId, { paused: false }),
    stop: (runId) => setLive(runId, { status: "stopped" }),
    delivery: (runId) => deliveries.get(runId),
    deliver: (command) => void delivered.push(command),
    waits: () => deliveries.size > 0,
    cancel: (runId) => {
      if (cancels) setDelivery(runId, undefined);
      return Promise.resolve(cancels);
    },
    subscribeDeliveries: deliveryListeners.subscribe,
  };

  function setLive(runId: string, change: Partial<LiveRun>): void {
    const idle: LiveRun = {
      status: "streaming",
      text: "",
      reasoning: "",
      frame: 0,
      paused: false,
      waiting: undefined,
      failure: undefined,
    };
    liveRuns.set(runId, { ...(liveRuns.get(runId) ?? idle), ...change });
    runListeners.get(runId)?.notify();
  }

  function setDelivery(runId: string, delivery: Delivery | undefined): void {
    if (delivery) deliveries.set(runId, delivery);
    else deliveries.delete(runId);
    deliveryListeners.notify();
  }

  /** Plays the relay: answers the last prompt of the shown branch, with the ids it planned. */
  function answer(id: ConversationId, result: { text: string; reasoning?: string } & Partial<RunFacts>): string {
    const { conversation } = chat(id).open;
    const prompt = conversation.branch().at(-1);
    if (prompt?.role !== "user" || !prompt.plannedRun) throw new Error("The branch does not end with a planned prompt");
    const { text, reasoning = "", ...facts } = result;
    const { runId, messageId, model } = prompt.plannedRun;
    const run: RunFacts = { runId, model, parameters: {}, status: "streaming", frame: 0, queuedAt: now, ...facts };
    startAnswer(conversation, {
      id: messageId as MessageId,
      parentId: prompt.id,
      createdAt: now,
      run: { ...run, frame: 0 },
    });
    appendAnswer(conversation, messageId as MessageId, {
      text,
      reasoning,
      run: { ...run, frame: Math.max(1, run.frame) },
    });
    return runId;
  }

  const device: DeviceCopy = {
    overview: () =>
      Promise.resolve({
        usage: 14_300_000,
        kept: false,
        chats: entries.length,
        here: Math.max(0, entries.length - 2),
        waiting: { changes: 3, chats: 2 },
        setAside: 1,
      }),
    askToKeep: () => Promise.resolve(false),
    exportEverything: () => Promise.resolve({ chats: entries.length, missing: 2 }),
    exportSetAside: () => Promise.resolve(true),
    removeSetAside: () => Promise.resolve(true),
  };

  const texts = createMemoryStorage();
  const verifier = openVerifier({
    fetch: () => Promise.reject(new TypeError("no network")),
    clock: { now: () => now, after: () => () => undefined },
    smallStorage: createSmallStorage(() => texts),
    accountId: "account-1",
  });
  const workspace: Workspace = {
    me: { accountId: "account-1", workspaceId: "workspace-1", kind: "guest" },
    documents,
    library: {
      entries: () => entries,
      loaded: () => true,
      subscribe: libraryListeners.subscribe,
      setErasing: (id, erasing) => mark(id, { erasing }),
      async forget(id) {
        chats.delete(id);
        listChats();
      },
    },
    sync: {
      status: () => sync.status,
      online: () => sync.online,
      subscribe: syncListeners.subscribe,
      notice: () => notice,
      retryStoring: () => Promise.resolve(),
      dismissUnreadable() {
        notice = undefined;
        sync = { ...sync, status: { type: "saved" } };
        syncListeners.notify();
      },
    },
    runs,
    snapshots: inMemorySnapshots({ newId, now: () => now }),
    smallStorage: createSmallStorage(() => texts),
    tabStorage: createSmallStorage(() => texts),
    keptEdits: (id) => createKeptEdits(() => texts, id),
    models: { models: () => options.models ?? MODELS, subscribe: () => () => undefined },
    device: () => Promise.resolve(device),
    verifier: async () => verifier,
    account: {
      session: {
        me: { accountId: "account-1", workspaceId: "workspace-1", kind: "guest" },
        status: () => ({ type: "unchecked" }),
        subscribe: () => () => undefined,
        check: () => undefined,
        checked: () => Promise.resolve(),
        renew: () => Promise.resolve(true),
      },
      fetch: globalThis.fetch,
      rawFetch: globalThis.fetch,
      changed: () => undefined,
      signOut: () => Promise.resolve(),
      switchTo: () => Promise.resolve(),
      restart: () => undefined,
    },
    clock: {
      now: () => now,
      after: (ms, callback) => {
        const timer = setTimeout(callback, ms);
        return () => clearTimeout(timer);
      },
    },
    newId,
  };

  return {
    workspace,
    delivered,
    answer,
    setLive,
    setDelivery,
    newConversationId: (): ConversationId => newId() as ConversationId,
    setNow: (at: number): void => void (now = at),
    refuseCancel: (): void => void (cancels = false),
    /** Marks a chat as the trash shows it. */
    mark,
    setStatus(id: ConversationId, status: DocumentStatus): void {
      chat(id).status = status;
      statuses.notify();
    },
    setSync(next: { status: SyncStatus; online: boolean }): void {
      sync = next;
      syncListeners.notify();
    },
    setNotice(next: StorageNotice): void {
      notice = next;
      syncListeners.notify();
    },
    /** Edits a chat as if it had been done at a time. */
    at(id: ConversationId, time: number, edit: (conversation: ConversationDocument) => void): void {
      const made = chat(id);
      edit(made.open.conversation);
      made.activityAt = time;
      listChats();
    },
  };
}
