import type { SnapshotNews } from "#client/local-store/local-store.ts";
import type { SnapshotStore } from "#client/local-store/snapshot-store.ts";
import type { Platform } from "#client/platform/platform.ts";
import { whenEnded } from "#client/platform/when-ended.ts";
import { readFeedPage } from "./feed-page.ts";

const ANSWER_MS = 60_000;

export interface LostRecordsParts {
  platform: Pick<Platform, "clock" | "fetch" | "connectivity">;
  store: Pick<SnapshotStore, "noteFound">;
  /** Stores what the feed tells of snapshots; answers whether it could. */
  take: (news: readonly SnapshotNews[]) => Promise<boolean>;
}

/**
 * Brings back records of snapshots that this device lost: reads the feed from its start, beside the library, whose place
 * in it stays as it is. What was begun and not ended is noted on the disk, and begins anew when the network is back.
 */
export function findLostRecords({ platform, store, take }: LostRecordsParts, signal: AbortSignal): () => void {
  const { clock, connectivity, fetch } = platform;
  let isWanted = false;
  let isUnderWay = false;

  async function page(cursor: number): ReturnType<typeof readFeedPage> {
    const own = new AbortController();
    const stopTimer = clock.after(ANSWER_MS, () => own.abort());
    try {
      return await readFeedPage(fetch, cursor, AbortSignal.any([signal, own.signal]));
    } catch {
      return undefined; // no network
    } finally {
      stopTimer();
    }
  }

  /** Answers whether it came to the end. */
  async function readAll(): Promise<boolean> {
    for (let cursor = 0; ;) {
      const feed = await page(cursor);
      if (feed === undefined) return false;
      const news = feed.entries.filter((entry) => entry.kind === "snapshot");
      if (news.length > 0 && !(await take(news))) return false;
      if (!feed.more || feed.cursor <= cursor) return true;
      cursor = feed.cursor;
    }
  }

  async function go(): Promise<void> {
    if (!isWanted || isUnderWay || signal.aborted || !connectivity.online()) return;
    isUnderWay = true;
    if (await readAll()) isWanted = !(await store.noteFound()).ok;
    isUnderWay = false;
  }

  whenEnded(
    signal,
    connectivity.onWake(() => void go()),
  );
  return () => {
    isWanted = true;
    void go();
  };
}
