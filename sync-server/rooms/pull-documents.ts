import type { Result } from "#shared/lib/result.ts";
import { PULL_ANSWER_BYTES } from "#shared/protocol/bulk-sync.ts";
import type { Pulled, Wanted } from "#shared/protocol/bulk-sync.ts";
import type { Principal } from "#server/access/principal.ts";
import { openTenant } from "#server/access/tenant.ts";
import type { DocumentRow } from "#server/access/tenant.ts";
import type { Database } from "#server/storage/database.ts";
import type { FoldThread } from "./fold-thread.ts";
import type { RoomLogger } from "./room-driver.ts";
import { readLog, readParts } from "./room-log.ts";
import type { LogParts } from "./room-log.ts";
import type { OnRefused } from "./rooms.ts";
import type { Turnstile } from "#server/lib/turnstile.ts";
import { STATE_VECTOR_BYTES } from "./update-limits.ts";

/** How many logs are read with one statement, and how many such batches at once, for all answers together. */
const BATCH = 4;
export const BATCHES_AT_ONCE = 2;
/** How many logs are in memory at once. */
export const LOGS_AT_ONCE = BATCH * BATCHES_AT_ONCE;

export interface PullParts {
  database: Database;
  foldSince: FoldThread["foldSince"];
  /** lets `BATCHES_AT_ONCE` in; one for all requests */
  turnstile: Turnstile;
  log: RoomLogger;
  onRefused: OnRefused | undefined;
}

/** A document whose log is to be read. */
interface Unread {
  wanted: Wanted;
  row: DocumentRow;
}

type Read = Exclude<Pulled, { type: "later" }> | ({ type: "unread" } & Unread);

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
  if (wanted.some(({ id }) => !byId.has(id))) parts.onRefused?.("document.read");
  const known = wanted.map((one) => compare(one, byId.get(one.id)));
  const answers: Pulled[] = known.map((one) => (one.type === "unread" ? LATER : one));
  const unread = known.flatMap((one, at) => (one.type === "unread" ? [{ at, ...one }] : []));
  let bytes = 0;
  let isFull = false;
  while (unread.length > 0 && !isFull && bytes < PULL_ANSWER_BYTES) {
    // Of many that are read at once for the rest of an answer, most would be read in vain.
    const some = unread.splice(0, bytes > PULL_ANSWER_BYTES / 2 ? 1 : LOGS_AT_ONCE);
    const read = await readStates(parts, principal, some);
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
function compare(wanted: Wanted, row: DocumentRow | undefined): Read {
  const { epoch, haveSeq } = wanted;
  if (row === undefined || row.erased_at !== null || epoch > row.epoch) return { type: "gone" };
  return row.epoch === epoch && row.head_seq === haveSeq ? { type: "same" } : { type: "unread", wanted, row };
}

/** The states of documents, in order. */
async function readStates(parts: PullParts, principal: Principal, unread: readonly Unread[]): Promise<Pulled[]> {
  const batches = Array.from({ length: Math.ceil(unread.length / BATCH) }, (_, at) =>
    unread.slice(at * BATCH, (at + 1) * BATCH),
  );
  const read = batches.map((batch) => parts.turnstile.pass(() => readBatch(parts, principal, batch)));
  return (await Promise.all(read)).flat();
}

async function readBatch(parts: PullParts, principal: Principal, batch: readonly Unread[]): Promise<Pulled[]> {
  const logs = await readParts(
    parts.database,
    batch.map(({ row }) => row),
  );
  return await Promise.all(
    batch.map(async ({ wanted, row }) => {
      const found = logs.get(row.id);
      if (found) return await stateFor(parts, wanted, { epoch: row.epoch, headSeq: row.head_seq, ...found });
      return await readAgain(parts, principal, wanted);
    }),
  );
}

/** Of a document that was written to, folded or erased since its row was read, or whose log is damaged. */
async function readAgain(parts: PullParts, { accountId, workspaceId }: Principal, wanted: Wanted): Promise<Pulled> {
  const { id } = wanted;
  const read = await readLog(parts.database, { id, accountId, workspaceId });
  if (read.ok) return await stateFor(parts, wanted, read.value);
  // "Unknown" now, though it was there a moment ago.
  if (read.failure === "unavailable") parts.log.error({ document: id }, "the log of a document is damaged");
  return read.failure === "unavailable" ? LATER : { type: "gone" };
}

async function stateFor(
  { foldSince, log }: PullParts,
  wanted: Wanted,
  { epoch, headSeq, checkpoint, tail }: LogParts & { epoch: number; headSeq: number },
): Promise<Pulled> {
  const { id } = wanted;
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
