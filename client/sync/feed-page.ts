import * as z from "zod/mini";
import type { Platform } from "#client/platform/platform.ts";
import { conversationEntrySchema } from "#shared/protocol/http-bodies.ts";

/** Answer of `GET /api/sync/feed`. Entries of snapshots are parsed by the code that keeps them, which comes later. */
const pageSchema = z.object({
  entries: z.array(z.union([conversationEntrySchema, z.looseObject({ kind: z.literal("snapshot"), id: z.string() })])),
  cursor: z.number(),
  more: z.boolean(),
});
export type FeedPage = z.infer<typeof pageSchema>;

/**
 * Asks for one page of the feed; `undefined` where the answer is no feed that this version understands. Rejects when
 * the network does, or the answer is cut short.
 * @param answered called once the server said anything, before the body is read
 */
export async function readFeedPage(
  fetch: Platform["fetch"],
  cursor: number,
  signal: AbortSignal,
  answered: (ok: boolean) => void = () => undefined,
): Promise<FeedPage | undefined> {
  const response = await fetch(`/api/sync/feed?cursor=${cursor}`, { signal });
  answered(response.ok);
  const parsed = response.ok ? pageSchema.safeParse(await response.json()) : undefined;
  return parsed?.data;
}
