import { once } from "node:events";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import WebSocket from "ws";
import * as Y from "yjs";
import type { ConversationId, MessageId } from "#shared/domain/ids.ts";
import { BULK_TYPE, encodePush } from "#shared/protocol/bulk-sync.ts";
import { CloseCode } from "#shared/protocol/close-codes.ts";
import { SYNC_SUBPROTOCOL, encodeFrame } from "#shared/protocol/sync-frames.ts";
import { conversationRoom, problemOf, newId, openAttackedServer, send } from "#tests/support/attacked-server.ts";
import type { Answer, AttackedServer } from "#tests/support/attacked-server.ts";
import { signInGuest } from "#tests/support/guest.ts";
import type { Guest } from "#tests/support/guest.ts";
import { openNodeDevice } from "#tests/support/node-device.ts";
import type { NodeDevice } from "#tests/support/node-device.ts";

const SECRET = "CANARY-OF-THE-VICTIM";
let target: AttackedServer;
let victim: Guest;
let stranger: Guest;
let device: NodeDevice;
let before: Record<string, number>;
const conversationId = newId();
const promptId = newId();
const answerId = newId();
const runId = newId();
const room = conversationRoom(conversationId);
const body = {
  conversationId,
  parentMessageId: promptId,
  messageId: answerId,
  model: "openai/scripted-1",
  parameters: {},
};

beforeAll(async () => {
  target = await openAttackedServer();
  victim = await signInGuest(target.url);
  stranger = await signInGuest(target.url);
  await stranger.fetch("/api/me");
  device = openNodeDevice(target.url, victim.cookie, room);
  const token = device.edit((conversation) => {
    conversation.rename(SECRET);
    conversation.addPrompt({ id: promptId as MessageId, parentId: undefined, text: SECRET, createdAt: 1 });
  });
  await device.until(() => device.settled() >= token);
  const run = await victim.fetch(`/api/runs/${runId}`, {
    method: "PUT",
    headers: { "content-type": "application/json", accept: "text/event-stream" },
    body: JSON.stringify(body),
  });
  if (run.status !== 201) throw new Error(`the run did not start: ${await run.text()}`);
  await run.text();
  await device.until(() => device.conversation.message(answerId)?.text === "An answer.");
});
beforeEach(() => {
  before = foreignRows();
});
afterEach(async () => {
  await target.expectUnharmed();
  const words = [device.conversation.summary().title, ...device.refused()];
  if (words.join() !== SECRET) throw new Error(`the victim's conversation says ${words.join()}`);
});
afterAll(async () => {
  device?.close();
  await target?.close();
});

/** What is stored of the victim and of strangers, the control guest and sessions left out. */
function foreignRows(): Record<string, number> {
  const { document = 0, feed = 0, run = 0, run_frame: frames = 0, usage = 0 } = target.rows();
  const updates = target.database
    .prepare("select count(*) from doc_update where document_id = ?")
    .pluck()
    .get(conversationId) as number;
  return { document, feed, run, frames, usage, updates };
}

const as = (guest: Guest | undefined, path: string, method = "GET", json?: object): Promise<Answer> =>
  send(target.port, {
    method,
    path,
    headers: {
      origin: target.url,
      ...(guest && { cookie: guest.cookie }),
      ...(json && { "content-type": "application/json" }),
    },
    ...(json && { body: JSON.stringify(json) }),
  });

/** Every route that names something of the victim. */
const ROUTES: readonly [string, (who: Guest | undefined, run?: string) => Promise<Answer>][] = [
  ["GET of a run", (who, run = runId) => as(who, `/api/runs/${run}`)],
  ["its long-poll", (who, run = runId) => as(who, `/api/runs/${run}/events?after=0&wait=1`)],
  ["its events", (who, run = runId) => as(who, `/api/runs/${run}/events`)],
  ["its events from a cursor", (who, run = runId) => as(who, `/api/runs/${run}/events?after=999`)],
];

test.each(ROUTES)("P8: %s is 404 for a stranger, and the same bytes as for what never was", async (_, ask) => {
  const foreign = await ask(stranger);
  const unknown = await ask(stranger, newId());
  expect(problemOf(foreign)).toBe("not_found");
  expect(foreign.body).toBe(unknown.body);
  const { date: _date, ...headers } = foreign.headers;
  const { date: __, ...others } = unknown.headers;
  expect(headers).toEqual(others);
  expect(problemOf(await ask(undefined))).toBe("unauthenticated");
  expect(foreignRows()).toEqual(before);
});

test("P8: stopping and starting the victim's run is 404, and the run is as it was", async () => {
  const was = await (await victim.fetch(`/api/runs/${runId}`)).json();
  expect(problemOf(await as(stranger, `/api/runs/${runId}/stop`, "POST"))).toBe("not_found");
  expect(problemOf(await as(stranger, `/api/runs/${runId}`, "PUT", body))).toBe("not_found");
  expect(problemOf(await as(stranger, `/api/runs/${runId}`, "PUT", { ...body, messageId: newId() }))).toBe("not_found");
  expect(problemOf(await as(undefined, `/api/runs/${runId}/stop`, "POST"))).toBe("unauthenticated");
  expect(problemOf(await as(undefined, `/api/runs/${runId}`, "PUT", body))).toBe("unauthenticated");
  expect(await (await victim.fetch(`/api/runs/${runId}`)).json()).toEqual(was);
  expect(foreignRows()).toEqual(before);
});

test("P8: erasing the victim's conversation is 404 for a stranger, the same bytes as for what never was", async () => {
  const foreign = await as(stranger, `/api/conversations/${conversationId}`, "DELETE");
  const unknown = await as(stranger, `/api/conversations/${newId()}`, "DELETE");
  expect(problemOf(foreign)).toBe("not_found");
  expect(foreign.body).toBe(unknown.body);
  expect(problemOf(await as(undefined, `/api/conversations/${conversationId}`, "DELETE"))).toBe("unauthenticated");
  expect(foreignRows()).toEqual(before);
});

const fresh = (): object => ({ ...body, messageId: newId() });

test("P8: a run in the victim's conversation is refused as one in a conversation that never was", async () => {
  const [foreign, unknown] = await Promise.all([
    as(stranger, `/api/runs/${newId()}`, "PUT", fresh()),
    as(stranger, `/api/runs/${newId()}`, "PUT", { ...fresh(), conversationId: newId() }),
  ]);
  expect(foreign.status).toBe(unknown.status);
  expect(foreign.body).toBe(unknown.body);
  expect(foreign.status).toBe(404);
  expect(target.provider.requests).toHaveLength(1);
  expect(foreignRows()).toEqual(before);
});

test("P8: neither feed, nor account, nor models of a stranger name anything of the victim", async () => {
  for (const path of ["/api/sync/feed", "/api/sync/feed?cursor=0&limit=1000", "/api/me", "/api/models"]) {
    const answer = await as(stranger, path);
    expect(answer.status).toBe(200);
    for (const word of [SECRET, conversationId, runId, promptId]) expect(answer.body).not.toContain(word);
    expect(problemOf(await as(undefined, path))).toBe("unauthenticated");
  }
  expect(JSON.parse((await as(stranger, "/api/sync/feed")).body)).toMatchObject({ entries: [] });
});

interface Ended {
  code: number;
  frames: Buffer[];
  ms: number;
}

/** Joins a room as somebody, says everything a client can say at once, and waits for the close. */
async function knock(guest: Guest, name: string, ...frames: Uint8Array[]): Promise<Ended> {
  const at = performance.now();
  const socket = new WebSocket(`${target.url.replace("http", "ws")}/sync/${name}`, [SYNC_SUBPROTOCOL], {
    headers: { cookie: guest.cookie, origin: target.url },
  });
  const heard: Buffer[] = [];
  socket.on("message", (data: Buffer) => heard.push(data));
  socket.on("open", () => frames.forEach((frame) => socket.send(frame)));
  socket.on("error", () => undefined);
  const [code] = (await once(socket, "close")) as [number];
  return { code, frames: heard, ms: performance.now() - at };
}

const edit = (text: string): Uint8Array => {
  const doc = new Y.Doc();
  doc.getText("draft").insert(0, text);
  return encodeFrame({ type: "update", update: Y.encodeStateAsUpdate(doc) });
};

test("P8, R15: the victim's room is 4404 for a stranger, with no frame at all, and takes nothing", async () => {
  const step1 = encodeFrame({ type: "step1", stateVector: new Uint8Array([0]) });
  const presence = encodeFrame({ type: "query-awareness" });
  for (const frames of [[], [step1], [presence], [edit("mine now")], [step1, presence, edit("mine now")]]) {
    const { code, frames: heard } = await knock(stranger, room, ...frames);
    expect(code).toBe(CloseCode.gone);
    expect(heard).toEqual([]);
  }
  for (const epoch of [1, 2, 999]) {
    const foreign = await knock(stranger, `conversation.${conversationId}.${epoch}`);
    const unknown = await knock(stranger, `conversation.${newId()}.${epoch}`);
    expect([foreign.code, foreign.frames]).toEqual([unknown.code, unknown.frames]);
    expect(foreign.code).toBe(CloseCode.gone);
  }
  expect(foreignRows()).toEqual(before);
  expect(device.conversation.draft.toJSON()).toBe("");
});

const timeOf = async (ask: () => Promise<unknown>): Promise<number> => {
  const at = performance.now();
  await ask();
  return performance.now() - at;
};
const median = (times: number[]): number => times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;

test("P8: what exists takes as long to refuse as what does not", async () => {
  for (const [, ask] of ROUTES) {
    const existing: number[] = [];
    const unknown: number[] = [];
    for (let i = 0; i < 25; i++) {
      existing.push(await timeOf(() => ask(stranger)));
      unknown.push(await timeOf(() => ask(stranger, newId())));
    }
    expect(Math.abs(median(existing) - median(unknown))).toBeLessThan(20);
  }
});

test("row 6: signing out ends the session for HTTP and closes its sockets 4401 at once, and only its own", async () => {
  const leaver = await signInGuest(target.url);
  const stays = await signInGuest(target.url);
  const open = async (guest: Guest): Promise<WebSocket> => {
    const socket = new WebSocket(`${target.url.replace("http", "ws")}/sync/${conversationRoom(newId())}`, {
      headers: { cookie: guest.cookie, origin: target.url },
    });
    await once(socket, "open");
    return socket;
  };
  const sockets = await Promise.all([open(leaver), open(leaver), open(leaver)]);
  const other = await open(stays);
  const closes = sockets.map((socket) => once(socket, "close"));
  const at = performance.now();
  expect((await leaver.fetch("/api/auth/sign-out", { method: "POST" })).status).toBe(204);
  for (const close of closes) expect((await close)[0]).toBe(CloseCode.unauthenticated);
  expect(performance.now() - at).toBeLessThan(2_000);
  expect(other.readyState).toBe(other.OPEN);
  other.terminate();
  for (const path of ["/api/me", "/api/sync/feed", `/api/runs/${newId()}`])
    expect(problemOf(await as(leaver, path))).toBe("unauthenticated");
  const knocking = new WebSocket(`${target.url.replace("http", "ws")}/sync/${conversationRoom(newId())}`, {
    headers: { cookie: leaver.cookie, origin: target.url },
  });
  knocking.on("error", () => undefined);
  const [, response] = (await once(knocking, "unexpected-response")) as [
    unknown,
    { statusCode: number; destroy(): void },
  ];
  response.destroy();
  expect(response.statusCode).toBe(401);
});

test("R18: of two guests who write one unknown document at once one owns it, and nothing of the other is stored", async () => {
  const guests = [victim, stranger] as const;
  for (let round = 0; round < 20; round++) {
    const id = newId();
    const outcome = await Promise.all(
      guests.map(async (guest, index) => {
        const claimant = openNodeDevice(target.url, guest.cookie, conversationRoom(id));
        const token = claimant.edit((conversation) => conversation.draft.insert(0, `of-${index}`));
        await claimant.until(() => claimant.settled() >= token || claimant.refused().length > 0);
        const refused = [...claimant.refused()];
        claimant.close();
        return refused;
      }),
    );
    const winner = outcome.findIndex((refused) => refused.length === 0);
    expect(outcome[winner]).toEqual([]);
    expect(outcome[1 - winner]).toEqual([`closed ${CloseCode.gone}`]);
    const rows = target.database.prepare("select bytes, actor_id from doc_update where document_id = ?").all(id) as {
      bytes: Buffer;
      actor_id: string;
    }[];
    expect(rows).toHaveLength(1);
    expect(rows[0]!.bytes.toString("latin1")).toContain(`of-${winner}`);
    expect(rows[0]!.bytes.toString("latin1")).not.toContain(`of-${1 - winner}`);
    const owners = target.database.prepare("select count(*) from feed where document_id = ?").pluck().get(id);
    expect(owners).toBe(1);
    const actors = target.database
      .prepare("select distinct actor_id from doc_client where document_id = ?")
      .pluck()
      .all(id);
    expect(actors).toEqual([rows[0]!.actor_id]);
  }
});

test("P8: a page that is open for one account gets nothing by another one's cookie: 401, and nothing is claimed", async () => {
  const { accountId } = (await (await victim.fetch("/api/me")).json()) as { accountId: string };
  const asVictim = { "x-holdfast-account": accountId };
  for (const path of ["/api/sync/feed", "/api/me", "/api/models"]) {
    expect((await stranger.fetch(path, { headers: asVictim })).status).toBe(401);
    expect((await victim.fetch(path, { headers: asVictim })).status).toBe(200);
  }
  const doc = new Y.Doc();
  doc.getText("draft").insert(0, "the victim's words");
  const unknown = newId() as ConversationId;
  const pushed = await stranger.fetch("/api/sync/push", {
    method: "POST",
    headers: { ...asVictim, "content-type": BULK_TYPE },
    body: encodePush([{ id: unknown, epoch: 0, update: Y.encodeStateAsUpdate(doc) }]).slice(),
  });
  expect(pushed.status).toBe(401);
  const socket = new WebSocket(
    `${target.url.replace("http", "ws")}/sync/${conversationRoom(unknown)}?account=${accountId}`,
    [SYNC_SUBPROTOCOL],
    { headers: { cookie: stranger.cookie, origin: target.url } },
  );
  const [error] = (await once(socket, "error")) as [Error];
  expect(error.message).toContain("401");
  const own = new WebSocket(
    `${target.url.replace("http", "ws")}/sync/${room}?account=${accountId}`,
    [SYNC_SUBPROTOCOL],
    { headers: { cookie: victim.cookie, origin: target.url } },
  );
  await once(own, "open");
  own.close();
  const entries = (await (await victim.fetch("/api/sync/feed")).json()) as { entries: { id: string }[] };
  expect(entries.entries.map(({ id }) => id)).not.toContain(unknown);
});
