import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { sql } from "kysely";
import { expect, test } from "vitest";
import type { RunId } from "#shared/domain/ids.ts";
import { openTenant } from "#server/access/tenant.ts";
import { compactionStatements } from "#server/rooms/log-statements.ts";
import { readLog } from "#server/rooms/room-log.ts";
import { createFrame } from "#server/runs/frame.ts";
import {
  insertFrames,
  insertRun,
  insertUsage,
  readFrames,
  readRun,
  readUsage,
  updateRun,
} from "#server/runs/run-store.ts";
import { createRunRow } from "#server/runs/run-rows.ts";
import { CommitError } from "#server/storage/database.ts";
import type { CommitStatement, Database } from "#server/storage/database.ts";
import { openDatabase } from "#server/storage/open-database.ts";
import { allTables } from "#tests/support/all-tables.ts";
import { seedOfThisRun } from "#tests/support/seeded-random.ts";
import { batchOf, bytesOf, keyOf, statementsOf } from "#tests/support/store-scenario.ts";

const SEED = seedOfThisRun();
const RUNS = Number(process.env["SEEDS"] ?? 0) > 200 ? 400 : 12;

/** What the store shall hold, in plain words. */
interface Model {
  documents: Map<number, { epoch: number; head: number; checkpoint: number; folded: Uint8Array | undefined }>;
  /** documents in the order in which they changed last, with the number of that change */
  feed: Map<number, number>;
  counter: number;
  runs: Map<number, { lease: number; seq: number; charges: Set<number> }>;
}
interface Real {
  file: string;
  database: Database;
}
type Command = fc.AsyncCommand<Model, Real>;

const ACCOUNT = {
  ...keyOf(0),
  kind: "guest",
  role: "owner",
  credential: { type: "session", sessionId: "session" },
} as const;
const runId = (run: number): RunId => `run-${run}` as RunId;

/** How a commit ended. */
const ending = (commit: Promise<void>): Promise<"stored" | "conflict"> =>
  commit.then(
    () => "stored",
    (error: unknown) => {
      if (error instanceof CommitError && error.failure === "conflict") return "conflict";
      throw error;
    },
  );

/** Some rooms write at once, one batch each; a batch built on another head or epoch than there is must change nothing. */
const writeTogether = (writes: { document: number; rows: number; stale: number; shown: boolean }[]): Command => ({
  check: () => true,
  toString: () => `write ${JSON.stringify(writes)}`,
  async run(model, { database }) {
    const made = writes.map(({ document, rows, stale, shown }) => prepared(model, document, rows, stale, shown));
    const outcomes = await Promise.all(made.map(({ statements }) => ending(database.commit(statements))));
    for (const [index, { document, batch, legal }] of made.entries()) {
      const before = made
        .slice(0, index)
        .filter((other, at) => other.document === document && outcomes[at] === "stored");
      const raced = before.some((other) => other.batch.claim || other.batch.rows.length > 0);
      expect(outcomes[index]).toBe(legal && !raced ? "stored" : "conflict");
      if (outcomes[index] === "stored") remember(model, document, batch);
    }
  },
});

/** A batch on what the model knows, or one that is stale in some way (see `aWrite`). */
function prepared(model: Model, document: number, rows: number, stale: number, shown: boolean) {
  const known = model.documents.get(document);
  const { epoch, head } = known ?? { epoch: 0, head: 0 };
  const how = known ? stale : 0;
  const batch = batchOf(document, how === 1 ? head + 1 : head, rows, {
    epoch: how === 2 ? epoch + 1 : epoch,
    claim: known === undefined || how === 3,
    clients: [],
    ...(!shown && { summary: undefined }),
  });
  return { document, batch, statements: statementsOf(document, batch), legal: how === 0 };
}

function remember(model: Model, document: number, batch: ReturnType<typeof batchOf>): void {
  const before = model.documents.get(document);
  const { epoch, headSeq: head } = batch;
  model.documents.set(document, { epoch, head, checkpoint: before?.checkpoint ?? 0, folded: before?.folded });
  if (batch.summary === undefined) return;
  model.counter = Math.max(model.counter + 1, batch.at);
  model.feed.delete(document);
  model.feed.set(document, model.counter);
}

/** A fold of everything up to the head; one built on another checkpoint than there is must change nothing. */
const compact = (document: number, stale: boolean): Command => ({
  check: (model) => (model.documents.get(document)?.head ?? 0) > (model.documents.get(document)?.checkpoint ?? 0),
  toString: () => `compact ${document}${stale ? ", stale" : ""}`,
  async run(model, { database }) {
    const known = model.documents.get(document);
    if (known === undefined) return;
    const bytes = new Uint8Array([document, known.head]);
    const expectedCheckpoint = stale ? known.checkpoint + 1 : known.checkpoint;
    const fold = { epoch: known.epoch, expectedCheckpoint, through: known.head, bytes, at: 1 };
    const ended = await ending(database.commit(compactionStatements(database, keyOf(document), fold)));
    expect(ended).toBe(stale ? "conflict" : "stored");
    if (!stale) model.documents.set(document, { ...known, checkpoint: known.head, folded: bytes });
  },
});

/** A new history of the document: nothing of the old epoch is part of it. */
const raiseEpoch = (document: number): Command => ({
  check: (model) => model.documents.has(document),
  toString: () => `raise the epoch of ${document}`,
  async run(model, { database }) {
    const epoch = (model.documents.get(document)?.epoch ?? 0) + 1;
    const raise = sql`update document set epoch = ${epoch}, head_seq = 0, checkpoint_seq = 0 where id = ${keyOf(document).id}`;
    await database.commit([{ query: raise.compile(allTables(database)), changes: 1 }]);
    model.documents.set(document, { epoch, head: 0, checkpoint: 0, folded: undefined });
  },
});

const startRun = (run: number): Command => ({
  check: () => true,
  toString: () => `start run ${run}`,
  async run(model, { database }) {
    const request = { conversationId: "c", parentMessageId: "p", messageId: `m${run}`, model: "m", parameters: {} };
    const row = createRunRow(ACCOUNT, runId(run), request, 1, 1_000);
    expect(await ending(database.commit([insertRun(database, row)]))).toBe(model.runs.has(run) ? "conflict" : "stored");
    if (!model.runs.has(run)) model.runs.set(run, { lease: 1, seq: 0, charges: new Set() });
  },
});

/** A writer appends; one whose lease was taken over, or who lost count, must append nothing. */
const appendFrames = (run: number, count: number, stale: "no" | "lease" | "seq"): Command => ({
  check: (model) => model.runs.has(run),
  toString: () => `append ${count} frames to ${run}, stale: ${stale}`,
  async run(model, { database }) {
    const known = model.runs.get(run);
    if (known === undefined) return;
    const frames = Array.from({ length: count }, (_, i) =>
      createFrame(known.seq + i + 1, { type: "d", c: "t", o: known.seq + i, t: `${run}.${known.seq + i + 1}` }),
    );
    const where = {
      id: runId(run),
      epoch: known.lease - Number(stale === "lease"),
      seq: known.seq + Number(stale === "seq"),
    };
    const commit: CommitStatement[] = [
      updateRun(database, where, { seq: known.seq + count }),
      ...insertFrames(database, runId(run), frames),
    ];
    expect(await ending(database.commit(commit))).toBe(stale === "no" ? "stored" : "conflict");
    if (stale === "no") known.seq += count;
  },
});

const takeOver = (run: number): Command => ({
  check: (model) => model.runs.has(run),
  toString: () => `take over run ${run}`,
  async run(model, { database }) {
    const known = model.runs.get(run);
    if (known === undefined) return;
    const where = { id: runId(run), epoch: known.lease };
    await database.commit([updateRun(database, where, { lease_epoch: known.lease + 1 })]);
    known.lease += 1;
  },
});

/** Booking an attempt again changes nothing. */
const book = (run: number, attempt: number): Command => ({
  check: (model) => model.runs.has(run),
  toString: () => `book attempt ${attempt} of ${run}`,
  async run(model, { database }) {
    const charges = model.runs.get(run)?.charges ?? new Set();
    const row = {
      run_id: runId(run),
      attempt,
      account_id: "account",
      workspace_id: "workspace",
      provider: "p",
      model: "m",
    };
    const tokens = { input_tokens: charges.size, output_tokens: null, cached_tokens: null, reasoning_tokens: null };
    const rest = { source: "estimated" as const, cost_micro_usd: null, outcome: "completed", created_at: 1 };
    await database.commit([insertUsage(database, { ...row, ...tokens, ...rest })]);
    charges.add(attempt);
  },
});

const reopen: Command = {
  check: () => true,
  toString: () => "reopen",
  async run(_, real) {
    await real.database.close();
    real.database = await openDatabase({ file: real.file });
  },
};

const compare: Command = {
  check: () => true,
  toString: () => "compare",
  run: (model, { database }) => expectEqual(model, database),
};

/** Everything the product reads back is what the model says. */
async function expectEqual(model: Model, database: Database): Promise<void> {
  for (const [document, { epoch, head, checkpoint, folded }] of model.documents) {
    const log = await readLog(database, keyOf(document));
    if (!log.ok) throw new Error(`document ${document} is ${log.failure}`);
    expect(log.value).toMatchObject({ exists: true, epoch, headSeq: head, checkpointSeq: checkpoint });
    expect(log.value.checkpoint).toEqual(folded);
    expect(log.value.tail).toEqual(
      Array.from({ length: head - checkpoint }, (_, i) => bytesOf(document, checkpoint + i + 1)),
    );
  }
  const feed = await openTenant(database, ACCOUNT).feedAfter(0, 100);
  expect(feed.map(({ id, feedSeq }) => [id, feedSeq])).toEqual(
    [...model.feed].map(([document, seq]) => [keyOf(document).id, seq]),
  );
  for (const [run, { lease, seq, charges }] of model.runs) {
    expect(await readRun(database, runId(run))).toMatchObject({ leaseEpoch: lease, seq });
    const texts = (await readFrames(database, runId(run))).map(({ event }) => (event.type === "d" ? event.t : ""));
    expect(texts).toEqual(Array.from({ length: seq }, (_, i) => `${run}.${i + 1}`));
    const booked = await readUsage(database, runId(run));
    expect(new Map(booked.map((row) => [row.attempt, row.input_tokens]))).toEqual(
      new Map([...charges].map((attempt, index) => [attempt, index])),
    );
  }
}

const document = fc.nat(3);
const run = fc.nat(2);
const aWrite = fc.record({
  document,
  rows: fc.nat(4),
  /** 0: built on what is there; 1: on another head; 2: on another epoch; 3: without knowing of the claim */
  stale: fc.constantFrom(0, 0, 0, 0, 1, 2, 3),
  shown: fc.boolean(),
});
const commands = [
  fc.array(aWrite, { minLength: 1, maxLength: 5 }).map(writeTogether),
  fc.tuple(document, fc.boolean()).map(([which, stale]) => compact(which, stale)),
  document.map(raiseEpoch),
  run.map(startRun),
  fc
    .tuple(
      run,
      fc.integer({ min: 1, max: 5 }),
      fc.constantFrom("no" as const, "no" as const, "lease" as const, "seq" as const),
    )
    .map((made) => appendFrames(...made)),
  run.map(takeOver),
  fc.tuple(run, fc.integer({ min: 1, max: 3 })).map((made) => book(...made)),
  fc.constant(reopen),
  fc.constant(compare),
];

test(
  `O1, O6: the store holds what a naive model holds after any ${RUNS} histories of rooms and runs (seed ${SEED})`,
  { timeout: 60_000 + RUNS * 1_000 },
  async () => {
    const checked = await fc.check(
      fc.asyncProperty(fc.commands(commands, { maxCommands: 40 }), async (history) => {
        const folder = mkdtempSync(join(tmpdir(), "holdfast-model-"));
        const file = join(folder, "holdfast.sqlite");
        const real: Real = { file, database: await openDatabase({ file }) };
        const model: Model = { documents: new Map(), feed: new Map(), counter: 0, runs: new Map() };
        try {
          await fc.asyncModelRun(() => ({ model, real }), history);
          await expectEqual(model, real.database);
        } finally {
          await real.database.close();
          rmSync(folder, { recursive: true, force: true });
        }
      }),
      { numRuns: RUNS, seed: SEED },
    );
    expect(fc.defaultReportMessage(checked)).toBeUndefined();
  },
);
