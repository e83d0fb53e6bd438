import type { CommitBatch, DocumentLog } from "./room-events.ts";

/** Where a document's log ends, and how much of it is not folded yet. */
export interface LogFacts extends Omit<
  DocumentLog,
  "kind" | "checkpoint" | "tail" | "clients" | "summary" | "summarySeq"
> {
  tailRows: number;
  tailBytes: number;
  checkpointBytes: number;
}

/** Folding when the tail is as long as the checkpoint costs a constant share of what was written (R17). */
const COMPACT_ROWS = 200;
const COMPACT_BYTES = 16 * 1024;

export const EMPTY_FACTS: LogFacts = {
  exists: false,
  epoch: 0,
  headSeq: 0,
  checkpointSeq: 0,
  tailRows: 0,
  tailBytes: 0,
  checkpointBytes: 0,
};

const bytesOf = (rows: readonly Uint8Array[]): number => rows.reduce((sum, bytes) => sum + bytes.byteLength, 0);

export const factsOf = ({ exists, epoch, headSeq, checkpointSeq, checkpoint, tail }: DocumentLog): LogFacts => ({
  exists,
  epoch,
  headSeq,
  checkpointSeq,
  tailRows: tail.length,
  tailBytes: bytesOf(tail),
  checkpointBytes: checkpoint?.byteLength ?? 0,
});

export const storedBytes = ({ checkpointBytes, tailBytes }: Pick<LogFacts, "checkpointBytes" | "tailBytes">): number =>
  checkpointBytes + tailBytes;

/** The log once a commit is durable. */
export const withCommit = (facts: LogFacts, { headSeq, rows }: CommitBatch): LogFacts => ({
  ...facts,
  exists: true,
  headSeq,
  tailRows: facts.tailRows + rows.length,
  tailBytes: facts.tailBytes + bytesOf(rows.map(({ bytes }) => bytes)),
});

/** The log once all rows up to `through` are folded into a checkpoint of so many bytes. */
export function withFold(facts: LogFacts, through: number, checkpointBytes: number): LogFacts {
  const tailRows = facts.headSeq - through;
  // What was written during the fold is a guess until the next load; it only decides when to fold again.
  const tailBytes = facts.tailRows > 0 ? Math.ceil((facts.tailBytes * tailRows) / facts.tailRows) : 0;
  return { ...facts, checkpointSeq: through, checkpointBytes, tailRows, tailBytes };
}

/** Whether folding pays. @param rows the most that are left unfolded */
export const isFoldDue = ({ tailRows, tailBytes, checkpointBytes }: LogFacts, rows = COMPACT_ROWS): boolean =>
  tailRows >= rows || tailBytes >= Math.max(COMPACT_BYTES, checkpointBytes);
