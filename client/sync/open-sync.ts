import type { LocalDocument } from "#client/local-store/local-document.ts";
import type { LocalStore } from "#client/local-store/local-store.ts";
import type { HeldOutbox } from "#client/local-store/snapshot-queue.ts";
import type { LocalDocuments } from "#client/local-store/open-documents.ts";
import type { Platform } from "#client/platform/platform.ts";
import { whenEnded } from "#client/platform/when-ended.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import { openConnection } from "./connection.ts";
import type { Connection } from "./connection.ts";
import type { RefusalCode } from "./engine-events.ts";
import type { DigestCode } from "./engine-state.ts";
import { openOutboxDrain } from "./outbox-drain.ts";
import type { PushOutcome } from "./push-outcome.ts";
import { inMemory, nextReach, reachable, storageNotice, storeHealth, syncStatus } from "./sync-status-state.ts";
import type { Reach, ReachEvent } from "./sync-status-state.ts";
import type { StorageNotice, SyncState, SyncStatus } from "./sync-status.ts";

/** One document that keeps failing while others get through must not be tried in a tight loop. */
const NUDGE_MS = 2_000;

/** The state of sync, with what concerns single documents. */
export interface DocumentSync extends SyncState {
  /** why the server does not take this document's edits; they stay on this device (C5) */
  refusal(id: ConversationId): RefusalCode | undefined;
  /** how often a copy here turned out to differ from the server's although both should be the same (C9) */
  divergences(): number;
}

export interface OpenSync extends DocumentSync {
  /** The server answered, or could not be reached, over HTTP. */
  reach(event: ReachEvent): void;
  /** The server knew who we are in an HTTP request. */
  sessionWorks(): void;
  /**
   * Another tab changed the outbox, or a command about a snapshot did.
   * @param held which of those commands are in the memory of this tab alone; as before where it is not said
   */
  outboxChanged(held?: HeldOutbox): void;
}

/** What sync tells the rest of this tab. */
export interface SyncHost {
  /** the feed has moved: the server stored something of ours, or said so */
  feedMoved(): void;
  /** these are all documents with edits that wait on this device, in any tab's copy or in its store */
  waiting(ids: ReadonlySet<ConversationId>): void;
  /** sends what the store has of edits of these documents, which are not open here */
  push(ids: ReadonlySet<ConversationId>, most: number): Promise<PushOutcome>;
  /** rows left the outbox that way */
  pushed(): void;
  digest: DigestCode;
}

/** Keeps every open document connected, sends what earlier sessions left, and tells how things stand. */
export function openSync(
  platform: Pick<Platform, "clock" | "random" | "openSocket" | "connectivity">,
  store: LocalStore,
  documents: LocalDocuments,
  host: SyncHost,
  signal: AbortSignal,
): OpenSync {
  const { clock, connectivity } = platform;
  const connections = new Map<LocalDocument, Connection>();
  const kept = new Map<LocalDocument, () => void>();
  const listeners = new Set<() => void>();
  /** documents whose edits the server does not take, also after they were closed; true: it never will */
  const refused = new Map<ConversationId, boolean>();
  let held: HeldOutbox = { waiting: 0, refused: 0, isFull: false, storeAgain: async () => undefined };
  let reach: Reach = { failingSince: undefined, browserOffline: !connectivity.online() };
  let divergences = 0;
  let told = "";
  let cancelTimer: (() => void) | undefined;

  const stuck = (document: LocalDocument): boolean => {
    const view = connections.get(document)?.view();
    return view !== undefined && (view.connection === "ended" || view.refused !== undefined);
  };
  const isFinal = (id: ConversationId): boolean => refused.get(id) === true;
  const tellWaiting = (stored: ReadonlySet<ConversationId>): void => {
    const here = documents.opened();
    const pending = [...here].filter((document) => document.pending() || document.status().type === "loading");
    host.waiting(new Set([...stored, ...pending.map(({ id }) => id)]));
  };
  const push = async (ids: ReadonlySet<ConversationId>, most: number): Promise<PushOutcome> => {
    const outcome = await host.push(ids, most);
    if (signal.aborted) return outcome;
    if (outcome.type === "pushed" && outcome.settled.length > 0) {
      host.pushed();
      host.feedMoved();
    }
    if (outcome.type === "failed" && outcome.reached !== undefined)
      takeReach({ type: outcome.reached ? "contact" : "failure" });
    return outcome;
  };
  const drain = openOutboxDrain(
    { store, documents, clock, random: platform.random },
    { stuck, final: isFinal, changed: () => changed(), wasRead: tellWaiting, push },
    signal,
  );

  const anyLive = (): boolean => [...connections.values()].some((one) => one.view().connection === "live");
  const online = (): boolean => (anyLive() && !reach.browserOffline) || reachable(clock.now(), reach).online;

  /** where nothing is stored there is nothing to be read */
  const isKnown = (): boolean => drain.known() || store.health().type === "none";

  function status(): SyncStatus {
    const all = [...documents.opened()];
    const rows = drain.rows();
    noteRefused(all, rows);
    return syncStatus(online(), {
      health: storeHealth(store.health(), all, held.isFull),
      memory: inMemory(all, held.waiting + held.refused),
      known: isKnown(),
      unstored: held.waiting > 0 || all.some((document) => document.unstored()),
      pending: all.some((document) => document.pending()),
      outbox: [...rows.values()].reduce((sum, count) => sum + count, drain.snapshots().waiting + held.waiting),
      refusedSnapshots: drain.snapshots().refused + held.refused,
      refused: new Set(refused.keys()),
      unreadable: drain.unreadable(),
    });
  }

  function noteRefused(opened: readonly LocalDocument[], rows: ReadonlyMap<ConversationId, number>): void {
    for (const document of opened) {
      const waits = document.pending() || rows.has(document.id);
      if (waits && stuck(document)) refused.set(document.id, connections.get(document)?.gone() === true);
    }
    // Trying again proves nothing yet: only that nothing waits any more, here or in another tab, ends it.
    for (const id of refused.keys()) {
      const document = documents.find(id);
      const waits = document !== undefined && (document.status().type === "loading" || document.pending());
      if (isKnown() && !rows.has(id) && !waits) refused.delete(id);
    }
  }

  const notice = (): StorageNotice | undefined =>
    storageNotice(drain.evicted().size, drain.corrupt(), drain.unreadable().size);

  let current: SyncStatus = { type: "saving" };
  function changed(): void {
    if (signal.aborted) return;
    // Before what cannot get on is let go of, and closes.
    noteRefused([...documents.opened()], drain.rows());
    for (const document of documents.opened()) keepWhilePending(document);
    drain.review();
    cancelTimer?.();
    const { changesAt } = reachable(clock.now(), reach);
    cancelTimer = changesAt === undefined ? undefined : clock.after(changesAt - clock.now(), changed);
    current = status();
    const text = JSON.stringify([current, online(), notice()]);
    if (text === told) return;
    told = text;
    for (const listener of listeners) listener();
  }

  /** A document whose edits wait stays open, and so connected, whoever else lets go of it. */
  function keepWhilePending(document: LocalDocument): void {
    const wanted = document.pending() && !stuck(document);
    const release = kept.get(document);
    if (wanted && release === undefined) kept.set(document, documents.hold(document.id).release);
    if (wanted || release === undefined) return;
    kept.delete(document);
    release();
  }

  function onClosed(document: LocalDocument): void {
    connections.delete(document);
    // From now on its rows are nobody's in this tab.
    if (document.outbox().length > 0) drain.outdated();
  }

  let nudgedAt = -Infinity;
  function takeReach(event: ReachEvent): void {
    const cameBack = event.type === "contact" && reach.failingSince !== undefined;
    reach = nextReach(clock.now(), reach, event);
    if (cameBack && clock.now() >= nudgedAt + NUDGE_MS) {
      nudgedAt = clock.now();
      for (const connection of connections.values()) connection.serverIsBack();
    }
    changed();
  }

  documents.onOpened((document, closing) => {
    const ended = AbortSignal.any([signal, closing]);
    // Before the connection hears of it, which makes it tell how things stand.
    ended.addEventListener("abort", () => onClosed(document), { once: true });
    const connection = openConnection(
      platform,
      document,
      {
        contact: () => takeReach({ type: "contact" }),
        failure: () => takeReach({ type: "failure" }),
        acknowledged: host.feedMoved,
        feedMoved: host.feedMoved,
        diverged: () => void divergences++,
        heal: (one, state) => void documents.replace(one, state),
        changed,
        digest: host.digest,
      },
      ended,
    );
    connections.set(document, connection);
  });

  const stops = [
    documents.subscribe(changed),
    store.subscribe(changed),
    connectivity.onOffline(() => takeReach({ type: "browser-offline" })),
    connectivity.onWake(() => {
      if (connectivity.online()) takeReach({ type: "browser-online" });
      drain.retry();
    }),
  ];
  whenEnded(signal, () => cancelTimer?.(), ...stops);
  changed();

  return {
    status: () => current,
    online,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    refusal(id) {
      const document = documents.find(id);
      return document && connections.get(document)?.view().refused;
    },
    divergences: () => divergences,
    notice,
    dismissUnreadable() {
      drain.dismissEvicted();
      void store.dismissUnreadable().then(() => drain.outdated());
    },
    async retryStoring() {
      await Promise.all([documents.flush(), held.storeAgain()]);
      drain.retry();
    },
    reach: takeReach,
    sessionWorks() {
      for (const connection of connections.values()) connection.sessionWorks();
    },
    outboxChanged(now = held) {
      held = now;
      drain.outdated();
    },
  };
}
