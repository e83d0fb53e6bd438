import * as Y from "yjs";
import { readDeviceNotes } from "#client/local-store/device-notes.ts";
import { openLibrary } from "#client/local-store/open-library.ts";
import type { LocalLibrary } from "#client/local-store/open-library.ts";
import { localStoreName, openLocalStore } from "#client/local-store/open-local-store.ts";
import { openRunCommands } from "#client/local-store/open-run-commands.ts";
import { openTabs } from "#client/local-store/tab-messages.ts";
import { fetchAs } from "#client/platform/fetch-as.ts";
import type { Asker } from "#client/platform/fetch-as.ts";
import type { Locks } from "#client/platform/locks.ts";
import type { Platform } from "#client/platform/platform.ts";
import type { LocalStore } from "#client/local-store/local-store.ts";
import { readFeedPage } from "#client/sync/feed-page.ts";
import { createBodyPuller } from "#client/sync/pull-bodies.ts";
import type { BodyPuller } from "#client/sync/pull-bodies.ts";
import { pushOutbox } from "#client/sync/push-outbox.ts";
import { openConversation } from "#shared/documents/conversation.ts";
import type { ConversationDocument } from "#shared/documents/conversation.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import { runCommandsChannel } from "./command-names.ts";
import { deliverCommands } from "./deliver-commands.ts";

export interface DeliveryPlatform extends Pick<Platform, "fetch" | "clock" | "openBroadcast"> {
  locks: Locks;
}

/** So often the outbox and the feed are looked at in one go: each look is one request, and 100 documents. */
const ROUNDS = 50;

/**
 * Sends what waits in the database of one account in one workspace, starts the runs that wait in their order, and pulls
 * what is new, with `fetch` and IndexedDB alone. Pages that are open hear of it.
 * @returns whether nothing is left that trying again could bring further
 */
export async function deliverStored(browser: DeliveryPlatform, me: Asker, signal: AbortSignal): Promise<boolean> {
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
    const commands = openRunCommands(store);
    const waiting = await commands.list();
    const refresh = (): Promise<boolean> => catchUp(platform, library, bodies, ended);
    const parts = { platform, locks: platform.locks, commands, read: (id: ConversationId) => read(store, id), refresh };
    const started = await deliverCommands(parts, ended);
    if (waiting.length > 0) {
      platform.openBroadcast(runCommandsChannel(`${me.accountId}-${me.workspaceId}`), ended).post("changed");
    }
    return (await refresh()) && pushed && started;
  } finally {
    ending.abort();
    store.close();
  }
}

/** Whether this account is to leave this device, or the database to move into another one. */
async function isLeaving(name: string, accountId: string): Promise<boolean> {
  const { wipes, moves } = await readDeviceNotes();
  return (
    wipes.some((wipe) => wipe.accountId === accountId && !wipe.sendFirst) || moves.some(({ from }) => from === name)
  );
}

/** Answers whether everything was sent that can be sent so; what is refused waits for a page. */
async function pushAll(
  platform: DeliveryPlatform,
  store: LocalStore,
  settled: () => void,
  signal: AbortSignal,
): Promise<boolean> {
  const left = new Set<ConversationId>();
  let isLeft = false;
  for (let round = 0; round < ROUNDS && !signal.aborted; round++) {
    const outcome = await pushOutbox(platform, store, { wants: (id) => !left.has(id) }, signal);
    if (outcome.type === "failed") return false;
    if (outcome.later.length > 0) isLeft = true;
    for (const id of outcome.left) left.add(id);
    if (outcome.settled.length > 0) settled();
    else if (outcome.left.length === 0) return !isLeft;
  }
  return false;
}

/** Reads the feed to its end, and the text of what it tells more of than is here. */
async function catchUp(
  { fetch }: DeliveryPlatform,
  library: LocalLibrary,
  bodies: BodyPuller,
  signal: AbortSignal,
): Promise<boolean> {
  await library.ready;
  for (let round = 0; round < ROUNDS && !signal.aborted; round++) {
    const feed = await readFeedPage(fetch, library.cursor(), signal).catch(() => undefined);
    if (feed === undefined) return false;
    const more = feed.more && feed.cursor > library.cursor();
    await library.takeFeed(feed.cursor, feed.entries);
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
