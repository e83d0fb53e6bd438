import * as Y from "yjs";
import { openSqliteStore } from "#server/storage/sqlite-store.ts";
import type { StoreAnswer, StoreRequest } from "#server/storage/sqlite-messages.ts";
import type { SqliteThread } from "#server/storage/sqlite-thread.ts";
import { foldLog } from "#server/rooms/compaction.ts";
import type { LogFacts } from "#server/rooms/log-facts.ts";
import type { Owner, World } from "./world.ts";

/** The only thing that survives a kill: a real SQLite database, in memory. */
export interface Disk {
  /** The storage thread of one process. What is asked of a dead one is answered by nobody. */
  thread(owner: Owner): SqliteThread;
  /** What is stored now, for the oracles. */
  rows<T>(sql: string, ...parameters: unknown[]): T[];
  /** A document as its log says, up to date; the same object until the log was folded or kept from being read. */
  document(id: string): Y.Doc;
  headOf(id: string): number;
  /** how much of a document's log is not folded, and how much is */
  tailOf(id: string): Tail;
  /** the log folded as compaction would */
  folded(id: string): Uint8Array;
  /** per request: the store cannot answer; half of the commits are written all the same */
  setFailing(rate: number): void;
}

export type Tail = Pick<LogFacts, "tailRows" | "tailBytes" | "checkpointBytes">;

const UNAVAILABLE: StoreAnswer = {
  kind: "failed",
  failure: { kind: "unavailable", code: "SQLITE_IOERR", message: "simulated" },
};

export function createDisk(world: World): Disk {
  const chance = world.chance("disk");
  const store = openSqliteStore({ file: ":memory:", exclusive: false });
  const read = new Map<string, { doc: Y.Doc; seq: number }>();
  const heads = new Map<string, number>();
  let failing = 0;

  /** What a process asks for, which may change anything. */
  function ask(request: StoreRequest): StoreAnswer {
    const answered = store.answer(request);
    if (request.kind !== "query" || answered.kind !== "rows" || answered.result.changes !== undefined) heads.clear();
    return answered;
  }

  function rows<T>(sql: string, ...parameters: unknown[]): T[] {
    const found = store.answer({ kind: "query", sql, parameters });
    // A process that never came up has made no tables.
    if (found.kind === "failed" && found.failure.message.startsWith("no such table")) return [];
    if (found.kind !== "rows") throw new Error(`The disk answers ${JSON.stringify(found)}`);
    return found.result.rows as T[];
  }

  function answer(request: StoreRequest): StoreAnswer {
    const fails = chance.is(failing);
    if (fails && (request.kind !== "commit" || chance.is(0.5))) return UNAVAILABLE;
    const answered = ask(request);
    return fails ? UNAVAILABLE : copied(answered);
  }

  function thread(owner: Owner): SqliteThread {
    let busyUntil = 0;
    // A process that opens the file finds nothing of a transaction that another one did not end.
    ask({ kind: "query", sql: "rollback", parameters: [] });
    return {
      generation: () => 0,
      close: async () => undefined,
      ask: (request) =>
        new Promise((resolve) => {
          busyUntil = Math.max(busyUntil, world.now() + chance.delay(0, request.kind === "commit" ? 30 : 8));
          // A commit that a kill meets is durable or not; whoever asked is gone either way.
          world.after(busyUntil - world.now(), () => {
            if (!owner.dead) return resolve(answer(request));
            if (request.kind === "commit" && chance.is(0.5)) ask(request);
          });
        }),
    };
  }

  function headOf(id: string): number {
    const known = heads.get(id);
    if (known !== undefined) return known;
    const head = rows<{ head_seq: number }>(`select head_seq from document where id = ?`, id)[0]?.head_seq ?? 0;
    heads.set(id, head);
    return head;
  }

  function logOf(id: string, after: number): { seq: number; bytes: Uint8Array }[] {
    return rows(`select seq, bytes from doc_update where document_id = ? and seq > ? order by seq`, id, after);
  }

  function checkpointOf(id: string): { through_seq: number; bytes: Uint8Array } | undefined {
    const sql = `select through_seq, bytes from doc_checkpoint where document_id = ? order by through_seq desc limit 1`;
    return rows<{ through_seq: number; bytes: Uint8Array }>(sql, id)[0];
  }

  function document(id: string): Y.Doc {
    const head = headOf(id);
    const known = read.get(id) ?? { doc: new Y.Doc({ guid: id }), seq: 0 };
    if (known.seq === head) return known.doc;
    let { doc, seq } = known;
    let log = logOf(id, seq);
    const checkpoint = checkpointOf(id);
    if (checkpoint && checkpoint.through_seq > seq) {
      doc = new Y.Doc({ guid: id });
      Y.applyUpdate(doc, checkpoint.bytes);
      seq = checkpoint.through_seq;
      log = logOf(id, seq);
    }
    doc.transact(() => {
      for (const { bytes } of log) Y.applyUpdate(doc, bytes);
    });
    read.set(id, { doc, seq: head });
    return doc;
  }

  function tailOf(id: string): Tail {
    const sql = `select count(*) as tailRows, coalesce(sum(length(bytes)), 0) as tailBytes from doc_update where document_id = ?`;
    const [tail] = rows<Pick<Tail, "tailRows" | "tailBytes">>(sql, id);
    return { tailRows: 0, tailBytes: 0, ...tail, checkpointBytes: checkpointOf(id)?.bytes.byteLength ?? 0 };
  }

  return {
    thread,
    rows,
    document,
    headOf,
    tailOf,
    folded(id) {
      const checkpoint = checkpointOf(id);
      const log = logOf(id, checkpoint?.through_seq ?? 0).map(({ bytes }) => bytes);
      const folded = foldLog(checkpoint ? [checkpoint.bytes, ...log] : log);
      if (!folded.ok) throw new Error(`The log is ${folded.failure}`);
      return folded.value;
    },
    setFailing(rate) {
      failing = rate;
    },
  };
}

/** Between threads, what SQLite gives is copied; a Buffer becomes the bytes it is. */
function copied(answer: StoreAnswer): StoreAnswer {
  if (answer.kind !== "rows") return answer;
  const rows = answer.result.rows.map((row) =>
    Object.fromEntries(
      Object.entries(row as object).map(([name, value]) => [
        name,
        value instanceof Uint8Array ? new Uint8Array(value) : (value as unknown),
      ]),
    ),
  );
  return { ...answer, result: { ...answer.result, rows } };
}
