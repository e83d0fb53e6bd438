import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Hono } from "hono";
import * as Y from "yjs";
import { openConversation } from "#shared/documents/conversation.ts";
import type { ConversationDocument } from "#shared/documents/conversation.ts";
import type { ConversationId, MessageId } from "#shared/domain/ids.ts";
import type { RunFacts } from "#shared/domain/run.ts";
import { createUuidV7 } from "#shared/lib/uuid.ts";
import type { TakeSnapshot } from "#shared/protocol/snapshot-bodies.ts";
import type { AppEnv } from "#server/http/app-env.ts";
import { feedRoutes } from "#server/http/feed.ts";
import { snapshotRoutes } from "#server/http/snapshots.ts";
import { openErasure } from "#server/jobs/erasure.ts";
import { createLog } from "#server/observability/log.ts";
import { openRooms } from "#server/rooms/open-rooms.ts";
import { systemClock } from "#server/runs/clock.ts";
import { openSnapshotService } from "#server/snapshots/snapshot-service.ts";
import { openDatabase } from "#server/storage/open-database.ts";
import { principalOf } from "./principals.ts";

export type SnapshotScene = Awaited<ReturnType<typeof openSnapshotScene>>;

export const newId = (): string => createUuidV7(Date.now(), (length) => crypto.getRandomValues(new Uint8Array(length)));

/** The run that wrote an answer, as it is once it has ended. */
export const endedRun = (at: number, runId = newId()): RunFacts => ({
  runId,
  model: "openai/scripted-1",
  resolvedModel: "scripted-1-2026-11-01",
  systemFingerprint: "fp_44709d6fcb",
  parameters: { temperature: 0.7, maxOutputTokens: 1_000 },
  status: "completed",
  finish: "stop",
  frame: 12,
  usage: { inputTokens: 120, outputTokens: 240, source: "provider", costMicroUsd: 312 },
  queuedAt: at,
  startedAt: at + 4,
  firstTokenAt: at + 300,
  endedAt: at + 2_000,
});

/** Writes a question and its answer below a message; answers the answer's id. */
export function addTurn(
  conversation: ConversationDocument,
  parentId: string | undefined,
  { question, answer, at = 1_000 }: { question: string; answer: string; at?: number },
): MessageId {
  const [promptId, answerId] = [newId() as MessageId, newId() as MessageId];
  conversation.addPrompt({ id: promptId, parentId: parentId as MessageId | undefined, text: question, createdAt: at });
  conversation.restoreMessage({
    id: answerId,
    parentId: promptId,
    role: "assistant",
    text: answer,
    reasoning: "",
    createdAt: at + 1,
    run: endedRun(at),
  });
  return answerId;
}

/** Real rooms, store, routes and erasure in this process, without a port. Who calls says a header. */
export async function openSnapshotScene({ arrivalMs = 200 } = {}) {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-snapshots-"));
  const file = join(folder, "holdfast.sqlite");
  const log = createLog("silent", { write: () => undefined });
  const database = await openDatabase({ file });
  const noticed: string[] = [];
  const meters = { noticed: (what: string) => void noticed.push(what) };
  const rooms = openRooms({ database, clock: systemClock, random: Math.random, log, meters: meters as never });
  const erasure = openErasure({ database, rooms, clock: systemClock, log });
  const snapshots = openSnapshotService({ database, rooms, clock: systemClock, random: Math.random, arrivalMs });
  const app = new Hono<AppEnv>()
    .use(async (c, next) => {
      c.set("principal", principalOf(c.req.header("x-account") ?? "ada"));
      await next();
    })
    .route("/api/snapshots", snapshotRoutes({ snapshots, erasure }))
    .route("/api/sync/feed", feedRoutes(database));

  const scene = {
    app,
    database,
    rooms,
    snapshots,
    erasure,
    file,
    /** what rooms told whoever counts */
    noticed,
    async send(method: string, path: string, body?: object, account = "ada"): Promise<Response> {
      const headers = { "x-account": account, ...(body && { "content-type": "application/json" }) };
      return await app.request(path, { method, headers, ...(body && { body: JSON.stringify(body) }) });
    },
    /** Takes a snapshot of a conversation as the server has it. */
    async take(conversationId: string, more: Partial<TakeSnapshot> = {}, account = "ada"): Promise<Response> {
      return await scene.send("POST", "/api/snapshots", { id: newId(), conversationId, ...more }, account);
    },
    /** A conversation as a device writes it and the server has it. */
    async conversation(write: (conversation: ConversationDocument) => void, account = "ada") {
      const id = newId() as ConversationId;
      const doc = new Y.Doc();
      write(openConversation(doc, "local"));
      await scene.push(id, doc, account);
      return { id, doc };
    },
    async push(id: ConversationId, doc: Y.Doc, account = "ada"): Promise<void> {
      const update = Y.encodeStateAsUpdate(doc);
      const pushed = await rooms.push(principalOf(account), { id, epoch: 0, update });
      if (pushed.type !== "acknowledged") throw new Error(`the edit was not taken: ${JSON.stringify(pushed)}`);
    },
    async close(): Promise<void> {
      await erasure.close();
      await rooms.close();
      await database.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return scene;
}
