import { inSlices } from "#client/platform/slices.ts";
import { checkFrozen, contentIdOf, hashOf } from "#shared/domain/frozen-content.ts";
import type { FrozenContent, FrozenMessage, Manifest } from "#shared/domain/frozen-content.ts";
import type { ContentHash, ConversationId, SnapshotId } from "#shared/domain/ids.ts";
import { err, ok } from "#shared/lib/result.ts";
import type { Result } from "#shared/lib/result.ts";
import { chainOf } from "./frozen-records.ts";
import type { FrozenByHash, HashedMessage } from "./frozen-records.ts";
import type { StoreFailure } from "./local-store.ts";
import type { SnapshotStore } from "./snapshot-store.ts";

/** What was frozen; see `Snapshots.content`. */
export type ReadContent = Result<FrozenContent, "missing" | "damaged" | StoreFailure>;

/** A snapshot whose content is to be read, with what is known of it without the store. */
export interface WantedContent {
  id: SnapshotId;
  conversationId: ConversationId;
  /** absent where it did not come to this device */
  manifest: Manifest | undefined;
  /** the id that the content has to have */
  contentId: string | undefined;
  /** all of it, or its messages, where they are in memory */
  fetched: FrozenContent | undefined;
  here: readonly HashedMessage[] | undefined;
}

/**
 * Reads what was frozen, the snapshots of one conversation after those of another: the messages they share are read, and
 * hashed, once. Calls back for each, and waits for that.
 */
export async function readContents(
  store: Pick<SnapshotStore, "frozen">,
  wanted: readonly WantedContent[],
  take: (id: SnapshotId, content: ReadContent) => void | Promise<void>,
): Promise<void> {
  for (const [conversationId, those] of byConversation(wanted)) {
    const hash = hashingOnce();
    let frozen: ReturnType<SnapshotStore["frozen"]> | undefined;
    const read = (): ReturnType<SnapshotStore["frozen"]> => (frozen ??= store.frozen(conversationId));
    for (const one of those) await take(one.id, await readOne(one, read, hash));
  }
}

async function readOne(
  { manifest, contentId, fetched, here }: WantedContent,
  read: () => Promise<Result<FrozenByHash, StoreFailure>>,
  hash: (message: FrozenMessage) => ContentHash,
): Promise<ReadContent> {
  if (fetched) return ok(fetched);
  if (manifest === undefined) return err("missing");
  const frozen = here ? undefined : await read();
  if (frozen?.ok === false) return frozen;
  const messages = frozen ? chainOf(frozen.value, manifest) : here?.map(({ message }) => message);
  if (messages === undefined) return err("missing");
  const found = { manifest, messages };
  await inSlices(hashing(messages, hash));
  return checkFrozen(found, hash).ok && contentIdOf(manifest) === contentId ? ok(found) : err("damaged");
}

/** Knows each hash before they are checked: all of a long snapshot in one go takes some frames' time. */
function* hashing(
  messages: readonly FrozenMessage[],
  hash: (message: FrozenMessage) => void,
): Generator<undefined, void> {
  for (const message of messages) {
    hash(message);
    yield;
  }
}

function byConversation(wanted: readonly WantedContent[]): Map<ConversationId, WantedContent[]> {
  const groups = new Map<ConversationId, WantedContent[]>();
  for (const one of wanted) {
    const group = groups.get(one.conversationId);
    if (group) group.push(one);
    else groups.set(one.conversationId, [one]);
  }
  return groups;
}

/** Hashes each object once. */
function hashingOnce(): (message: FrozenMessage) => ContentHash {
  const hashes = new WeakMap<FrozenMessage, ContentHash>();
  return (message) => {
    const hash = hashes.get(message) ?? hashOf(message);
    hashes.set(message, hash);
    return hash;
  };
}
