import { afterAll, beforeAll, expect, test } from "vitest";
import WebSocket from "ws";
import { WebsocketProvider } from "y-websocket";
import { Awareness, encodeAwarenessUpdate } from "y-protocols/awareness";
import * as Y from "yjs";
import { openSnapshot } from "#shared/documents/snapshot.ts";
import type { AuditEntry } from "#shared/domain/audit.ts";
import { contentIdOf } from "#shared/domain/frozen-content.ts";
import type { Manifest } from "#shared/domain/frozen-content.ts";
import type { SnapshotId } from "#shared/domain/ids.ts";
import { BULK_TYPE, encodePull, parsePulled } from "#shared/protocol/bulk-sync.ts";
import { encodeFrame, parseFrame } from "#shared/protocol/sync-frames.ts";
import { createTeam, joinTeam, signUp } from "#tests/support/account.ts";
import type { Account } from "#tests/support/account.ts";
import { newId, openAttackedServer } from "#tests/support/attacked-server.ts";
import type { AttackedServer } from "#tests/support/attacked-server.ts";
import { knock } from "#tests/support/knock.ts";
import { newSnapshot } from "#tests/support/policy-cast.ts";
import { inWorkspace, pushEdit, writeChat } from "#tests/support/written-chat.ts";

// A snapshot's room is open to who may read it, and takes nothing from anybody.

const FLOOD = 200;

let target: AttackedServer;
let owner: Account;
let member: Account;
let stranger: Account;
let team: string;

beforeAll(async () => {
  target = await openAttackedServer();
  [owner, member, stranger] = [await signUp(target.url), await signUp(target.url), await signUp(target.url)];
  team = await createTeam(owner);
  await joinTeam(owner, team, member, "member");
});
afterAll(async () => {
  await target?.close();
});

const roomOf = (id: string): string => `snapshot.${id}.0`;

async function aSnapshot(): Promise<string> {
  const { conversationId } = await writeChat(owner, "Tides", team);
  return await newSnapshot(owner, conversationId, team);
}

/** Everything that is stored of a snapshot, and what its manifest comes to. */
function stored(id: string): { contentId: string; rows: string } {
  const rows = [
    "document where id",
    "doc_update where document_id",
    "doc_client where document_id",
    "snapshot where id",
  ].map((where) => target.database.prepare(`select * from ${where} = ?`).all(id));
  const frozen = target.database
    .prepare("select * from frozen_message where conversation_id = (select conversation_id from snapshot where id = ?)")
    .all(id);
  const [{ manifest }] = rows[3] as [{ manifest: string }];
  return { contentId: contentIdOf(JSON.parse(manifest) as Manifest), rows: JSON.stringify([rows, frozen]) };
}

/** What a hostile device says: that it deleted everything, wrote over it, made a root of its own, and who it claims to be. */
function attacks(): Uint8Array[] {
  const doc = new Y.Doc();
  openSnapshot(doc, "hostile").renumber(99);
  doc.getMap("frozen").set("manifest", "{}");
  doc.getMap("meta").set("title", "Taken over");
  doc.getMap("comments").set("c", new Y.Map());
  doc.getMap("elsewhere").set("x", 1);
  const presence = new Awareness(doc);
  presence.setLocalState({ name: "x".repeat(500) });
  const update = Y.encodeStateAsUpdate(doc);
  const frames = Array.from({ length: FLOOD }, (_, at) =>
    at % 3 === 2
      ? encodeFrame({ type: "awareness", update: encodeAwarenessUpdate(presence, [doc.clientID]) })
      : encodeFrame({ type: at % 3 === 0 ? "update" : "step2", update }),
  );
  presence.destroy();
  return frames;
}

const denials = (heard: readonly Buffer[]) =>
  heard.filter((bytes) => {
    const frame = parseFrame(bytes);
    return frame.ok && frame.value.type === "nack" && frame.value.code === "denied";
  }).length;

const isSynced = (provider: WebsocketProvider): Promise<void> =>
  new Promise((resolve) => {
    if (provider.synced) return resolve();
    provider.on("sync", (synced: boolean) => synced && resolve());
  });

async function counted(code: string): Promise<number> {
  const text = await (await fetch(`${target.url}/metrics`)).text();
  return Number(new RegExp(`holdfast_sync_notices_total\\{code="${code}"\\} (\\d+)`).exec(text)?.[1] ?? 0);
}

function refusalsOf({ me }: Account, id: string | undefined): AuditEntry[] {
  const rows = target.database.prepare("select entry from audit where account_id = ?").pluck().all(me.accountId);
  return rows
    .map((text) => JSON.parse(String(text)) as AuditEntry)
    .filter(({ outcome, target: of }) => outcome === "refused" && of?.id === id);
}

test("P6: floods of updates and presence from owner, member and stranger leave it as it was; counted and written down", async () => {
  const id = await aSnapshot();
  const before = stored(id);
  const refusedBefore = await counted("denied");
  const path = `/sync/${roomOf(id)}?workspace=${team}`;
  const step1 = encodeFrame({ type: "step1", stateVector: new Uint8Array([0]) });
  const say = [step1, ...attacks()];
  const updates = Math.ceil((FLOOD / 3) * 2);
  const own = await knock(target.url, {
    path,
    headers: { cookie: owner.cookie },
    say,
    until: (heard) => denials(heard) >= updates,
  });
  const hello = own.heard.map((bytes) => parseFrame(bytes)).find((frame) => frame.ok && frame.value.type === "hello");
  expect(hello).toMatchObject({ value: { mayWrite: false } });
  for (const other of [member, stranger]) {
    const place = other === member ? path : `/sync/${roomOf(id)}`;
    const closed = await knock(target.url, { path: place, headers: { cookie: other.cookie }, say, until: () => false });
    expect(closed).toMatchObject({ closed: 4404, heard: [] });
  }
  expect(stored(id)).toEqual(before);
  expect((await counted("denied")) - refusedBefore).toBeGreaterThanOrEqual(updates);
  const soonest = { timeout: 5_000 };
  await expect.poll(() => refusalsOf(owner, id).map(({ reason }) => reason), soonest).toEqual(["document.write"]);
  for (const other of [member, stranger])
    await expect.poll(() => refusalsOf(other, id).map(({ reason }) => reason), soonest).toEqual(["document.read"]);
  await target.expectUnharmed();
});

test("P6: an unmodified y-websocket client reads it whole, and what it writes reaches nobody", async () => {
  const id = await aSnapshot();
  const before = stored(id);
  class OwnSocket extends WebSocket {
    constructor(url: string | URL, protocols?: string | string[]) {
      super(url, protocols, { headers: { cookie: owner.cookie, origin: target.url } });
    }
  }
  const client = (doc: Y.Doc): WebsocketProvider =>
    new WebsocketProvider(`${target.url.replace("http", "ws")}/sync`, roomOf(id), doc, {
      WebSocketPolyfill: OwnSocket as unknown as typeof globalThis.WebSocket,
      disableBc: true,
      params: { workspace: team },
    });
  const [doc, other] = [new Y.Doc(), new Y.Doc()];
  const writing = client(doc);
  await isSynced(writing);
  const frozen = openSnapshot(doc, "local");
  expect(contentIdOf(JSON.parse(frozen.manifestText()) as Manifest)).toBe(frozen.summary().contentId);
  doc.getMap("frozen").set("manifest", "{}");
  frozen.setLabels({ title: "Mine now" });
  writing.awareness.setLocalStateField("user", { name: "owner" });
  await expect.poll(() => refusalsOf(owner, id).length, { timeout: 5_000 }).toBe(1);
  const reading = client(other);
  await isSynced(reading);
  expect(openSnapshot(other, "local").summary()).toMatchObject({ id, title: "Tides", number: 1 });
  expect(stored(id)).toEqual(before);
  // What the server does to it, both see at once.
  await owner.send("PATCH", `/api/snapshots/${id}`, { title: "Moon" }, inWorkspace(team));
  await expect.poll(() => openSnapshot(other, "local").summary().title, { timeout: 5_000 }).toBe("Moon");
  for (const provider of [writing, reading]) provider.destroy();
});

test("a push to it is refused and written down; a pull brings it", async () => {
  const who = await signUp(target.url);
  const { conversationId } = await writeChat(who, "Tides");
  const id = await newSnapshot(who, conversationId);
  const before = stored(id);
  const doc = new Y.Doc();
  doc.getMap("meta").set("title", "Pushed");
  expect(await pushEdit(who, id, Y.encodeStateAsUpdate(doc))).toEqual({ type: "refused", code: "denied" });
  expect(stored(id)).toEqual(before);
  // A request names no document in the log.
  await expect
    .poll(() => refusalsOf(who, undefined).map(({ reason }) => reason), { timeout: 5_000 })
    .toEqual(["document.write"]);
  const wanted = { id: id as SnapshotId, epoch: 0, haveSeq: 0, stateVector: undefined };
  const pulled = await who.fetch("/api/sync/pull", {
    method: "POST",
    headers: { "content-type": BULK_TYPE },
    body: encodePull([wanted]).slice(),
  });
  const [state] = pullIn(new Uint8Array(await pulled.arrayBuffer()));
  const copy = new Y.Doc();
  if (state?.type !== "state") throw new Error(`not a state: ${state?.type}`);
  Y.applyUpdate(copy, state.update);
  expect(openSnapshot(copy, "local").summary()).toMatchObject({ id, title: "Tides", number: 1 });
});

const pullIn = (bytes: Uint8Array) => {
  const parsed = parsePulled(bytes);
  return parsed.ok ? parsed.value : [];
};
test("by another kind than it is, or where nothing is, there is nothing; and no client makes one", async () => {
  const id = await aSnapshot();
  const { conversationId } = await writeChat(owner, "Tides", team);
  const unknown = newId();
  for (const room of [`conversation.${id}.0`, roomOf(conversationId), roomOf(unknown), `snapshot.${id}.1`]) {
    const path = `/sync/${room}?workspace=${team}`;
    const closed = await knock(target.url, {
      path,
      headers: { cookie: owner.cookie },
      say: attacks().slice(0, 3),
      until: () => false,
    });
    expect([room, closed.closed, closed.heard.length]).toEqual([room, 4404, 0]);
  }
  expect(target.database.prepare("select count(*) from document where id = ?").pluck().get(unknown)).toBe(0);
  expect((await owner.send("DELETE", `/api/conversations/${id}`, undefined, inWorkspace(team))).status).toBe(404);
  expect((await owner.send("DELETE", `/api/snapshots/${conversationId}`, undefined, inWorkspace(team))).status).toBe(
    404,
  );
});

const statusOf = async (method: string, path: string, body?: object): Promise<number> =>
  (await owner.send(method, path, body, inWorkspace(team))).status;

test("what somebody deletes, restores and erases of their snapshots is written down, and other changes are not", async () => {
  const id = await aSnapshot();
  const path = `/api/snapshots/${id}`;
  expect(await statusOf("DELETE", path)).toBe(204);
  // Whoever was not answered asks again, which is no other deed.
  expect(await statusOf("DELETE", path)).toBe(204);
  expect(await statusOf("PATCH", path, { title: "Renamed" })).toBe(200);
  expect(await statusOf("PATCH", path, { deleted: false })).toBe(200);
  expect(await statusOf("PATCH", path, { deleted: false })).toBe(200);
  // Another device restored it: nobody tried what they may not.
  expect(await statusOf("DELETE", `${path}?erase=true`)).toBe(409);
  expect(await statusOf("DELETE", path)).toBe(204);
  expect(await statusOf("DELETE", `${path}?erase=true`)).toBe(204);
  expect(await statusOf("DELETE", `${path}?erase=true`)).toBe(204);
  const written = (): AuditEntry[] =>
    target.database
      .prepare("select entry from audit where account_id = ? order by seq")
      .pluck()
      .all(owner.me.accountId)
      .map((text) => JSON.parse(String(text)) as AuditEntry)
      .filter(({ target: of }) => of?.id === id);
  // Writing down waits for nothing, and nothing waits for it.
  await expect
    .poll(() => written().map(({ action, outcome }) => `${action} ${outcome}`), { timeout: 5_000 })
    .toEqual(["snapshot.delete ok", "snapshot.restore ok", "snapshot.delete ok", "snapshot.erase ok"]);
  for (const entry of written()) expect(entry).toMatchObject({ target: { kind: "document", id } });
});
