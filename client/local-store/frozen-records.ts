import { hashOf } from "#shared/domain/frozen-content.ts";
import type { FrozenMessage, Manifest } from "#shared/domain/frozen-content.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import type { Transaction } from "./open-database.ts";
import { readQuarantine } from "./read-document.ts";
import { sealedSummary } from "./snapshot-state.ts";
import { isSnapshotCommand } from "./stored-snapshots.ts";

// The frozen messages in the database: those of a conversation lie together, each once, whichever snapshots share it.

type ReadWrite = Transaction<"readwrite">;
type AnyTransaction = Transaction<"readonly"> | ReadWrite;
export type FrozenByHash = ReadonlyMap<string, FrozenMessage>;

/** A frozen message with the hash under which it is to be found. */
export interface HashedMessage {
  hash: string;
  message: FrozenMessage;
}

const rangeOf = (conversationId: string): IDBKeyRange => IDBKeyRange.bound([conversationId], [conversationId, []]);

/** All frozen messages of a conversation, by hash. */
export async function readFrozen(transaction: AnyTransaction, conversationId: string): Promise<FrozenByHash> {
  const store = transaction.objectStore("frozenMessages");
  const [keys, messages] = await Promise.all([
    store.getAllKeys(rangeOf(conversationId)),
    store.getAll(rangeOf(conversationId)),
  ]);
  return new Map(keys.flatMap(([, hash], at) => (messages[at] ? [[hash, messages[at]]] : [])));
}

/** The messages of a snapshot, first to last; `undefined` where one is not here. */
export function chainOf(messages: FrozenByHash, { head, messageCount }: Manifest): FrozenMessage[] | undefined {
  const chain: FrozenMessage[] = [];
  for (let hash: string | null = head; hash !== null && chain.length < messageCount;) {
    const message = messages.get(hash);
    if (message === undefined) return undefined;
    chain.push(message);
    hash = message.previous;
  }
  return chain.toReversed();
}

/** Stores messages that have the hashes they came under: what is there and differs was garbled, and is replaced. */
export async function putFrozen(
  transaction: ReadWrite,
  conversationId: string,
  messages: readonly HashedMessage[],
): Promise<void> {
  const store = transaction.objectStore("frozenMessages");
  const there = await readFrozen(transaction, conversationId);
  // Most of them are there, of the snapshots before: to write all again would cost more than to look.
  const isThere = ({ hash, message }: HashedMessage): boolean => {
    const stored = there.get(hash);
    return stored !== undefined && JSON.stringify(stored) === JSON.stringify(message);
  };
  const missing = messages.filter((one) => !isThere(one));
  await Promise.all(missing.map(({ hash, message }) => store.put(message, [conversationId, hash])));
}

/** Stores those that are not there. */
export async function addFrozen(
  transaction: ReadWrite,
  conversationId: string,
  messages: readonly HashedMessage[],
): Promise<void> {
  const store = transaction.objectStore("frozenMessages");
  const there = new Set((await store.getAllKeys(rangeOf(conversationId))).map(([, hash]) => hash));
  const missing = messages.filter(({ hash }) => !there.has(hash));
  await Promise.all(missing.map(({ hash, message }) => store.put(message, [conversationId, hash])));
}

/** The hashes of the heads of all snapshots of a conversation, those that wait to be sealed among them. */
async function readHeads(transaction: AnyTransaction, conversationId: string): Promise<string[]> {
  const [records, commands] = await Promise.all([
    transaction.objectStore("snapshots").index("conversationId").getAll(conversationId),
    transaction.objectStore("snapshotCommands").getAll(),
  ]);
  const sealed = records.map((record) => sealedSummary(record)?.head ?? null);
  const waiting = commands.flatMap((command) =>
    isSnapshotCommand(command) && command.conversationId === conversationId && command.deed.type === "take"
      ? [command.deed.manifest.head]
      : [],
  );
  return [...sealed, ...waiting].flatMap((head) => head ?? []);
}

/** Deletes the frozen messages of a conversation that no snapshot reaches any more. */
export async function sweepFrozen(transaction: ReadWrite, conversationId: ConversationId): Promise<void> {
  const [messages, heads] = await Promise.all([
    readFrozen(transaction, conversationId),
    readHeads(transaction, conversationId),
  ]);
  const reached = new Set<string>();
  for (const head of heads)
    for (let hash: string | null = head; hash !== null && !reached.has(hash);) {
      reached.add(hash);
      hash = messages.get(hash)?.previous ?? null;
    }
  const store = transaction.objectStore("frozenMessages");
  const unreached = [...messages.keys()].filter((hash) => !reached.has(hash));
  await Promise.all(unreached.map((hash) => store.delete([conversationId, hash])));
  // A snapshot that is told of later may need one of them again.
  if (unreached.length > 0) await transaction.objectStore("frozenSeries").delete(conversationId);
}

/** What was pulled of one conversation, in the order of its places. */
export interface PulledSeries {
  conversationId: string;
  messages: readonly HashedMessage[];
  /** the place of the last one */
  after: number;
}

/** Stores what has the hash it came under; the rest is set aside, once each. Answers how many were set aside. */
export async function takeSeries(
  transaction: ReadWrite,
  { sound, wrong, conversationId, after }: CheckedSeries,
): Promise<number> {
  await addFrozen(transaction, conversationId, sound);
  await transaction.objectStore("frozenSeries").put(after, conversationId);
  if (wrong.length === 0) return 0;
  const known = new Set((await readQuarantine(transaction)).map(({ content }) => JSON.stringify(content)));
  const fresh = wrong.filter((one) => !known.has(JSON.stringify(one)));
  const quarantine = transaction.objectStore("quarantine");
  for (const content of fresh)
    await quarantine.add({ documentId: conversationId, reason: "corrupt", content, store: "frozenMessages" });
  return fresh.length;
}

export interface CheckedSeries {
  conversationId: string;
  after: number;
  sound: HashedMessage[];
  wrong: HashedMessage[];
}

/** Hashes what was pulled, which takes its time and so is not done within a transaction. */
export function checkSeries({ conversationId, messages, after }: PulledSeries): CheckedSeries {
  const sound: HashedMessage[] = [];
  const wrong: HashedMessage[] = [];
  for (const one of messages) (hashOf(one.message) === one.hash ? sound : wrong).push(one);
  return { conversationId, after, sound, wrong };
}
