import * as Y from "yjs";
import { readDeviceNotes } from "#client/local-store/device-notes.ts";
import { openLibrary } from "#client/local-store/open-library.ts";
import type { LocalLibrary } from "#client/local-store/open-library.ts";
import { localStoreName, openLocalStore } from "#client/local-store/open-local-store.ts";
import { openRunCommands } from "#client/local-store/open-run-commands.ts";
import { openTabs } from "#client/local-store/tab-messages.ts";
import { askMe } from "#client/platform/ask-me.ts";
import { fetchAs } from "#client/platform/fetch-as.ts";
import type { Asker } from "#client/platform/fetch-as.ts";
import type { Locks } from "#client/platform/locks.ts";
import type { Platform } from "#client/platform/platform.ts";
import type { LocalStore } from "#client/local-store/local-store.ts";
import { deliverCommands } from "#client/runs/deliver-commands.ts";
import { runCommandsChannel } from "#client/runs/command-names.ts";
import { storedOutbox } from "#client/local-store/snapshot-queue.ts";
import { openSnapshotStore } from "#client/local-store/snapshot-store.ts";
import { deliverSnapshots, snapshotsChannel } from "#client/sync/deliver-snapshots.ts";
import { readFeedPage } from "#client/sync/feed-page.ts";
import { createBodyPuller } from "#client/sync/pull-bodies.ts";
import type { BodyPuller } from "#client/sync/pull-bodies.ts";
import { pushAll } from "#client/sync/push-all.ts";
import { openConversation } from "#shared/documents/conversation.ts";
import type { ConversationDocument } from "#shared/documents/conversation.ts";
import type { ConversationId } from "#shared/domain/ids.ts";

export interface WorkerPlatform extends Pick<Platform, "fetch" | "clock" | "openBroadcast"> {
  locks: Locks;
}

/** So often the outbox and the feed are looked at in one go: each look is one request, and 100 documents. */
const ROUNDS = 50;

/**
 * Does what a page does when the network is back, with `fetch` and IndexedDB alone: pushes the edits that wait on this
 * device, has what was frozen sealed, starts the runs that wait in their order, and pulls what is new. Pages that are open hear of it. Whoever the
 * session names is whose data is looked at; without one, nothing is touched.
 * @returns whether nothing is left that trying again could bring further
 */
export async function deliverEverything(browser: WorkerPlatform, signal: AbortSignal): Promise<boolean> {
  // The cookie of somebody who signed out is good for nothing any more.
  if ((await readDeviceNotes()).wipes.some(({ tellServer }) => tellServer)) return true;
  const asked = await askMe(browser.fetch, signal);
  if (asked.type !== "me") return asked.type === "nobody";
  const { me } = asked;
  if (me.sharedDevice) return true;
  const done: boolean[] = [];
  for (const workspaceId of await workspacesHere(me))
    done.push(await deliverFor(browser, { ...me, workspaceId }, signal));
  return done.every(Boolean);
}

/** The workspaces of which an account has something on this device; older browsers tell of the personal one alone. */
async function workspacesHere({ accountId, workspaceId }: Asker): Promise<ReadonlySet<string>> {
  const listed = await indexedDB.databases?.().catch(() => []);
  const prefix = localStoreName(accountId, "");
  const names = (listed ?? []).flatMap(({ name }) => (name?.startsWith(prefix) ? name.slice(prefix.length) : []));
  return new Set([workspaceId, ...names]);
}

/** Answers whether nothing is left that trying again could bring further. */
async function deliverFor(browser: WorkerPlatform, me: Asker, signal: AbortSignal): Promise<boolean> {
  const platform = { ...browser, fetch: fetchAs(browser.fetch, me) };
  const ending = new AbortController();
  const ended = AbortSignal.any([signal, ending.signal]);
  const name = localStoreName(me.accountId, me.workspaceId);
  const store = openLocalStore(name);
  try {
    const tabs = openTabs(platform.openBroadcast(name, ended), ended);
    tabs.onMessage((message) => {
      if (message.type !== "let-go") return;
      store.close();
      ending.abort();
    });
    // From here on it is told of; what began before is noted, before anybody is told.
    if (await isLeaving(name, me.accountId)) return true;
    const library = openLibrary(store, tabs);
    const bodies = createBodyPuller(platform, store, library, () => false);
    const pushed = await pushAll(platform, store, () => tabs.post({ type: "settled" }), ended);
    const scope = `${me.accountId}-${me.workspaceId}`;
    const outbox = storedOutbox(openSnapshotStore(store));
    const frozen = await deliverSnapshots({ platform, locks: platform.locks, outbox, scope }, ended);
    const snapshotTabs = platform.openBroadcast(snapshotsChannel(scope), ended);
    // Pages read all of them again, now: a worker may be ended at any time.
    snapshotTabs.post({ ids: [] });
    const commands = openRunCommands(store);
    const waiting = await commands.list();
    const refresh = (): Promise<boolean> => catchUp(platform, library, bodies, ended);
    const parts = { platform, locks: platform.locks, commands, read: (id: ConversationId) => read(store, id), refresh };
    const started = await deliverCommands(parts, ended);
    if (waiting.length > 0) {
      platform.openBroadcast(runCommandsChannel(scope), ended).post("changed");
    }
    const isWhole = await refresh();
    snapshotTabs.post({ ids: [] });
    return isWhole && pushed && frozen.type === "done" && started;
  } finally {
    ending.abort();
    store.close();
  }
}

/** Whether this account is to leave this device, or the database to move into another one. */
async function isLeaving(name: string, accountId: string): Promise<boolean> {
  const { wipes, moves } = await readDeviceNotes();
  return wipes.some((wipe) => wipe.accountId === accountId) || moves.some(({ from }) => from === name);
}

/** Reads the feed to its end, and the text of what it tells more of than is here. */
async function catchUp(
  { fetch }: WorkerPlatform,
  library: LocalLibrary,
  bodies: BodyPuller,
  signal: AbortSignal,
): Promise<boolean> {
  await library.ready;
  for (let round = 0; round < ROUNDS && !signal.aborted; round++) {
    const from = library.cursor();
    const feed = await readFeedPage(fetch, from, signal).catch(() => undefined);
    if (feed === undefined) return false;
    const more = feed.more && feed.cursor > library.cursor();
    await library.takeFeed({ from, to: feed.cursor }, feed.entries);
    if (more) continue;
    const pulled = await bodies.pull(signal);
    if (pulled !== "more") return pulled === "done";
  }
  return false;
}

async function read(store: LocalStore, id: ConversationId): Promise<ConversationDocument | undefined> {
  const stored = await store.load(id);
  if (!stored.ok || stored.value.state === undefined) return undefined;
  const doc = new Y.Doc({ guid: id });
  Y.applyUpdate(doc, stored.value.state);
  return openConversation(doc, "reader");
}
