import type { FrozenMessage } from "#shared/domain/frozen-content.ts";
import type { SnapshotId } from "#shared/domain/ids.ts";
import { err, ok } from "#shared/lib/result.ts";
import type { Result } from "#shared/lib/result.ts";
import { chainOf } from "./frozen-records.ts";
import type { HashedMessage } from "./frozen-records.ts";
import type { StoreFailure } from "./local-store.ts";
import type { QueuedCommand, SettledCommand, SnapshotCommand } from "./snapshot-record.ts";
import type { SnapshotStore } from "./snapshot-store.ts";

/** What an outbox knows of the commands in it. */
export interface ListedCommands {
  /** oldest first, those another tab stored and those that were refused among them */
  commands: readonly QueuedCommand[];
  /** false where the store did not answer: more may wait than is known here */
  isWhole: boolean;
}

/** The commands about snapshots that wait for the server, as their delivery sees them. */
export interface SnapshotOutbox {
  list(): Promise<ListedCommands>;
  /** The messages that a command freezes, first to last; `lost` where the store answered, and has not all of them. */
  messages(command: SnapshotCommand): Promise<Result<FrozenMessage[], "lost" | StoreFailure>>;
  /** Notes what became of commands, for good, which is the same for all of them. Does nothing for one that is gone. */
  settle(queued: readonly QueuedCommand[], settled: SettledCommand): Promise<void>;
}

/** Of the commands in the store alone: for a service worker. */
export const storedOutbox = (store: SnapshotStore): SnapshotOutbox => ({
  async list() {
    const queue = await store.queue();
    return { commands: queue.ok ? queue.value : [], isWhole: queue.ok };
  },
  messages: (command) => storedMessages(store, command),
  async settle(queued, settled) {
    await store.settle(queued, settled);
  },
});

async function storedMessages(
  store: SnapshotStore,
  { conversationId, deed }: SnapshotCommand,
): ReturnType<SnapshotOutbox["messages"]> {
  if (deed.type !== "take") return ok([]);
  const frozen = await store.frozen(conversationId);
  if (!frozen.ok) return frozen;
  const chain = chainOf(frozen.value, deed.manifest);
  return chain ? ok(chain) : err("lost");
}

/** A command with what it freezes, where this tab made it. */
interface Held extends QueuedCommand {
  messages: readonly HashedMessage[];
  /** it was stored before, in a database that may still be there */
  isAgain: boolean;
}

/** What of the commands is in the memory of this tab alone. */
export interface HeldCommands {
  /** how many of them wait for the server */
  waiting: number;
  /** how many more the server refused */
  refused: number;
  /** whether they did not fit on this device; false while they are being stored */
  isFull: boolean;
}

/** What of the outbox is in memory alone, as the sync status counts it. */
export interface HeldOutbox extends HeldCommands {
  /** Tries now to store it, and tells what came of that. */
  storeAgain(): Promise<void>;
}

/** The commands in the store, with those of this tab that could not be stored, which are later ones. */
export interface SnapshotQueue extends SnapshotOutbox {
  /** as known now */
  all(): readonly QueuedCommand[];
  held(): HeldCommands;
  /** What was read from the store. */
  read(stored: readonly QueuedCommand[]): void;
  /** Adds one, at once; resolves once it is stored, or it is known that storing fails. */
  add(command: SnapshotCommand, messages: readonly HashedMessage[]): Promise<void>;
  /** Stores what could not be stored before. */
  storeHeld(): Promise<void>;
  /** The database is another one: all that is known is to be stored anew. */
  lost(): void;
  withdraw(id: SnapshotId): Promise<void>;
  /** Takes out what the server refused of one snapshot; the rest of it goes on waiting. */
  dropRefused(id: SnapshotId): Promise<void>;
  /** the messages of a snapshot that was taken in this tab, while they are needed */
  messagesHere(id: SnapshotId): readonly HashedMessage[] | undefined;
}

/** Wishes stored in one transaction: few enough that a page goes on meanwhile. */
const MOST_TOGETHER = 500;

/** The first of these that freeze nothing and were not stored before: they need no look at what is stored. */
function wishesAhead(held: readonly Held[]): Held[] {
  const other = held.findIndex(({ command, isAgain }) => isAgain || command.deed.type === "take");
  return held.slice(0, Math.min(other === -1 ? held.length : other, MOST_TOGETHER));
}

/**
 * @param settled told of what is done, which the store may not have been able to note
 * @param isStoreless whether nothing is to be stored on this device: then what is in memory is all there is
 */
export function openSnapshotQueue(
  store: SnapshotStore,
  settled: (queued: readonly QueuedCommand[], what: SettledCommand, isStored: boolean) => void,
  isStoreless: () => boolean,
): SnapshotQueue {
  let stored: readonly QueuedCommand[] = [];
  let held: Held[] = [];
  /** of this tab's takes, until they are settled: a database that is deleted takes its own along */
  const messages = new Map<SnapshotId, readonly HashedMessage[]>();
  /** the key in the store of what was in memory first */
  const keys = new Map<number, number>();
  let made = 0;
  let storing: Promise<void> = Promise.resolve();
  let isFull = false;

  async function storeAll(): Promise<void> {
    for (let next = held[0]; next !== undefined; next = held[0]) {
      const together = wishesAhead(held);
      const added = together.length > 1 ? await storeTogether(together) : await storeOne(next);
      isFull = !added.ok && added.failure === "full";
      if (!added.ok) return;
      await place(together.length > 1 ? together : [next], added.value);
    }
  }
  const storeTogether = (all: readonly Held[]) => store.addWishes(all.map(({ command }) => command));
  async function storeOne({
    command,
    messages: own,
    isAgain,
  }: Held): Promise<Result<(number | undefined)[], StoreFailure>> {
    const added = await store.add(command, own, isAgain);
    return added.ok ? ok([added.value]) : added;
  }

  /** Notes under which keys commands are in the store now. */
  async function place(placed: readonly Held[], places: readonly (number | undefined)[]): Promise<void> {
    // Some may have been delivered, or taken back, meanwhile.
    const waiting = new Set(held.map(({ key }) => key));
    const known = new Set(stored.map(({ key }) => key));
    const done = new Set(placed.map(({ key }) => key));
    held = held.filter(({ key }) => !done.has(key));
    const [here, gone]: [QueuedCommand[], QueuedCommand[]] = [[], []];
    for (const [index, { key, command }] of placed.entries()) {
      const at = places[index];
      if (at === undefined) {
        messages.delete(command.snapshotId);
        continue;
      }
      keys.set(key, at);
      (waiting.has(key) ? here : gone).push({ key: at, command });
    }
    stored = [...stored, ...here.filter(({ key }) => !known.has(key))];
    if (gone.length > 0) await store.settle(gone, { type: "dropped" });
  }
  const storeHeld = (): Promise<void> => (storing = storing.then(storeAll));

  const hold = (command: SnapshotCommand, isAgain: boolean): void => {
    held = [...held, { key: -1 / (made += 1), command, messages: messages.get(command.snapshotId) ?? [], isAgain }];
  };
  const all = (): QueuedCommand[] => [...stored, ...held];

  async function settle(queued: readonly QueuedCommand[], what: SettledCommand): Promise<void> {
    // One may have been sent while it was being stored: only then it is known under which key it is.
    await storing;
    const placed = queued.map(({ key, command }) => ({ key: keys.get(key) ?? key, command }));
    const there = placed.filter(({ key }) => key > 0);
    const isNoted = there.length > 0 && (await store.settle(there, what)).ok;
    const gone = new Set([...queued, ...placed].map(({ key }) => key));
    const code = what.type === "refused" ? what.code : undefined;
    const next = <T extends QueuedCommand>(one: T): T[] => {
      if (!gone.has(one.key)) return [one];
      return code === undefined ? [] : [{ ...one, command: { ...one.command, refused: code } }];
    };
    stored = stored.flatMap(next);
    held = held.flatMap(next);
    for (const { command } of placed)
      if (code === undefined && command.deed.type === "take") messages.delete(command.snapshotId);
    const elsewhere = isNoted ? placed.filter(({ key }) => key <= 0) : placed;
    if (isNoted) settled(there, what, true);
    if (elsewhere.length > 0) settled(elsewhere, what, false);
  }

  return {
    all,
    held() {
      const refused = held.filter(({ command }) => command.refused !== undefined).length;
      return { waiting: held.length - refused, refused, isFull: isFull && held.length > 0 };
    },
    read: (next) => void (stored = next),
    async add(command, own) {
      if (command.deed.type === "take") messages.set(command.snapshotId, own);
      hold(command, false);
      await storeHeld();
    },
    storeHeld,
    lost() {
      const known = all();
      stored = [];
      held = [];
      for (const { command } of known) hold(command, true);
    },
    async withdraw(id) {
      const isOther = ({ command }: QueuedCommand): boolean => command.snapshotId !== id;
      stored = stored.filter(isOther);
      held = held.filter(isOther);
      messages.delete(id);
      await storing;
      await store.withdraw(id);
    },
    async dropRefused(id) {
      const refused = all().filter(({ command }) => command.snapshotId === id && command.refused !== undefined);
      if (refused.length > 0) await settle(refused, { type: "dropped" });
    },
    messagesHere: (id) => messages.get(id),
    async list() {
      await storeHeld();
      const read = await store.queue();
      if (read.ok) stored = read.value;
      return { commands: all(), isWhole: read.ok || isStoreless() };
    },
    async messages(command) {
      const here = messages.get(command.snapshotId);
      return here ? ok(here.map(({ message }) => message)) : await storedMessages(store, command);
    },
    settle,
  };
}
