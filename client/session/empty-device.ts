import { readDeviceNotes } from "#client/local-store/device-notes.ts";
import { createKeptEdits } from "#client/local-store/kept-edits.ts";
import type { KeptEdits } from "#client/local-store/kept-edits.ts";
import type { RunCommands } from "#client/local-store/open-run-commands.ts";
import type { Unacknowledged } from "#client/local-store/local-store.ts";
import { openLocalStore } from "#client/local-store/open-local-store.ts";
import type { TabMessage } from "#client/local-store/tab-messages.ts";
import { storedOutbox } from "#client/local-store/snapshot-queue.ts";
import { openSnapshotStore } from "#client/local-store/snapshot-store.ts";
import { fetchAs } from "#client/platform/fetch-as.ts";
import { deliverSnapshots } from "#client/sync/deliver-snapshots.ts";
import { pushAll } from "#client/sync/push-all.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import type { Me } from "#shared/protocol/http-bodies.ts";
import { conversationIdsIn, databaseNames, hasTextsOf } from "./sweep-device.ts";
import { wipeDevice } from "./wipe-device.ts";
import type { WipeParts } from "./wipe-device.ts";
import { accountOf } from "./wipe-mark.ts";

export interface EmptyDeviceParts extends WipeParts {
  /** who is signed in here, on a device that is shared, in the workspace that is open */
  me: Me;
  /** the commands of this page, which live in its memory */
  commands: Pick<RunCommands, "list" | "ended">;
  keptEdits(id: ConversationId): KeptEdits;
}

/** ms in which other tabs store what they hold in memory only */
const LET_GO_MS = 200;

/**
 * Takes off a shared device what an account, or a guest who became it, kept here while it was not shared: what waits is
 * sent first, and what can't be sent stays. Nothing is read from the server into what is to go. Safe to repeat; a page that
 * is killed leaves all of it for the next one. Answers whether nothing is left here.
 */
export async function emptyDevice(parts: EmptyDeviceParts, signal: AbortSignal): Promise<boolean> {
  const { platform, traces, me } = parts;
  const { moves } = await readDeviceNotes(platform.clock);
  // A guest's chats that could not be moved yet are still to come, and would go with the rest.
  if (moves.some(({ to }) => accountOf(to) === me.accountId)) return false;
  const names = await databasesOf(me.accountId, traces.localStorage);
  if (names.length === 0 && !hasTextsOf(traces.localStorage, me.accountId)) return true;
  for (const name of names)
    platform.openBroadcast(name, signal).post({ type: "let-go", because: "moved" } satisfies TabMessage);
  await new Promise<void>((resolve) => platform.clock.after(LET_GO_MS, resolve));
  const sent = await Promise.all(names.map((name) => sendAll(parts, name, signal)));
  if (sent.includes(false) || signal.aborted) return false;
  await wipeDevice(parts, { accountId: me.accountId, tellServer: false }, signal);
  return true;
}

/** How many edits, and commands about runs and snapshots, of an account wait in databases here. */
export async function countWaiting(accountId: string, localStorage: () => Storage): Promise<number> {
  const names = await databasesOf(accountId, localStorage);
  const counts = await Promise.all(
    names.map(async (name) => {
      const store = openLocalStore(name);
      const [outbox, commands] = await Promise.all([store.outbox(), store.commands()]);
      store.close();
      const runs = commands.ok ? commands.value.length : 0;
      if (!outbox.ok) return runs;
      const { rows, snapshots } = outbox.value;
      const edits = [...rows.values()].reduce((sum, { length }) => sum + length, 0);
      return edits + snapshots.waiting + snapshots.refused + runs;
    }),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}

const databasesOf = async (accountId: string, localStorage: () => Storage): Promise<string[]> =>
  (await databaseNames(localStorage)).filter((name) => accountOf(name) === accountId);

/** Answers whether the server has all there is in this database. */
async function sendAll(parts: EmptyDeviceParts, name: string, signal: AbortSignal): Promise<boolean> {
  const { platform, me } = parts;
  const [, accountId = "", workspaceId = ""] = name.split(":");
  const store = openLocalStore(name, platform.clock);
  try {
    const asOwner = { clock: platform.clock, fetch: fetchAs(platform.fetch, { accountId, workspaceId }) };
    await pushAll(asOwner, store, () => undefined, signal);
    const snapshots = storedOutbox(openSnapshotStore(store));
    const scope = `${accountId}-${workspaceId}`;
    await deliverSnapshots({ platform: asOwner, locks: parts.locks, outbox: snapshots, scope }, signal);
    const [outbox, commands] = await Promise.all([store.outbox(), store.commands()]);
    // Another try may read it.
    if (!outbox.ok || !commands.ok || hasUnsent(outbox.value)) return false;
    if (workspaceId !== me.workspaceId) return commands.value.length === 0;
    await takeEdits(parts, name);
    for (const command of commands.value) parts.commands.ended(command);
    const waiting = new Set((await parts.commands.list()).map(({ runId }) => runId));
    return !commands.value.some(({ runId }) => waiting.has(runId));
  } finally {
    store.close();
  }
}

/** Words of copies set aside come back in a page that keeps things, and what was refused is nowhere else. */
const hasUnsent = ({ rows, setAside, snapshots }: Unacknowledged): boolean =>
  rows.size > 0 || setAside.size > 0 || snapshots.waiting + snapshots.refused > 0;

/** Unsent new wordings of prompts go on in this page. */
async function takeEdits({ traces, keptEdits }: EmptyDeviceParts, name: string): Promise<void> {
  for (const id of await conversationIdsIn(name).catch(() => [])) {
    const before = createKeptEdits(traces.localStorage, id as ConversationId);
    for (const [message, text] of before.all())
      if (keptEdits(id as ConversationId).read(message) === undefined)
        keptEdits(id as ConversationId).keep(message, text);
  }
}
