import type { LocalStore, SnapshotNews } from "#client/local-store/local-store.ts";
import type { LocalLibrary } from "#client/local-store/open-library.ts";
import { openSnapshots } from "#client/local-store/open-snapshots.ts";
import { openSnapshotStore } from "#client/local-store/snapshot-store.ts";
import type { Snapshots } from "#client/local-store/snapshots.ts";
import type { Locks } from "#client/platform/locks.ts";
import type { Platform } from "#client/platform/platform.ts";
import { whenEnded } from "#client/platform/when-ended.ts";
import type { SnapshotId } from "#shared/domain/ids.ts";
import type { Me } from "#shared/protocol/http-bodies.ts";
import { deliverSnapshots, snapshotsChannel } from "./deliver-snapshots.ts";
import type { OpenSync } from "./open-sync.ts";
import { findLostRecords } from "./lost-records.ts";
import { createFrozenPuller } from "./pull-frozen.ts";
import { keepPulling } from "./snapshot-pulling.ts";
import { openSnapshotDelivery } from "./snapshot-delivery.ts";
import { getSnapshot } from "./snapshot-requests.ts";

export interface WorkspaceSnapshotsParts {
  platform: Pick<Platform, "clock" | "random" | "fetch" | "connectivity" | "openBroadcast">;
  locks: Locks;
  me: Pick<Me, "accountId">;
  store: LocalStore;
  library: Pick<LocalLibrary, "onSnapshotNews">;
  sync: Pick<OpenSync, "outboxChanged">;
  newId: () => string;
  /** names the account and workspace */
  scope: string;
}

const ANSWER_MS = 60_000;
/** What other tabs tell of by themselves is here long before. */
const READ_AGAIN_MS = 3_000;

/** The snapshots of a workspace, delivered, told of by the feed, and brought to this device; all of it ends with the signal. */
export function openWorkspaceSnapshots(parts: WorkspaceSnapshotsParts, signal: AbortSignal): Snapshots {
  const { platform, locks, scope, store: local } = parts;
  const { clock } = platform;
  const store = openSnapshotStore(local);

  async function request(id: SnapshotId): Promise<Awaited<ReturnType<typeof getSnapshot>>> {
    const own = new AbortController();
    const stopTimer = clock.after(ANSWER_MS, () => own.abort());
    try {
      return await getSnapshot(platform.fetch, id, AbortSignal.any([signal, own.signal]));
    } catch {
      return undefined; // no network
    } finally {
      stopTimer();
    }
  }

  const snapshots = openSnapshots({
    local,
    store,
    channel: platform.openBroadcast(snapshotsChannel(scope), signal),
    accountId: parts.me.accountId,
    newId: parts.newId,
    now: clock.now,
    request,
    recordsLost: () => findLost(),
    outboxChanged: (held) => signal.aborted || parts.sync.outboxChanged(held),
  });
  const take = async (news: readonly SnapshotNews[]): Promise<boolean> => {
    const stored = await local.writeFeed({ from: 0, to: 0 }, news);
    snapshots.takeNews(news, stored.ok);
    return stored.ok;
  };
  const findLost = findLostRecords({ platform, store, take }, signal);
  const delivery = openSnapshotDelivery(
    platform,
    () => deliverSnapshots({ platform, locks, outbox: snapshots.outbox, scope }, signal),
    signal,
  );
  snapshots.onAdded(delivery.look);
  const puller = createFrozenPuller({ platform, store, records: snapshots.records, fetchOne: snapshots.fetch });
  const pulling = keepPulling({ platform, locks, scope, puller, store: local }, signal);
  let isReading = false;
  // Another tab stores page after page: they are read together.
  const readSoon = (): void => {
    if (isReading) return;
    isReading = true;
    const stopTimer = clock.after(READ_AGAIN_MS, () => {
      isReading = false;
      if (!signal.aborted) void snapshots.readAll().then(pulling.look);
    });
    whenEnded(signal, stopTimer);
  };
  parts.library.onSnapshotNews((news, isStored) => {
    if (news.length === 0) return readSoon();
    snapshots.takeNews(news, isStored);
    pulling.look();
  });
  // Those that were told of before, and did not get here.
  const stopWaiting = snapshots.subscribe(() => {
    if (!snapshots.loaded()) return;
    stopWaiting();
    pulling.look();
  });
  return snapshots;
}
