import type { Locks } from "#client/platform/locks.ts";
import type { Platform } from "#client/platform/platform.ts";
import { err, ok } from "#shared/lib/result.ts";
import type { Result } from "#shared/lib/result.ts";
import type { MoveNote } from "./device-notes.ts";
import { forgetDocument } from "./erased-records.ts";
import { noteForgotten, readForgotten } from "./forgotten-ids.ts";
import type { StoreFailure } from "./local-store.ts";
import { copyHeld, heldIds, isSame, readHeld } from "./moved-records.ts";
import { forgetSnapshots, hasSnapshots } from "./moved-snapshots.ts";
import { openDatabase } from "./open-database.ts";
import type { Database } from "./open-database.ts";
import { quarantineCommands, quarantineOutbox } from "./quarantine.ts";
import { EVERY_STORE } from "./read-document.ts";
import { SNAPSHOT_STORES, quarantineSnapshots } from "./snapshot-records.ts";
import { openTabs } from "./tab-messages.ts";

export interface MoveParts {
  platform: Pick<Platform, "clock" | "openBroadcast">;
  locks: Locks;
}

const ALL_STORES = [...EVERY_STORE, ...SNAPSHOT_STORES] as const;
const LOCK = "holdfast-move";
/** ms in which tabs of the guest store what they hold in memory; what comes later is moved all the same, if it comes at all */
const LET_GO_MS = 200;
/** How many chats one transaction copies: on the disk is what takes time. */
const AT_ONCE = 20;

/**
 * Moves all chats of one database on this device into another one, with their edits and commands that wait: a
 * few chats at a time, in one transaction there and then in one here, so that whoever dies in between leaves each of them
 * whole in at least one. To be repeated until it succeeds; what was moved is not moved again. Answers how many chats it moved.
 */
export async function moveLibrary(
  { platform, locks }: MoveParts,
  { from, to }: MoveNote,
  signal: AbortSignal,
  atOnce = AT_ONCE,
): Promise<Result<number, StoreFailure>> {
  return await locks.hold(LOCK, signal, async () => {
    openTabs(platform.openBroadcast(from, signal), signal).post({ type: "let-go", because: "moved" });
    await new Promise<void>((resolve) => platform.clock.after(LET_GO_MS, resolve));
    const source = openDatabase(from, platform.clock);
    const target = openDatabase(to, platform.clock);
    try {
      return await moveAll({ source, target, from, atOnce, left: new Set() }, signal);
    } finally {
      source.close();
      target.close();
      // Tabs that have the account open look again at what is there.
      const tabs = openTabs(platform.openBroadcast(to, signal), signal);
      tabs.post({ type: "feed" });
      tabs.post({ type: "settled" });
    }
  });
}

interface Move {
  source: Database;
  target: Database;
  from: string;
  atOnce: number;
  /** what is not deleted from the source yet, as far as it was looked at */
  left: Set<string>;
}

async function moveAll(move: Move, signal: AbortSignal): Promise<Result<number, StoreFailure>> {
  const { source, atOnce } = move;
  const moved = new Set<string>();
  // Rows of which nobody can tell whose they are become records that say so, and are moved as those.
  const readable = await source.run("readwrite", [...ALL_STORES], async (transaction) => {
    await quarantineOutbox(transaction);
    await quarantineCommands(transaction);
    if (transaction.objectStoreNames.contains("snapshotCommands")) await quarantineSnapshots(transaction);
  });
  if (!readable.ok) return readable;
  for (;;) {
    // A tab that was asked to let go may have stored something meanwhile.
    const read = await source.run("readonly", [...ALL_STORES], heldIds);
    if (!read.ok) return read;
    const ids = [...read.value];
    if (ids.length === 0) break;
    for (const id of ids) move.left.add(id);
    for (let at = 0; at < ids.length; at += atOnce) {
      if (signal.aborted) return err("unavailable");
      const some = ids.slice(at, at + atOnce);
      const one = await moveSome(move, some);
      if (!one.ok) return one;
      for (const id of some) moved.add(id);
    }
  }
  const ended = await endMove(move);
  return ended.ok ? ok(moved.size) : ended;
}

/** Copies these and deletes them, until nothing of them is left; one by one where there is no room for all at once. */
async function moveSome(move: Move, ids: readonly string[]): Promise<Result<unknown, StoreFailure>> {
  for (;;) {
    const left = ids.filter((id) => move.left.has(id));
    if (left.length === 0) return ok(undefined);
    const once = await copyAndDelete(move, left);
    if (once.ok) continue;
    if (once.failure !== "full" || left.length === 1) return once;
    for (const id of left) {
      const one = await moveSome(move, [id]);
      if (!one.ok) return one;
    }
  }
}

/** Those that were written to in between are still there afterwards. */
async function copyAndDelete(
  { source, target, from, left }: Move,
  ids: readonly string[],
): Promise<Result<unknown, StoreFailure>> {
  const held = await source.run("readonly", [...ALL_STORES], async (transaction) => {
    const read = ids.map(async (id) => [id, await readHeld(transaction, id)] as const);
    return new Map(await Promise.all(read));
  });
  if (!held.ok) return held;
  // On the disk, before it goes from the other database: nothing else says in which order the two get there.
  const copied = await target.run(
    "readwrite",
    [...ALL_STORES],
    (transaction) => copyHeld(transaction, from, held.value, left),
    "strict",
  );
  if (!copied.ok) return copied;
  const deleted = await source.run("readwrite", [...ALL_STORES], async (transaction) => {
    const deletions = [...held.value].map(async ([id, before]) => {
      // What was written since is copied first.
      if (!isSame(before, await readHeld(transaction, id))) return [];
      await forgetDocument(transaction, id);
      if (hasSnapshots(before.snapshots)) await forgetSnapshots(transaction, id);
      return [id];
    });
    return (await Promise.all(deletions)).flat();
  });
  if (deleted.ok) for (const id of deleted.value) left.delete(id);
  return deleted;
}

/** What this browser keeps elsewhere of chats that were deleted is still to be cleaned up. */
async function endMove({ source, target }: Move): Promise<Result<unknown, StoreFailure>> {
  const forgotten = await source.run("readonly", ["meta"], readForgotten);
  if (!forgotten.ok) return forgotten;
  return await target.run("readwrite", ["meta"], async (transaction) => {
    const known = new Set<string>(await readForgotten(transaction));
    await noteForgotten(
      transaction,
      forgotten.value.filter((id) => !known.has(id)),
    );
    await transaction.objectStore("meta").delete("moving");
  });
}
