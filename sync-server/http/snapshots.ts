import { Hono } from "hono";
import type { Context } from "hono";
import { parseSnapshotId } from "#shared/domain/ids.ts";
import type { SnapshotId } from "#shared/domain/ids.ts";
import {
  FREEZE_BODY_BYTES,
  FREEZE_BODY_PARTS,
  changeSnapshotSchema,
  deleteSnapshotQuerySchema,
  duplicateSnapshotSchema,
  frozenMessageSchema,
  snapshotsQuerySchema,
  takeSnapshotFrameSchema,
  wantedMessagesSchema,
} from "#shared/protocol/snapshot-bodies.ts";
import type { SnapshotPlace } from "#server/access/snapshot-tenant.ts";
import type { Erasure } from "#server/jobs/erasure.ts";
import { createTurnstile } from "#server/lib/turnstile.ts";
import { inSlices } from "#server/lib/in-slices.ts";
import { createQueues } from "#server/snapshots/queues.ts";
import type { SeriesTexts, SnapshotTexts } from "#server/snapshots/read-snapshots.ts";
import type { SnapshotService } from "#server/snapshots/snapshot-service.ts";
import type { TakeFailure } from "#server/snapshots/take-snapshot.ts";
import type { AppEnv } from "./app-env.ts";
import { BODY_LIMIT_BYTES, parseJsonText, parsingEach, readBody, readJsonText, readQuery } from "./body.ts";
import { countingParts } from "./json-parts.ts";
import { bodyOf } from "./long-json.ts";
import { problem } from "./problem.ts";

type Ctx = Context<AppEnv>;

export interface SnapshotRouteParts {
  snapshots: SnapshotService;
  erasure: Pick<Erasure, "erase">;
}

/**
 * How many long bodies are frozen at once: each is in memory several times meanwhile. Of each account one is read at a
 * time.
 */
const LONG_AT_ONCE = 2;
const USUAL_LIMIT = 50;
const MOST = 200;

/** Take, list, read, label, delete and duplicate snapshots. Mounted at `/api/snapshots`. Rights are checked by the service. */
export function snapshotRoutes({ snapshots, erasure }: SnapshotRouteParts): Hono<AppEnv> {
  const reading = createQueues();
  const freezing = createTurnstile(LONG_AT_ONCE);

  async function take(c: Ctx): Promise<Response> {
    const length = Number(c.req.header("content-length") ?? FREEZE_BODY_BYTES);
    const isLong = length > BODY_LIMIT_BYTES && length <= FREEZE_BODY_BYTES;
    // Whoever sends slowly holds up nobody else.
    return isLong ? await reading.pass(c.var.principal.accountId, () => readAndFreeze(c)) : await readAndFreeze(c);
  }

  async function readAndFreeze(c: Ctx): Promise<Response> {
    const text = await readJsonText(c.req.raw, FREEZE_BODY_BYTES);
    if (!text.ok) return text.failure;
    const isLong = text.value.byteLength > BODY_LIMIT_BYTES;
    return isLong ? await freezing.pass(() => freeze(c, text.value)) : await freeze(c, text.value);
  }

  async function freeze(c: Ctx, text: Uint8Array): Promise<Response> {
    if (!(await inSlices(countingParts(text, FREEZE_BODY_PARTS)))) return problem("body_too_large");
    const body = parseJsonText(text, takeSnapshotFrameSchema);
    if (!body.ok) return body.failure;
    const { messages: sent, ...frame } = body.value;
    const messages = sent && (await inSlices(parsingEach(frozenMessageSchema, sent, "messages")));
    if (messages?.ok === false) return messages.failure;
    const taken = await snapshots.take(c.var.principal, { ...frame, ...(messages && { messages: messages.value }) });
    return taken.ok ? json(snapshotTexts(taken.value), taken.value.created ? 201 : 200) : refusal(taken.failure);
  }

  async function list(c: Ctx): Promise<Response> {
    const query = readQuery(c.req.url, snapshotsQuerySchema);
    if (!query.ok) return query.failure;
    const { cursor, limit, from, until, deleted, ...filters } = query.value;
    const after = cursor === undefined ? undefined : placeOf(cursor);
    if (cursor !== undefined && after === undefined) return problem("invalid_query", { detail: "cursor" });
    const times = { from: from && Date.parse(from), until: until && Date.parse(until) };
    const { summaries, next } = await snapshots.list(
      c.var.principal,
      { ...filters, from: times.from || undefined, until: times.until || undefined, deleted: deleted === "true" },
      after,
      Math.min(Number(limit ?? USUAL_LIMIT), MOST),
    );
    const rest = next ? `,"cursor":${JSON.stringify(cursorOf(next))}` : "";
    return json(`{"snapshots":[${summaries.join(",")}]${rest}}`);
  }

  async function series(c: Ctx): Promise<Response> {
    const body = await readBody(c.req.raw, wantedMessagesSchema);
    if (!body.ok) return body.failure;
    const found = await snapshots.series(c.var.principal, body.value.wanted);
    return json(['{"series":[', ...found.flatMap(seriesTexts), "]}"]);
  }

  async function change(c: Ctx, id: SnapshotId): Promise<Response> {
    const body = await readBody(c.req.raw, changeSnapshotSchema);
    if (!body.ok) return body.failure;
    const changed = await snapshots.change(c.var.principal, id, body.value);
    if (!changed.ok) return problem(changed.failure);
    if (changed.value.restored) c.set("outcome", { done: "snapshot.restore" });
    return json(snapshotTexts(changed.value));
  }

  async function remove(c: Ctx, id: SnapshotId): Promise<Response> {
    const query = readQuery(c.req.url, deleteSnapshotQuerySchema);
    if (!query.ok) return query.failure;
    const { erase } = query.value;
    const removed = erase
      ? await erasure.erase(c.var.principal, id, "snapshot")
      : await snapshots.remove(c.var.principal, id);
    // A device that was not answered asks again, and another one may have restored it: neither is a deed.
    if (removed.ok && removed.value) c.set("outcome", { done: erase ? "snapshot.erase" : "snapshot.delete" });
    if (!removed.ok && removed.failure === "not_deleted") c.set("outcome", { nothing: true });
    return removed.ok ? c.body(null, 204, NO_STORE) : problem(removed.failure);
  }

  async function duplicate(c: Ctx, id: SnapshotId): Promise<Response> {
    const body = await readBody(c.req.raw, duplicateSnapshotSchema);
    if (!body.ok) return body.failure;
    const made = await snapshots.duplicate(c.var.principal, id, body.value);
    if (!made.ok) return problem(made.failure);
    return c.json({ conversationId: body.value.conversationId }, made.value.created ? 201 : 200, NO_STORE);
  }

  async function read(c: Ctx, id: SnapshotId): Promise<Response> {
    const found = await snapshots.read(c.var.principal, id);
    return found.ok ? json(snapshotTexts(found.value)) : problem(found.failure);
  }

  return new Hono<AppEnv>()
    .post("/", (c) => take(c))
    .get("/", (c) => list(c))
    .post("/messages", (c) => series(c))
    .get("/:id", withId(read))
    .patch("/:id", withId(change))
    .delete("/:id", withId(remove))
    .post("/:id/duplicate", withId(duplicate));
}

/** What is no id at all is not found either. */
const withId = (handle: (c: Ctx, id: SnapshotId) => Promise<Response>) => (c: Ctx) => {
  const id = parseSnapshotId(c.req.param("id") ?? "");
  return id === undefined ? problem("not_found") : handle(c, id);
};

const NO_STORE = { "cache-control": "no-store" };
const json = (text: string | readonly string[], status = 200): Response =>
  new Response(typeof text === "string" ? text : bodyOf(text), {
    status,
    headers: { "content-type": "application/json", ...NO_STORE },
  });

/** What was frozen goes out as the bytes that its hashes are of. */
const snapshotTexts = ({ summary, headSeq, manifest, messages }: SnapshotTexts): string[] => [
  `${summary.slice(0, -1)},"headSeq":${headSeq},"manifest":${manifest},"messages":[`,
  ...messages.map((message, at) => (at === 0 ? message : `,${message}`)),
  "]}",
];

const seriesTexts = ({ conversationId, messages, after, more }: SeriesTexts, place: number): string[] => [
  `${place === 0 ? "" : ","}{"conversationId":"${conversationId}","messages":[`,
  ...messages.map(({ hash, body }, at) => `${at === 0 ? "" : ","}{"hash":"${hash}","message":${body}}`),
  `],"after":${after},"more":${more}}`,
];

const cursorOf = ({ createdAt, id }: SnapshotPlace): string => Buffer.from(`${createdAt}.${id}`).toString("base64url");

function placeOf(cursor: string): SnapshotPlace | undefined {
  const [, createdAt, id] = /^(\d{1,15})\.([0-9a-f-]{36})$/u.exec(Buffer.from(cursor, "base64url").toString()) ?? [];
  return createdAt === undefined || id === undefined ? undefined : { createdAt: Number(createdAt), id };
}

function refusal(failure: TakeFailure): Response {
  if (failure.code !== "content_differs") return problem(failure.code);
  return problem("content_differs", failure.index === undefined ? {} : { index: failure.index });
}
