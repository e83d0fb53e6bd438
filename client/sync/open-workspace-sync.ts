import { localStoreName, openLocalStore } from "#client/local-store/open-local-store.ts";
import { openDocuments } from "#client/local-store/open-documents.ts";
import { openLibrary } from "#client/local-store/open-library.ts";
import { openRunCommands } from "#client/local-store/open-run-commands.ts";
import { openTabs } from "#client/local-store/tab-messages.ts";
import { Callbacks } from "#client/platform/callbacks.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import { CloseCode } from "#shared/protocol/close-codes.ts";
import { openFetchedCode } from "#client/platform/fetched-code.ts";
import { steadyClock } from "#client/platform/platform.ts";
import { openFeed } from "./feed.ts";
import type { FeedReader } from "./feed.ts";
import { deliverErasures } from "./deliver-erasures.ts";
import { openSync } from "./open-sync.ts";
import { openLateBulk } from "./late-bulk.ts";
import type { LateCode, OpenWorkspaceSync } from "./workspace-sync.ts";

const fetched: LateCode = {
  bringBack: async () => (await import("#client/local-store/bring-back.ts")).bringBack,
  digest: async () => (await import("#shared/documents/canonical-content.ts")).contentDigest,
  bulk: async () => (await import("./bulk.ts")).openBulk,
};

/** Opens this device's copy of a workspace and keeps it in sync. See `OpenWorkspaceSync`. */
export const openWorkspaceSync: OpenWorkspaceSync = (platform, me, signal, code = fetched) => {
  const ending = new AbortController();
  const name = localStoreName(me.accountId, me.workspaceId);
  const store = openLocalStore(me.sharedDevice ? undefined : name, platform.clock);
  const tabs = openTabs(platform.openBroadcast(name, ending.signal), ending.signal);
  const commands = openRunCommands(store);
  const library = openLibrary(store, tabs, () => documents.flush());
  let feed: FeedReader | undefined = undefined;
  const hintFeed = (): void => feed?.hint();
  const documents = openDocuments(platform, store, tabs, commands, {
    epochOf: (id) => library.epochOf(id),
    isForgotten: (id) => library.isForgotten(id),
    summaryChanged: (id, local) => library.summaryChanged(id, local),
    received: hintFeed,
    changedAfterDeletion: (id) => library.changedAfterDeletion(id),
    loadBringBack: code.bringBack,
  });
  library.onForgotten((id) => documents.find(id)?.ended(CloseCode.gone));
  const waiting = { ...platform, clock: steadyClock(platform.clock) };
  const isOpen = (id: ConversationId): boolean => documents.find(id) !== undefined;
  const bulk = openLateBulk(code.bulk, { platform: waiting, store, library, isOpen }, ending.signal);
  const sync = openSync(
    waiting,
    store,
    documents,
    {
      feedMoved: hintFeed,
      waiting: (ids) => library.keepUnsent(ids),
      push: bulk.push,
      digest: openFetchedCode(code.digest),
      pushed: () => tabs.post({ type: "settled" }),
    },
    ending.signal,
  );
  deliverErasures({ platform: waiting, store, library, documents }, ending.signal);
  tabs.onMessage((message) => {
    if (message.type === "stored" || message.type === "settled") sync.outboxChanged();
    if (message.type === "let-go") void letGo(message.because);
  });
  const lettingGo = new Callbacks();
  /** What is in memory only is moved along with the rest, and must not come back after that was wiped. */
  async function letGo(because: "wiped" | "moved"): Promise<void> {
    if (because === "moved") await documents.flush();
    store.close();
    lettingGo.callAll();
  }
  feed = openFeed(
    waiting,
    library,
    bulk,
    {
      contact: () => sync.reach({ type: "contact" }),
      failure: () => sync.reach({ type: "failure" }),
      sessionWorks: () => sync.sessionWorks(),
    },
    ending.signal,
  );

  let closed: Promise<void> | undefined;
  async function closeAll(): Promise<void> {
    ending.abort();
    await documents.close();
    store.close();
  }
  const close = (): Promise<void> => (closed ??= closeAll());
  signal.addEventListener("abort", () => void close(), { once: true });

  return { documents, library, sync, commands, store, onLetGo: (callback) => void lettingGo.add(callback), close };
};
