import * as z from "zod/mini";
import type { SmallStorage } from "#client/platform/small-storage.ts";
import { remembered } from "#client/session/remembered.ts";
import type { ConversationId, SnapshotId } from "#shared/domain/ids.ts";
import type { Me } from "#shared/protocol/http-bodies.ts";

/** That a snapshot was asked anew on this device: its page tells how far that is, until a person has seen it. */
export interface RerunNote {
  /** the snapshot that was asked anew */
  of: SnapshotId;
  /** the one that is taken of the answer */
  snapshotId: SnapshotId;
  /** where it is answered */
  conversationId: ConversationId;
  runId: string;
  model: string;
}

/** What is kept in small storage is of use for a while: older ones go. */
const AT_MOST = 20;

const notesSchema = z.array(
  z.object({
    of: z.string(),
    snapshotId: z.string(),
    conversationId: z.string(),
    runId: z.string(),
    model: z.string(),
  }),
);

/** The notes of an account in a workspace on this device. Ids alone, and no word that anybody wrote. */
export function openRerunNotes(storage: SmallStorage, { accountId, workspaceId }: Me) {
  const kept = remembered(storage, `holdfast.reruns.${accountId}.${workspaceId}`, notesSchema);
  const all = (): RerunNote[] => (kept.read() ?? []) as RerunNote[];
  return {
    /** those of one snapshot, newest first */
    of: (id: SnapshotId): RerunNote[] => all().filter((note) => note.of === id),
    add: (note: RerunNote): void => void kept.write([note, ...all()].slice(0, AT_MOST)),
    remove: (snapshotId: SnapshotId): void => void kept.write(all().filter((note) => note.snapshotId !== snapshotId)),
  };
}
