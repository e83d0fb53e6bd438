import type { LocalLibrary } from "#client/local-store/open-library.ts";
import type { LocalStore } from "#client/local-store/local-store.ts";
import type { Platform } from "#client/platform/platform.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import { createBodyPuller } from "./pull-bodies.ts";
import type { BodyPuller } from "./pull-bodies.ts";
import { pushOutbox } from "./push-outbox.ts";
import type { PushOutcome } from "./push-outcome.ts";

/** Moves documents that nobody here has open, many by one request. */
export interface Bulk extends BodyPuller {
  /** Sends edits of up to so many of them. */
  push(ids: ReadonlySet<ConversationId>, most: number): Promise<PushOutcome>;
}

export interface BulkParts {
  platform: Pick<Platform, "fetch" | "clock">;
  store: LocalStore;
  library: LocalLibrary;
  /** whether this tab has it open, and so live */
  isOpen(id: ConversationId): boolean;
}

export function openBulk({ platform, store, library, isOpen }: BulkParts, signal: AbortSignal): Bulk {
  return {
    ...createBodyPuller(platform, store, library, isOpen),
    push: (ids, most) => pushOutbox(platform, store, { wants: (id) => ids.has(id), most }, signal),
  };
}
