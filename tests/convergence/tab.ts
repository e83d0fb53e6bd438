import * as Y from "yjs";
import type { OpenConversation } from "#client/local-store/documents.ts";
import { FROM_SERVER } from "#client/local-store/local-document.ts";
import type { LocalDocument } from "#client/local-store/local-document.ts";
import { bringBack } from "#client/local-store/bring-back.ts";
import { openBulk } from "#client/sync/bulk.ts";
import { contentDigest } from "#shared/documents/canonical-content.ts";
import type { LocalDocuments } from "#client/local-store/open-documents.ts";
import type { Platform } from "#client/platform/platform.ts";
import { openSharedSockets } from "#client/platform/shared-sockets.ts";
import { openRuns } from "#client/runs/open-runs.ts";
import type { Runs } from "#client/runs/runs.ts";
import { openWorkspaceSync } from "#client/sync/open-workspace-sync.ts";
import { createReachedConnectivity } from "#client/sync/reached-connectivity.ts";
import type { WorkspaceSync } from "#client/sync/workspace-sync.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import { createUuidV7 } from "#shared/lib/uuid.ts";
import type { SharedBrowser } from "./browser.ts";
import { fetchOf } from "./http.ts";
import type { HttpServer } from "./http.ts";
import type { SimulatedStores } from "./indexed-db.ts";
import { marksSet } from "./ledger.ts";
import type { Ledger, Mark } from "./ledger.ts";
import { socketsOf } from "./network.ts";
import type { Acceptor, Network } from "./network.ts";
import type { Chance, Owner, World } from "./world.ts";

/** One person's browser on one machine. */
export interface Device {
  readonly name: string;
  readonly account: string;
  readonly network: Network;
  readonly shared: SharedBrowser;
  /** how far its wall clock is off, in ms */
  offset: number;
  /** its tabs were told that the network is gone, and not yet that it is back */
  offline: boolean;
  /** copies that were replaced because they turned out wrong */
  healed: number;
  /** edits made on it */
  marks: number;
  tabs: (Tab | undefined)[];
}

export interface TabContext {
  world: World;
  server: Acceptor & HttpServer;
  stores: SimulatedStores;
  ledger: Ledger;
  /** what the run's log says durably; undefined where there is no log any more */
  loggedText: (runId: string) => string | undefined;
  /** Ends all tabs, dead ones too: what waits for a signal is kept until it comes. */
  over: AbortSignal;
  violate: (what: string) => void;
}

/** One tab: the app as it is, but for its UI, in the browser of a device. */
export interface Tab {
  readonly name: string;
  readonly device: Device;
  readonly owner: Owner;
  readonly chance: Chance;
  readonly sync: WorkspaceSync["sync"];
  readonly library: WorkspaceSync["library"];
  readonly documents: LocalDocuments;
  readonly runs: Runs;
  readonly commands: WorkspaceSync["commands"];
  now(): number;
  newId(): string;
  open(id: string): OpenConversation;
  leave(id: string): void;
  opened(): Iterable<OpenConversation>;
  mark(document: string): Mark;
  follow(runId: string): void;
  followed(): Iterable<string>;
  wake(): void;
  goOffline(): void;
  hide(): void;
  /** The device's store lost everything: what this tab stored is a promise again once it wrote anew. */
  storeLost(): void;
  /** It dies; what its store was told completes, or is undone. */
  kill(cleanly: boolean): void;
}

/** How soon a tab knows what another tab of its device stored. */
const TOLD_WITHIN_MS = 1_000;

let tabs = 0;
/** Tabs are numbered within one simulation. */
export const startCountingTabs = (): void => void (tabs = 0);

export function openTab(context: TabContext, device: Device, marks: () => string): Tab {
  const { world, stores, ledger, over, violate } = context;
  tabs += 1;
  const name = `${device.name}.${tabs}`;
  const owner: Owner = { dead: false };
  const chance = world.chance(`tab ${name}`);
  const signals = { wake: new Set<() => void>(), offline: new Set<() => void>(), hide: new Set<() => void>() };
  const account = stores.accountOf(device.name, name);
  const browser = platformOf(context, device, { owner, chance, signals, account });
  const locks = device.shared.locksFor(owner);
  const scope = device.account;
  const platform = { ...browser, openSocket: openSharedSockets({ platform: browser, locks, scope }, over) };

  const me = { accountId: account, workspaceId: "personal", kind: "guest" } as const;
  // Fetching code takes time that is not the world's.
  const workspace = openWorkspaceSync(platform, me, over, {
    bringBack: () => Promise.resolve(bringBack),
    bulk: () => Promise.resolve(openBulk),
    digest: () => Promise.resolve(contentDigest),
  });
  const documents = workspace.documents;
  const { sync, library, commands } = workspace;
  const runs = openRuns(
    {
      platform,
      reached: createReachedConnectivity(platform.connectivity, sync),
      locks,
      painting: { beforeNext: (callback) => world.after(16, callback, owner) },
      commands,
      documents,
      smallStorage: device.shared.smallStorage,
      scope,
    },
    over,
  );

  const open = new Map<string, OpenConversation>();
  /** marks without an ack, by the copy they were made in: what another copy says is not about them */
  const own = new Map<LocalDocument, Mark[]>();
  const followed = new Map<string, string>();
  const rewriting = new Set<LocalDocument>();

  function reviewCopy(document: LocalDocument, unsettled: readonly Mark[]): void {
    if (documents.find(document.id) !== document) own.delete(document);
    if (document.unstoredEdits()) rewriting.delete(document);
    else if (!rewriting.has(document)) unsettled.forEach(ledger.stored);
    if (document.pending()) return;
    for (const mark of unsettled) ledger.acknowledged(mark, "an ack");
    own.delete(document);
  }

  function review(): void {
    if (owner.dead) return;
    for (const [document, unsettled] of own) reviewCopy(document, unsettled);
    if (sync.status().type !== "saved") return;
    // "Saved" speaks of everything this device holds, but for what another tab has not told yet.
    for (const mark of ledger.of(device.name))
      if (mark.tab === name || (mark.stored && world.now() - mark.storedAt > TOLD_WITHIN_MS))
        ledger.acknowledged(mark, "the status line");
  }
  documents.subscribe(review);
  sync.subscribe(review);

  documents.onOpened((document) => {
    document.doc.getMap("meta").observe((event, transaction) => {
      if (transaction.origin !== FROM_SERVER || owner.dead) return;
      for (const mark of marksSet(event))
        if (!mark.startsWith(`${device.name}-`) && !ledger.isDurable(document.id, mark))
          violate(`R6: ${name} sees ${mark}, which is not stored`);
    });
  });

  function openOne(id: string): OpenConversation {
    const known = open.get(id);
    if (known) return known;
    const opened = documents.open(id as ConversationId);
    open.set(id, opened);
    opened.subscribe(() => {
      if (open.get(id) !== opened || opened.status().type !== "replaced") return;
      device.healed += 1;
      world.note(`${name} opens a mended copy`);
      opened.release();
      open.delete(id);
      openOne(id);
    });
    return opened;
  }

  function onFollowed(runId: string): void {
    if (owner.dead) return;
    const live = runs.live(runId);
    if (live === undefined) return;
    const before = followed.get(runId) ?? "";
    const logged = context.loggedText(runId);
    if (logged !== undefined && !logged.startsWith(live.text))
      violate(`P2: ${name} reads "${live.text.slice(-30)}" of a run whose log ends "${logged.slice(-30)}"`);
    if (!live.text.startsWith(before)) violate(`P2: ${name} read "${before.slice(-30)}", and it is gone`);
    followed.set(runId, live.text);
  }

  return {
    name,
    device,
    owner,
    chance,
    sync,
    library,
    documents,
    runs,
    commands,
    now: platform.clock.now,
    newId: () => createUuidV7(platform.clock.now(), chance.bytes),
    open: openOne,
    leave(id) {
      open.get(id)?.release();
      open.delete(id);
    },
    opened: () => open.values(),
    mark(document) {
      const mark = ledger.made({
        name: marks(),
        device: device.name,
        tab: name,
        document,
        madeAt: platform.clock.now(),
      });
      const copy = documents.find(document as ConversationId);
      if (copy) own.set(copy, [...(own.get(copy) ?? []), mark]);
      return mark;
    },
    follow(runId) {
      if (followed.has(runId)) return;
      followed.set(runId, "");
      runs.follow(runId, () => onFollowed(runId));
    },
    followed: () => followed.keys(),
    wake: () => signals.wake.forEach((callback) => callback()),
    goOffline: () => signals.offline.forEach((callback) => callback()),
    hide: () => signals.hide.forEach((callback) => callback()),
    storeLost() {
      for (const document of documents.opened()) rewriting.add(document);
    },
    kill(cleanly) {
      owner.dead = true;
      stores.killTab(name, cleanly);
      device.network.drop(owner);
      device.shared.reap();
    },
  };
}

interface TabParts {
  owner: Owner;
  chance: Chance;
  signals: Record<"wake" | "offline" | "hide", Set<() => void>>;
  account: string;
}

function platformOf(context: TabContext, device: Device, { owner, chance, signals, account }: TabParts): Platform {
  const { world, server } = context;
  const { network } = device;
  const on = (set: Set<() => void>) => (callback: () => void) => {
    const once = (): void => void (owner.dead || callback());
    set.add(once);
    return () => set.delete(once);
  };
  return {
    clock: {
      now: () => world.now() + device.offset,
      steady: world.now,
      after: (ms, callback) => world.after(ms, callback, owner),
    },
    randomBytes: chance.bytes,
    random: chance.next,
    openSocket: socketsOf(network, server, device.account, owner),
    connectivity: { online: () => !device.offline, onWake: on(signals.wake), onOffline: on(signals.offline) },
    visibility: { visible: () => true, onHide: on(signals.hide) },
    // The tabs of a device share its store, so they share the channel that is named after it.
    openBroadcast: (channel, signal) => device.shared.openBroadcast(channel.replaceAll(account, ""), owner, signal),
    fetch: fetchOf(network, server, device.account, owner),
  };
}

/** Everything two copies must agree on at rest: what a reader sees, the state vector, and what was deleted. */
export function shapeOf(doc: Y.Doc, content: string): string {
  const clocks = [...Y.decodeStateVector(Y.encodeStateVector(doc))].toSorted(([a], [b]) => a - b);
  const deleted = [...Y.createDeleteSetFromStructStore(doc.store).clients]
    .map(([client, ranges]) => [client, ranges.map(({ clock, len }) => [clock, len])] as const)
    .toSorted(([a], [b]) => a - b);
  return JSON.stringify([content, clocks, deleted]);
}
