import type { Result } from "#shared/lib/result.ts";
import { PULL_ANSWER_BYTES } from "#shared/protocol/bulk-sync.ts";
import type { Pulled, Wanted } from "#shared/protocol/bulk-sync.ts";
import type { Principal } from "#server/access/principal.ts";
import { openTenant } from "#server/access/tenant.ts";
import type { DocumentRow } from "#server/access/tenant.ts";
import type { Database } from "#server/storage/database.ts";
import type { FoldThread } from "./fold-thread.ts";
import type { RoomLogger } from "./room-driver.ts";
import { readLog } from "./room-log.ts";
import type { Turnstile } from "./turnstile.ts";
import { STATE_VECTOR_BYTES } from "./update-limits.ts";

/** How many logs are in memory at once, for all answers together. */
export const LOGS_AT_ONCE = 8;

export interface PullParts {
  database: Database;
  foldSince: FoldThread["foldSince"];
  /** lets `LOGS_AT_ONCE` in; one for all requests */
  turnstile: Turnstile;
  log: RoomLogger;
}

type Read = Exclude<Pulled, { type: "later" }> | { type: "unread"; row: DocumentRow };

const LATER: Pulled = { type: "later" };

/**
 * Answers what the principal lacks of each document, in order. What was not written to since costs one row of one
 * query. Once one does not fit into the answer, what is left is `later`: whoever asks again for these gets on.
 */
export async function pullDocuments(
  parts: PullParts,
  principal: Principal,
  wanted: readonly Wanted[],
): Promise<Pulled[]> {
  const rows = await openTenant(parts.database, principal).documents(wanted.map(({ id }) => id));
  const byId = new Map(rows.map((row) => [row.id, row]));
  const known = wanted.map((one) => compare(one, byId.get(one.id)));
  const answers: Pulled[] = known.map((one) => (one.type === "unread" ? LATER : one));
  const unread = known.flatMap((one, at) => (one.type === "unread" ? [{ at, row: one.row }] : []));
  let bytes = 0;
  let isFull = false;
  while (unread.length > 0 && !isFull && bytes < PULL_ANSWER_BYTES) {
    // Of many that are read at once for the rest of an answer, most would be read in vain.
    const some = unread.splice(0, bytes > PULL_ANSWER_BYTES / 2 ? 1 : LOGS_AT_ONCE);
    const read = await Promise.all(
      some.map(({ at }) => parts.turnstile.pass(() => readState(parts, principal, wanted[at]))),
    );
    for (const [index, { at }] of some.entries()) {
      const answer = read[index] ?? LATER;
      const size = answer.type === "state" ? answer.update.byteLength : 0;
      if (bytes > 0 && bytes + size > PULL_ANSWER_BYTES) isFull = true;
      else {
        bytes += size;
        answers[at] = answer;
      }
    }
  }
  return answers;
}

/** A log that is shorter than what they have was restored from a backup: then they are sent all there is. */
function compare({ epoch, haveSeq }: Wanted, row: DocumentRow | undefined): Read {
  if (row === undefined || row.erased_at !== null || epoch > row.epoch) return { type: "gone" };
  return row.epoch === epoch && row.head_seq === haveSeq ? { type: "same" } : { type: "unread", row };
}

async function readState(
  { database, foldSince, log }: PullParts,
  { accountId, workspaceId }: Principal,
  wanted: Wanted | undefined,
): Promise<Pulled> {
  if (wanted === undefined) return LATER;
  const { id } = wanted;
  const read = await readLog(database.kysely, { id, accountId, workspaceId });
  if (!read.ok) {
    // "Unknown" now, though it was there a moment ago.
    if (read.failure === "unavailable") log.error({ document: id }, "the log of a document is damaged");
    return read.failure === "unavailable" ? LATER : { type: "gone" };
  }
  const { epoch, headSeq, checkpoint, tail } = read.value;
  // What a peer knows of another history says nothing about this one.
  const stateVector = wanted.epoch === epoch && isBounded(wanted.stateVector) ? wanted.stateVector : undefined;
  try {
    const folded = await foldedSince(foldSince, checkpoint, tail, stateVector);
    if (folded.ok) return { type: "state", epoch, headSeq, update: folded.value };
    log.error({ document: id, failure: folded.failure }, "a log could not be folded for a reader");
  } catch (error) {
    // The thread died, of this log or of another one.
    log.error({ document: id, err: error }, "a log could not be folded for a reader");
  }
  return LATER;
}

const isBounded = (stateVector: Uint8Array | undefined): boolean =>
  stateVector !== undefined && stateVector.byteLength <= STATE_VECTOR_BYTES;

/** Rows of a log may hold text that was deleted since: only a checkpoint may leave as it is (R17). */
async function foldedSince(
  foldSince: FoldThread["foldSince"],
  checkpoint: Uint8Array | undefined,
  tail: readonly Uint8Array[],
  stateVector: Uint8Array | undefined,
): Promise<Result<Uint8Array>> {
  if (checkpoint && tail.length === 0 && stateVector === undefined) return { ok: true, value: checkpoint };
  return await foldSince(checkpoint ? [checkpoint, ...tail] : tail, stateVector);
}
