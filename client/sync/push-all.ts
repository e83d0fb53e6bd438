import type { LocalStore } from "#client/local-store/local-store.ts";
import type { Platform } from "#client/platform/platform.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import { pushOutbox } from "./push-outbox.ts";

/** So often the outbox is looked at in one go: each look is one request, and 100 documents. */
const ROUNDS = 50;

/** Answers whether everything was sent that can be sent so; what is refused waits for a page. */
export async function pushAll(
  platform: Pick<Platform, "fetch" | "clock">,
  store: LocalStore,
  settled: () => void,
  signal: AbortSignal,
): Promise<boolean> {
  const left = new Set<ConversationId>();
  let isLeft = false;
  for (let round = 0; round < ROUNDS && !signal.aborted; round++) {
    const outcome = await pushOutbox(platform, store, { wants: (id) => !left.has(id) }, signal);
    if (outcome.type === "failed") return false;
    if (outcome.later.length > 0) isLeft = true;
    for (const id of outcome.left) left.add(id);
    if (outcome.settled.length > 0) settled();
    else if (outcome.left.length === 0) return !isLeft;
  }
  return false;
}
