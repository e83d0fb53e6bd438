import type { Platform } from "#client/platform/platform.ts";
import { conversationsIn, feedSchema } from "#shared/protocol/http-bodies.ts";
import type { Feed } from "#shared/protocol/http-bodies.ts";

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
): Promise<Feed | undefined> {
  const response = await fetch(`/api/sync/feed?cursor=${cursor}`, { signal });
  answered(response.ok);
  const parsed = response.ok ? feedSchema.safeParse(await response.json()) : undefined;
  // Snapshots are not kept on the device yet.
  return parsed?.data && conversationsIn(parsed.data);
}
