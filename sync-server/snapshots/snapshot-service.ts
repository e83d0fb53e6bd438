import type { SnapshotId } from "#shared/domain/ids.ts";
import { err, ok } from "#shared/lib/result.ts";
import type { Result } from "#shared/lib/result.ts";
import type { ChangeSnapshot, DuplicateSnapshot, TakeSnapshot } from "#shared/protocol/snapshot-bodies.ts";
import type { Action } from "#server/access/authorize.ts";
import { relayOf } from "#server/access/principal.ts";
import type { AccountPrincipal } from "#server/access/principal.ts";
import type { SnapshotFilters, SnapshotPlace } from "#server/access/snapshot-tenant.ts";
import { DocumentGone } from "#server/rooms/rooms.ts";
import type { Rooms } from "#server/rooms/rooms.ts";
import type { SnapshotDocument } from "#shared/documents/snapshot.ts";
import { duplicateSnapshot } from "./duplicate-snapshot.ts";
import type { DuplicateFailure } from "./duplicate-snapshot.ts";
import { createQueues } from "./queues.ts";
import { findOwn, listSnapshots, readSeries, readSnapshot } from "./read-snapshots.ts";
import type { SeriesTexts, SnapshotPage, SnapshotTexts } from "./read-snapshots.ts";
import { takeSnapshot } from "./take-snapshot.ts";
import type { TakeFailure, TakeParts } from "./take-snapshot.ts";

export interface SnapshotServiceParts extends Omit<TakeParts, "queues"> {
  rooms: Pick<Rooms, "read" | "waitFor" | "created" | "editSnapshot">;
}

/**
 * The commands and queries of snapshots. Each asks by itself whether the caller may; what is not theirs is not there.
 * All reject with `CommitError` where the store does not answer.
 */
export interface SnapshotService {
  take(
    principal: AccountPrincipal,
    body: TakeSnapshot,
  ): Promise<Result<SnapshotTexts & { created: boolean }, TakeFailure>>;
  list(
    principal: AccountPrincipal,
    filters: SnapshotFilters,
    after: SnapshotPlace | undefined,
    limit: number,
  ): Promise<SnapshotPage>;
  read(principal: AccountPrincipal, id: SnapshotId): Promise<Result<SnapshotTexts, "not_found">>;
  /** Frozen messages of many conversations, as many as fit into one answer. */
  series(
    principal: AccountPrincipal,
    wanted: readonly { conversationId: string; after: number }[],
  ): Promise<SeriesTexts[]>;
  /** `restored`: it was in the trash before */
  change(
    principal: AccountPrincipal,
    id: SnapshotId,
    body: ChangeSnapshot,
  ): Promise<Result<SnapshotTexts & { restored: boolean }, "not_found">>;
  /** Puts it into the trash; answers whether it was not there before. */
  remove(principal: AccountPrincipal, id: SnapshotId): Promise<Result<boolean, "not_found">>;
  duplicate(
    principal: AccountPrincipal,
    id: SnapshotId,
    body: DuplicateSnapshot,
  ): Promise<Result<{ created: boolean }, DuplicateFailure>>;
}

export function openSnapshotService(parts: SnapshotServiceParts): SnapshotService {
  const { database, rooms } = parts;
  const queues = createQueues();

  /** Edits through the live room, so that whoever has it open sees it. */
  async function edit(
    principal: AccountPrincipal,
    id: SnapshotId,
    action: Action,
    change: (snapshot: SnapshotDocument) => void,
  ): Promise<Result<{ wasDeleted: boolean }, "not_found">> {
    if (!(await findOwn(database, principal, action, id))) return err("not_found");
    let wasDeleted = false;
    try {
      await rooms.editSnapshot(relayOf(principal), id, (snapshot) => {
        wasDeleted = snapshot.isDeleted();
        change(snapshot);
      });
    } catch (error) {
      // Erased in this moment.
      if (error instanceof DocumentGone) return err("not_found");
      throw error;
    }
    return ok({ wasDeleted });
  }

  return {
    async take(principal, body) {
      const taken = await takeSnapshot({ ...parts, queues }, principal, body);
      if (!taken.ok) return taken;
      const read = await readSnapshot(database, principal, body.id);
      return read.ok ? ok({ ...read.value, ...taken.value }) : err({ code: "gone" });
    },
    list: (principal, filters, after, limit) => listSnapshots(database, principal, filters, after, limit),
    read: (principal, id) => readSnapshot(database, principal, id),
    series: (principal, wanted) => readSeries(database, principal, wanted),
    async change(principal, id, { deleted, title, note, tags }) {
      const labels = {
        ...(title !== undefined && { title: title.toWellFormed() }),
        ...(note !== undefined && { note: note.toWellFormed() }),
        ...(tags && { tags: tags.map((tag) => tag.toWellFormed()) }),
      };
      const edited = await edit(principal, id, "snapshot.change", (snapshot) => {
        snapshot.setLabels(labels);
        if (deleted === false) snapshot.setDeleted(false);
      });
      if (!edited.ok) return edited;
      const read = await readSnapshot(database, principal, id);
      return read.ok ? ok({ ...read.value, restored: deleted === false && edited.value.wasDeleted }) : read;
    },
    async remove(principal, id) {
      const edited = await edit(principal, id, "snapshot.erase", (snapshot) => snapshot.setDeleted(true));
      return edited.ok ? ok(!edited.value.wasDeleted) : edited;
    },
    duplicate: (principal, id, body) => duplicateSnapshot(parts, principal, id, body),
  };
}
