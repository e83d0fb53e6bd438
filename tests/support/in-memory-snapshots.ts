import { Callbacks } from "#client/platform/callbacks.ts";
import type { QueuedCommand, SnapshotDeed } from "#client/local-store/snapshot-record.ts";
import { excerptOfFrozen, snapshotEntries } from "#client/local-store/snapshot-state.ts";
import type { SnapshotEntry, Snapshots } from "#client/local-store/snapshots.ts";
import { contentIdOf, modelOf } from "#shared/domain/frozen-content.ts";
import type { FrozenContent } from "#shared/domain/frozen-content.ts";
import type { ConversationId, SnapshotId } from "#shared/domain/ids.ts";
import { err, ok } from "#shared/lib/result.ts";

/** Snapshots without storage or network: what is done to them waits for ever, and so is pending. */
export function inMemorySnapshots({ newId, now }: { newId: () => string; now: () => number }): Snapshots {
  const contents = new Map<SnapshotId, { conversationId: ConversationId; content: FrozenContent }>();
  const listeners = new Callbacks();
  let queue: readonly QueuedCommand[] = [];
  let entries: readonly SnapshotEntry[] = [];

  function set(next: readonly QueuedCommand[]): void {
    queue = next;
    entries = snapshotEntries(new Map(), queue);
    listeners.callAll();
  }

  function add(snapshotId: SnapshotId, deed: SnapshotDeed): void {
    const conversationId = contents.get(snapshotId)?.conversationId;
    if (conversationId === undefined) return;
    set([...queue, { key: queue.length + 1, command: { snapshotId, conversationId, createdAt: now(), deed } }]);
  }

  return {
    entries: () => entries,
    loaded: () => true,
    subscribe: (listener) => listeners.add(listener),
    take({ id: planned, conversationId, content, ...labels }) {
      const id = planned ?? (newId() as SnapshotId);
      if (contents.has(id)) return Promise.resolve(id);
      contents.set(id, { conversationId, content });
      const { manifest, messages } = content;
      const about = {
        contentId: contentIdOf(manifest),
        leaf: messages.at(-1)?.id ?? "",
        model: modelOf(content),
        excerpt: excerptOfFrozen(messages),
        createdBy: "account-1",
      };
      add(id, { type: "take", manifest, ...about, ...labels });
      return Promise.resolve(id);
    },
    isKept: (id) => contents.has(id),
    setLabels: (id, labels) => add(id, { type: "labels", labels }),
    setDeleted: (id, deleted) => add(id, { type: deleted ? "delete" : "restore" }),
    erase: (...ids) => ids.forEach((id) => add(id, { type: "erase" })),
    async giveUp(id) {
      set(queue.filter(({ command }) => command.snapshotId !== id));
    },
    async content(id) {
      const taken = contents.get(id);
      return taken ? ok(taken.content) : err("missing");
    },
    async contents(ids, take) {
      for (const id of ids) {
        const taken = contents.get(id);
        await take(id, taken ? ok(taken.content) : err("missing"));
      }
    },
    fetch: async (id) => contents.has(id),
  };
}
