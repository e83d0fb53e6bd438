import { DocumentGone } from "#server/rooms/rooms.ts";
import type { RunFacts } from "#shared/domain/run.ts";
import { createCheckpointer, placeAnswer } from "./checkpointer.ts";
import type { RunFeed } from "./run-feed.ts";
import type { RunParts } from "./run-parts.ts";
import { readRun, updateRun } from "./run-store.ts";
import type { StoredRun } from "./run-store.ts";

interface RunDocumentOptions {
  parts: RunParts;
  stored: StoredRun;
  feed: RunFeed;
  /** what the message is to remember of the run now */
  facts: () => RunFacts;
  /** the run has ended, or somebody else writes it now: nothing is looked at or scheduled any more */
  isOver: () => boolean;
  /** the conversation was deleted, on whichever device */
  onDeleted: () => void;
  /** calls back after so many ms, unless the run is over before */
  later: (ms: number, callback: () => void) => void;
  complain: (what: string) => (error: unknown) => void;
}

/**
 * Brings the durable text of a live run to its document: every 2 s where it has grown, and at the end. Every 2 s it
 * also looks whether the conversation was deleted.
 */
export function openRunDocument({ parts, stored, feed, facts, ...on }: RunDocumentOptions) {
  const { database, rooms, timers } = parts;
  const { isOver, onDeleted, later, complain } = on;
  const { conversationId, parentMessageId, messageId } = stored;
  const target = {
    // A guest who signs in to an account meanwhile takes the run along.
    get principal() {
      return { kind: "relay", accountId: stored.accountId, workspaceId: stored.workspaceId } as const;
    },
    conversationId,
    parentMessageId,
    messageId,
  };
  const checkpointer = createCheckpointer(rooms, target, () => undefined);
  let checkpointing = Promise.resolve();
  let checkpointed = 0;

  const commitProgress = (): ReturnType<typeof checkpointer.commit> =>
    checkpointer.commit({ text: feed.text, reasoning: feed.reasoning, frame: feed.head }, facts());

  const giveUpLease = (committed: 0 | 1): Promise<void> =>
    database.commit([updateRun(database, { id: stored.id, epoch: stored.leaseEpoch }, { committed, lease_until: 0 })]);

  async function checkpoint(head: number): Promise<void> {
    const { deleted } = head > checkpointed ? await commitProgress() : await look();
    checkpointed = head;
    // Nobody reads on, and every token costs.
    if (deleted && !isOver()) onDeleted();
  }

  const look = async (): Promise<{ deleted: boolean }> => ({
    deleted: (await rooms.read(target.principal, conversationId, (conversation) => conversation.isDeleted())) === true,
  });

  /** Whether the run became somebody else's since it was looked at. */
  async function hasNewOwner(): Promise<boolean> {
    const { accountId, workspaceId } = (await readRun(database, stored.id)) ?? stored;
    const isNew = accountId !== stored.accountId || workspaceId !== stored.workspaceId;
    Object.assign(stored, { accountId, workspaceId });
    return isNew;
  }

  function checkpointLater(): void {
    later(timers.checkpoint, () => {
      if (isOver()) return;
      checkpointing = checkpoint(feed.head).catch(complain("checkpoint a run"));
      void checkpointing.then(() => !isOver() && checkpointLater());
    });
  }
  checkpointLater();

  return {
    /** Makes the placeholder. Rejects where it could not be stored. */
    place: (): Promise<void> => placeAnswer(rooms, target, stored.facts),
    /**
     * Brings the end of the run to the document, then closes its row. A row that stays open is left to the
     * sweeper, which brings the end there from the log.
     */
    async settle(): Promise<void> {
      await checkpointing;
      try {
        const { reached } = await commitProgress().catch(async (error: unknown) => {
          if (error instanceof DocumentGone && (await hasNewOwner())) return commitProgress();
          throw error;
        });
        await giveUpLease(reached ? 1 : 0);
      } catch (error) {
        complain("bring a run's end to its document")(error);
        // A document that is gone for good has nothing to be brought to.
        await giveUpLease(error instanceof DocumentGone ? 1 : 0).catch(complain("close a run"));
      }
    },
  };
}
