import type { Documents } from "#client/local-store/documents.ts";
import type { Clock } from "#client/platform/platform.ts";
import type { ConversationId } from "#shared/domain/ids.ts";

/** So long a deletion may take to come to this device, where it has the conversation by name only. */
const ARRIVAL_MS = 10_000;

/**
 * Brings a deleted conversation back, once the deletion is in this device's copy: set back before, it would only be one
 * of two opinions. Answers whether it was done.
 */
export function restoreChat(documents: Documents, clock: Clock, id: ConversationId): Promise<boolean> {
  const open = documents.open(id);
  return new Promise<boolean>((resolve) => {
    const stops: (() => void)[] = [];
    const finish = (done: boolean): void => {
      for (const stop of stops.splice(0)) stop();
      resolve(done);
    };
    const look = (): void => {
      const { type } = open.status();
      if (type === "loading") return;
      if (type !== "ready") return finish(false);
      if (!open.conversation.isDeleted()) return;
      open.conversation.setDeleted(false);
      finish(true);
    };
    // What is changed while a change is told of would be told of before it.
    const lookSoon = (): void => queueMicrotask(() => stops.length > 0 && look());
    stops.push(
      open.subscribe(lookSoon),
      open.conversation.subscribe(lookSoon),
      clock.after(ARRIVAL_MS, () => finish(false)),
    );
    look();
  }).finally(() => open.release());
}
