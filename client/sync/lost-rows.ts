import type { Clock } from "#client/platform/platform.ts";
import type { ConversationId } from "#shared/domain/ids.ts";

/** ms in which other tabs write what they have in memory into a database that was opened anew */
export const REWRITTEN_MS = 2_000;

/**
 * The documents whose outbox rows were in a database that the browser deleted. A row may be there again: another tab
 * has the document in memory, or nothing was deleted after all. What is missing after a while is lost.
 */
export interface LostRows {
  /** These had rows in the database that is gone, and are not in memory here. */
  add(ids: readonly ConversationId[]): void;
  /** To be called before the outbox is read; answers what `seen` takes. */
  look(): number;
  /** These have rows now. */
  seen(look: number, ids: ReadonlySet<ConversationId>): void;
  /** whether the outbox should be looked at again soon */
  looksAgain(): boolean;
  found(): ReadonlySet<ConversationId>;
  dismiss(): void;
}

export function createLostRows(clock: Pick<Clock, "now">): LostRows {
  const suspects = new Map<ConversationId, number>();
  const lost = new Set<ConversationId>();
  return {
    add(ids) {
      for (const id of ids) suspects.set(id, clock.now() + REWRITTEN_MS);
    },
    look: () => clock.now(),
    seen(look, ids) {
      for (const [id, judgedAt] of suspects) {
        if (!ids.has(id) && look < judgedAt) continue;
        suspects.delete(id);
        if (!ids.has(id)) lost.add(id);
      }
    },
    looksAgain: () => suspects.size > 0,
    found: () => lost,
    dismiss: () => lost.clear(),
  };
}
