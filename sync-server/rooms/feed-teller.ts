import type { RoomClock } from "./room-driver.ts";
import type { RoomKey } from "./room-log.ts";

/** One word that a feed moved stands for all of so long. */
const GATHER_MS = 250;
/** Every socket of an account hears it, so a busy account hears it this often at the most. */
const REST_MS = 1_000;

export type FeedOwner = Pick<RoomKey, "accountId" | "workspaceId">;

/** Tells owners that their feed moved (R19): soon after the first move, and then at most once a second. */
export function createFeedTeller(clock: Pick<RoomClock, "after">, tell: (owner: FeedOwner) => void) {
  const waiting = new Map<string, { moved: boolean; cancel: () => void }>();

  function wait(name: string, owner: FeedOwner, moved: boolean): void {
    const next = (): void => {
      const { moved: due } = waiting.get(name) ?? { moved: false };
      waiting.delete(name);
      if (!due) return;
      wait(name, owner, false);
      tell(owner);
    };
    waiting.set(name, { moved, cancel: clock.after(moved ? GATHER_MS : REST_MS, next) });
  }

  return {
    moved({ accountId, workspaceId }: FeedOwner): void {
      const name = `${accountId}/${workspaceId}`;
      const resting = waiting.get(name);
      if (resting) resting.moved = true;
      else wait(name, { accountId, workspaceId }, true);
    },
    close(): void {
      for (const { cancel } of waiting.values()) cancel();
      waiting.clear();
    },
  };
}
