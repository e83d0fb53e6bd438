import * as z from "zod/mini";
import type { Broadcast } from "#client/platform/platform.ts";
import { parseConversationId } from "#shared/domain/ids.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import { conversationEntrySchema } from "#shared/protocol/http-bodies.ts";
import type { LocalSummary } from "./local-store.ts";

/** What tabs of one account and workspace tell each other. Tabs of another version may be among them. */
export type TabMessage =
  /** edits were stored, with outbox rows the sender takes care of */
  | { type: "stored"; id: ConversationId; update: Uint8Array }
  /** rows left the outbox */
  | { type: "settled" }
  | { type: "summary"; id: ConversationId; local: LocalSummary }
  /** the feed was read and stored */
  | { type: "feed" }
  /** all there was of a conversation is deleted from this device */
  | { type: "forgotten"; id: ConversationId }
  /** this database is about to go: nothing may hold it, or write to it, any longer */
  | { type: "let-go"; because: "wiped" | "moved" };

const conversationId = z.pipe(
  z.string(),
  z.transform((text) => parseConversationId(text)),
);
const schema = z.union([
  z.object({ type: z.literal("stored"), id: conversationId, update: z.instanceof(Uint8Array) }),
  z.object({ type: z.literal("settled") }),
  z.object({
    type: z.literal("summary"),
    id: conversationId,
    local: z.object({
      summary: conversationEntrySchema.shape.summary,
      changedAt: z.number(),
      headSeq: z.union([z.number(), z.undefined()]),
    }),
  }),
  z.object({ type: z.literal("feed") }),
  z.object({ type: z.literal("forgotten"), id: conversationId }),
  z.object({ type: z.literal("let-go"), because: z.enum(["wiped", "moved"]) }),
]);

export interface Tabs {
  post(message: TabMessage): void;
  onMessage(callback: (message: TabMessage) => void): void;
}

/** Speaks to the other tabs; what is not understood, from a newer version, is left alone. */
export function openTabs(broadcast: Broadcast, signal: AbortSignal): Tabs {
  return {
    post: (message) => broadcast.post(message),
    onMessage(callback) {
      const stop = broadcast.onMessage((raw) => {
        const parsed = schema.safeParse(raw);
        if (parsed.success && !("id" in parsed.data && parsed.data.id === undefined)) {
          callback(parsed.data as TabMessage);
        }
      });
      signal.addEventListener("abort", stop, { once: true });
    },
  };
}
