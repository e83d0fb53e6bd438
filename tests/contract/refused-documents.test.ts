import { dirname } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { verifyAudit } from "#server/access/audit-verify.ts";
import type { AuditEntry } from "#shared/domain/audit.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import { BULK_TYPE, encodePull } from "#shared/protocol/bulk-sync.ts";
import { encodeFrame, parseFrame } from "#shared/protocol/sync-frames.ts";
import { createTeam, joinTeam, newEmail, signUp } from "#tests/support/account.ts";
import type { Account } from "#tests/support/account.ts";
import { conversationRoom, newId, openAttackedServer } from "#tests/support/attacked-server.ts";
import type { AttackedServer } from "#tests/support/attacked-server.ts";
import { openNodeDevice } from "#tests/support/node-device.ts";
import { knock } from "#tests/support/knock.ts";
import { bearer, newToken } from "#tests/support/policy-cast.ts";
import { askSocket } from "#tests/support/policy-requests.ts";
import { anEdit, inWorkspace, pushEdit, writeChat } from "#tests/support/written-chat.ts";
import type { Chat } from "#tests/support/written-chat.ts";

const SECRET = "CANARY-OF-THE-VICTIM";
/** The most rows about one caller in five minutes. */
const MOST = 30;

let target: AttackedServer;
let owner: Account;
let team: string;
let foreign: Chat;

beforeAll(async () => {
  target = await openAttackedServer();
  owner = await signUp(target.url);
  const victim = await signUp(target.url, newEmail(), "", SECRET);
  foreign = await writeChat(victim, SECRET);
  team = await createTeam(owner);
});
afterAll(async () => {
  await target?.close();
});

/** Somebody nobody wrote down yet, with a chat in the team, where they are a guest by now. */
async function aGuest(): Promise<{ who: Account; chat: Chat }> {
  const who = await signUp(target.url);
  await joinTeam(owner, team, who, "member");
  const chat = await writeChat(who, "Written before", team);
  const made = await owner.send("PATCH", `/api/workspaces/${team}/members/${who.me.accountId}`, { role: "guest" });
  expect(made.status).toBe(204);
  return { who, chat };
}

type Row = AuditEntry & { by: string | null; place: string | null };

/** What is written down of somebody's refusals, in order. */
function refusalsOf({ me }: Account): Row[] {
  const rows = target.database
    .prepare("select account_id as account, workspace_id as place, entry from audit where account_id = ? order by seq")
    .all(me.accountId) as { account: string; place: string; entry: string }[];
  return rows
    .map(({ account, place, entry }) => ({ by: account, place, ...(JSON.parse(entry) as AuditEntry) }))
    .filter(({ outcome }) => outcome === "refused");
}
const soonest = { timeout: 5_000 };
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 300));

const isNack = (bytes: Uint8Array): boolean => {
  const frame = parseFrame(bytes);
  return frame.ok && frame.value.type === "nack" && frame.value.code === "denied";
};
const EDIT = encodeFrame({ type: "update", update: anEdit("no") });
const IN_TEAM = (): string => `?workspace=${team}`;

/** Opens a room and says something; answers the code it is closed with. */
async function open(who: Account, id: string, query = "", epoch = 0, headers = { cookie: who.cookie }) {
  const path = `/sync/${conversationRoom(id).replace(/0$/, `${epoch}`)}${query}`;
  return await knock(target.url, { path, headers, say: [EDIT], until: () => false });
}

test("whoever is closed out of somebody else's document is written down: who, where from, which, and no more", async () => {
  const who = await signUp(target.url);
  expect((await open(who, foreign.conversationId)).closed).toBe(4404);
  await expect
    .poll(() => refusalsOf(who), soonest)
    .toEqual([
      {
        by: who.me.accountId,
        place: who.me.workspaceId,
        action: "resource.access",
        outcome: "refused",
        actor: { kind: "account", id: who.me.accountId },
        reason: "document.read",
        target: { kind: "document", id: foreign.conversationId },
        address: expect.stringMatching(/^127\.0\.0\.0\/24$/),
      },
    ]);
  const stored = target.database.prepare("select entry from audit").pluck().all().join();
  expect(stored).not.toContain(SECRET);
});

test("once for many tries in a minute, by sockets and by channels of one", async () => {
  const who = await signUp(target.url);
  const ids = { first: foreign.conversationId, second: foreign.conversationId };
  for (let round = 0; round < 5; round++) {
    expect((await open(who, foreign.conversationId)).closed).toBe(4404);
    const asked = await askSocket(target, { headers: { cookie: who.cookie }, ids }, true);
    expect(asked.outcome).toBe("closed 4404,closed 4404");
  }
  await settled();
  expect(refusalsOf(who)).toHaveLength(1);
});

test("the log tells no more than the answers: to who may begin no chat, what never was is written down alike", async () => {
  const { who } = await aGuest();
  const unknown = newId();
  for (const id of [foreign.conversationId, unknown])
    for (const epoch of [0, 1]) expect((await open(who, id, IN_TEAM(), epoch)).closed).toBe(4404);
  await settled();
  const rows = refusalsOf(who);
  expect(rows.map(({ target: of }) => of?.id)).toEqual([foreign.conversationId, unknown]);
  const [{ target: _, ...ofForeign }, { target: __, ...ofUnknown }] = rows as [Row, Row];
  expect(ofForeign).toEqual(ofUnknown);
  // Who may, and asks for an epoch that cannot be, is told as little.
  const writer = await signUp(target.url);
  for (const id of [foreign.conversationId, unknown]) expect((await open(writer, id, "", 1)).closed).toBe(4404);
  await settled();
  expect(refusalsOf(writer).map(({ target: of }) => of?.id)).toEqual([foreign.conversationId, unknown]);
});

test("R7: edits that are dropped where somebody may only read are written down once", async () => {
  const { who, chat } = await aGuest();
  const readOnly = await knock(target.url, {
    path: `/sync/${conversationRoom(chat.conversationId)}${IN_TEAM()}`,
    headers: { cookie: who.cookie },
    say: [EDIT, EDIT, EDIT],
    until: (heard) => heard.filter((bytes) => isNack(bytes)).length === 3,
  });
  expect(readOnly.closed).toBeUndefined();
  await expect.poll(() => refusalsOf(who).length, soonest).toBe(1);
  expect(refusalsOf(who)[0]).toMatchObject({
    action: "resource.access",
    reason: "document.write",
    place: team,
    target: { kind: "document", id: chat.conversationId },
  });
});

test("a token that is not good for reading is written down as the token", async () => {
  const who = await signUp(target.url);
  const token = await newToken(who, undefined, ["runs"]);
  const asked = { headers: bearer(token), ids: { first: newId() } };
  expect((await askSocket(target, asked, true)).outcome).toBe("closed 4404");
  await expect
    .poll(() => refusalsOf(who), soonest)
    .toMatchObject([{ actor: { kind: "token", id: token.id }, reason: "document.read" }]);
});

test("the same where documents go by HTTP: a pull and a push of what is somebody else's", async () => {
  const who = await signUp(target.url);
  const wanted = [{ id: foreign.conversationId as ConversationId, epoch: 0, haveSeq: 0, stateVector: undefined }];
  const pulled = await who.fetch("/api/sync/pull", {
    method: "POST",
    headers: { "content-type": BULK_TYPE },
    body: encodePull(wanted).slice(),
  });
  expect(pulled.status).toBe(200);
  expect(await pushEdit(who, foreign.conversationId, anEdit("no"))).toEqual({ type: "gone" });
  await expect
    .poll(() => refusalsOf(who).map(({ reason }) => reason), soonest)
    .toEqual(["document.read", "document.write"]);
  const { who: guest, chat } = await aGuest();
  const acting = inWorkspace(team);
  expect((await pushEdit(guest, chat.conversationId, anEdit("no"), acting)).type).toBe("refused");
  await expect.poll(() => refusalsOf(guest).map(({ reason }) => reason), soonest).toEqual(["document.write"]);
});

test("nothing is written down where somebody's own is gone, or their own device is behind", async () => {
  const who = await signUp(target.url);
  const { conversationId } = await writeChat(who, "Erased");
  const device = openNodeDevice(target.url, who.cookie, conversationRoom(conversationId));
  await device.until(device.arrived);
  const deleted = device.edit((conversation) => conversation.setDeleted(true));
  await device.until(() => device.settled() >= deleted);
  await expect
    .poll(async () => (await who.fetch(`/api/conversations/${conversationId}`, { method: "DELETE" })).status, soonest)
    .toBe(204);
  await device.until(() => device.refused().includes("closed 4404"));
  device.close();
  const before = refusalsOf(who).filter(({ reason }) => reason !== "document.erase");
  expect((await open(who, conversationId)).closed).toBe(4404);
  expect(await pushEdit(who, conversationId, anEdit("late"))).toEqual({ type: "gone" });
  await settled();
  expect(refusalsOf(who).filter(({ reason }) => reason !== "document.erase")).toEqual(before);
  expect(before).toEqual([]);
});

test(`whoever tries one id after the other fills ${MOST} rows, and the log stays whole`, async () => {
  const { who } = await aGuest();
  const tries = Array.from({ length: 3 * MOST }, () => open(who, newId(), IN_TEAM()));
  for (const { closed } of await Promise.all(tries)) expect(closed).toBe(4404);
  // Over HTTP it is one and the same count.
  for (let n = 0; n < 10; n++) await who.send("DELETE", `/api/tokens/${newId()}`);
  await settled();
  expect(refusalsOf(who)).toHaveLength(MOST);
  expect(verifyAudit(dirname(target.database.name))).toMatchObject({ status: "whole" });
  const refused = target.database
    .prepare(`select count(*) from audit where entry like '%"refused"%'`)
    .pluck()
    .get() as number;
  process.stdout.write(`refused documents: ${refused} rows of audit, chain whole\n`);
  await target.expectUnharmed();
});
