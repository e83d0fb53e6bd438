import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { TOKEN_SCOPES } from "#shared/domain/access-token.ts";
import type { Sessions } from "#shared/protocol/account-bodies.ts";
import type { Feed } from "#shared/protocol/feed-bodies.ts";
import type { Me } from "#shared/protocol/http-bodies.ts";
import type { RunSnapshot } from "#shared/protocol/run-bodies.ts";
import { PASSWORD, accountAt, createTeam, joinTeam, saidBy, signIn, signUp } from "#tests/support/account.ts";
import type { Account } from "#tests/support/account.ts";
import { conversationRoom, newId, openAttackedServer } from "#tests/support/attacked-server.ts";
import type { AttackedServer } from "#tests/support/attacked-server.ts";
import { holdPoll, holdSocket, holdStream } from "#tests/support/held-open.ts";
import type { HeldOpen, HoldingOptions } from "#tests/support/held-open.ts";
import { openNodeDevice } from "#tests/support/node-device.ts";
import { bearer, newToken } from "#tests/support/policy-cast.ts";
import { askSocket } from "#tests/support/policy-requests.ts";
import { answer } from "#tests/support/provider-behaviour.ts";
import { wait } from "#tests/support/waiting.ts";
import { aWrittenChat, anEdit, inWorkspace, pushEdit, runBody, writeChat } from "#tests/support/written-chat.ts";

/** C03: what is open on the strength of a right ends at the latest so long after the right. */
const WITHIN_MS = 2_000;
/** What was on its way when the right ended may still arrive. */
const ON_ITS_WAY_MS = 250;

let target: AttackedServer;
let owner: Account;
let member: Account;
let admin: Account;
let team: string;
const figures: string[] = [];

beforeAll(async () => {
  target = await openAttackedServer();
  [owner, member, admin] = await Promise.all([signUp(target.url), signUp(target.url), signUp(target.url)]);
});
beforeEach(async () => {
  team = await createTeam(owner);
  await joinTeam(owner, team, member, "member");
  await joinTeam(owner, team, admin, "admin");
});
afterAll(async () => {
  process.stdout.write(`withdrawn rights, ms until all is closed: ${figures.join("; ")}\n`);
  await target?.close();
});

interface AnsweredChat {
  conversationId: string;
  runId: string;
  /** Lets the provider say a word more. */
  goOn(): Promise<void>;
}

/** A chat in the team whose answer comes word by word, as the test says. */
async function aSlowChat(who: Account, workspaceId = team): Promise<AnsweredChat> {
  const chat = { conversationId: newId(), promptId: newId(), answerId: newId(), runId: newId() };
  const headers = inWorkspace(workspaceId);
  await pushEdit(who, chat.conversationId, aWrittenChat(chat.promptId, "Why?"), headers);
  target.provider.script(answer("word ".repeat(3_000), { pace: "gated" }));
  const index = target.provider.requests.length;
  const started = await who.send("PUT", `/api/runs/${chat.runId}`, runBody(chat), headers);
  expect(started.status).toBe(201);
  const goOn = (): Promise<void> => target.provider.release(1, index);
  await goOn();
  return { ...chat, goOn };
}

/** Everything one can hold open at once: two sockets and a stream where something happens, and a question where nothing does. */
async function holdAll(options: HoldingOptions, busy: AnsweredChat, silent: AnsweredChat): Promise<HeldOpen[]> {
  const headers = { ...options.headers, ...inWorkspace(options.workspaceId) };
  const ask = async (): Promise<RunSnapshot> =>
    (await (await fetch(`${target.url}/api/runs/${silent.runId}`, { headers })).json()) as RunSnapshot;
  await expect.poll(async () => (await ask()).text).not.toBe("");
  const { seq } = await ask();
  return await Promise.all([
    holdSocket(options, busy.conversationId, false),
    holdSocket(options, busy.conversationId, true),
    holdStream(options, busy.runId),
    holdPoll(options, silent.runId, seq),
  ]);
}

/** Something is heard everywhere all the time: the answer goes on, and another device writes. */
function makeTraffic(who: Account, chat: AnsweredChat, workspaceId = team) {
  const device = openNodeDevice(
    target.url,
    who.cookie,
    `${conversationRoom(chat.conversationId)}?workspace=${workspaceId}`,
  );
  const timer = setInterval(() => {
    void chat.goOn();
    device.edit((conversation) => conversation.draft.insert(0, "x"));
  }, 20);
  return {
    stop(): void {
      clearInterval(timer);
      device.close();
    },
  };
}

/** How much of the log of a run is written. */
const framesOf = (runId: string): number =>
  target.database.prepare("select count(*) from run_frame where run_id = ?").pluck().get(runId) as number;

/** How sockets, the stream and the question end. */
const GONE = ["4403", "4403", 'bye {"reason":"right"}', "404 not_found"];
const SIGNED_OUT = ["4401", "4401", 'bye {"reason":"right"}', "404 not_found"];
/** They come back, with the rights they have now. */
const CHANGED = ["1013", "1013", 'bye {"reason":"right"}', "200 0 events"];

/**
 * Ends a right while everything is open and busy, and expects all of it to end in time, and nothing to be heard after.
 * Answers how each ended.
 */
async function endsOf(
  name: string,
  who: Account,
  options: HoldingOptions,
  act: () => Promise<string>,
): Promise<string[]> {
  const [busy, silent] = [await aSlowChat(who, options.workspaceId), await aSlowChat(who, options.workspaceId)];
  const held = await holdAll(options, busy, silent);
  // Others, and the same person elsewhere, are not disturbed.
  const home = { ...options, headers: { cookie: admin.cookie }, workspaceId: admin.me.workspaceId };
  const bystanders = [
    await holdSocket({ ...home, workspaceId: team }, (await writeChat(admin, "Mine", team)).conversationId, false),
    await holdSocket(home, (await writeChat(admin, "Mine")).conversationId, true),
  ];
  const traffic = makeTraffic(who, busy, options.workspaceId);
  for (const { what, heardAt } of held.slice(0, 3))
    await expect.poll(() => heardAt.length, { message: what }).toBeGreaterThan(2);

  const at = performance.now();
  expect(await act()).toBe("204");
  const answeredAt = performance.now();
  const late = wait(2 * WITHIN_MS, new AbortController().signal).then(() => ({
    at: performance.now(),
    how: "still open",
  }));
  const ends = await Promise.all(held.map(({ ended }) => Promise.race([ended, late])));
  // The answers go on, and are not heard any more.
  const before = [busy, silent].map(({ runId }) => framesOf(runId));
  await silent.goOn();
  for (const [index, { runId }] of [busy, silent].entries())
    await expect.poll(() => framesOf(runId)).toBeGreaterThan(before[index] ?? 0);
  traffic.stop();

  for (const [index, end] of ends.entries()) {
    const { what, heardAt } = held[index] as HeldOpen;
    expect(end.at - at, what).toBeLessThan(WITHIN_MS);
    expect(Math.max(...heardAt), what).toBeLessThan(Math.max(answeredAt, at) + ON_ITS_WAY_MS);
  }
  expect(bystanders.map((one) => one.isOver())).toEqual([false, false]);
  for (const one of bystanders) one.close();
  const took = ends.map((end, index) => `${held[index]?.what} ${Math.round(end.at - at)}`);
  figures.push(`${name}: ${took.join(", ")} (answered after ${Math.round(answeredAt - at)})`);
  return ends.map(({ how }) => how);
}

const asCookie = ({ cookie }: Account, workspaceId = team): HoldingOptions => ({
  url: target.url,
  headers: { cookie },
  workspaceId,
});

describe("row 6, C03: what is open ends with the right it was opened by", () => {
  test("somebody is taken out of a team", async () => {
    const act = async () =>
      saidBy(await owner.send("DELETE", `/api/workspaces/${team}/members/${member.me.accountId}`));
    expect(await endsOf("taken out", member, asCookie(member), act)).toEqual(GONE);
  });

  test("somebody leaves a team", async () => {
    const act = async () => saidBy(await member.send("POST", `/api/workspaces/${team}/leave`));
    expect(await endsOf("leaves", member, asCookie(member), act)).toEqual(GONE);
  });

  test("a member is made a guest", async () => {
    const act = async () =>
      saidBy(await owner.send("PATCH", `/api/workspaces/${team}/members/${member.me.accountId}`, { role: "guest" }));
    expect(await endsOf("made a guest", member, asCookie(member), act)).toEqual(CHANGED);
  });

  test("an owner hands the team over", async () => {
    const act = async () =>
      saidBy(await owner.send("POST", `/api/workspaces/${team}/transfer`, { accountId: member.me.accountId }));
    const options = asCookie(owner);
    expect(await endsOf("hands over", owner, options, act)).toEqual(CHANGED);
  });

  test("a session is ended from another device", async () => {
    const there = await signIn(target.url, member.me.email ?? "");
    const { sessions } = (await (await there.fetch("/api/sessions")).json()) as Sessions;
    const id = sessions.find(({ current }) => current)?.id;
    const act = async () => saidBy(await member.send("DELETE", `/api/sessions/${id}`));
    expect(await endsOf("session ended", member, asCookie(there), act)).toEqual(SIGNED_OUT);
  });

  test("every other session is ended, at home too", async () => {
    const there = await signIn(target.url, member.me.email ?? "");
    const act = async () => saidBy(await member.send("DELETE", "/api/sessions"));
    const options = asCookie(there, member.me.workspaceId);
    expect(await endsOf("all others ended", member, options, act)).toEqual(SIGNED_OUT);
  });

  test("somebody signs out", async () => {
    const there = await signIn(target.url, member.me.email ?? "");
    const act = async () => saidBy(await there.send("POST", "/api/auth/sign-out", {}));
    expect(await endsOf("signs out", member, asCookie(there), act)).toEqual(SIGNED_OUT);
  });

  test("a password is changed", async () => {
    const changer = await signUp(target.url);
    const there = await signIn(target.url, changer.me.email ?? "");
    const body = { current: PASSWORD, next: "a long new password" };
    const act = async () => saidBy(await changer.send("POST", "/api/account/password", body));
    const options = asCookie(there, changer.me.workspaceId);
    expect(await endsOf("password changed", changer, options, act)).toEqual(SIGNED_OUT);
  });

  test("a token is revoked", async () => {
    const token = await newToken(member, team, TOKEN_SCOPES);
    const act = async () => saidBy(await member.send("DELETE", `/api/tokens/${token.id}`));
    const options = { ...asCookie(member), headers: bearer(token) };
    expect(await endsOf("token revoked", member, options, act)).toEqual(SIGNED_OUT);
    expect(await saidBy(await fetch(`${target.url}/api/me`, { headers: bearer(token) }))).toBe("401 unauthenticated");
  });

  test("the member whose token it is is taken out", async () => {
    const token = await newToken(member, team, TOKEN_SCOPES);
    const act = async () =>
      saidBy(await owner.send("DELETE", `/api/workspaces/${team}/members/${member.me.accountId}`));
    const options = { ...asCookie(member), headers: bearer(token) };
    expect(await endsOf("taken out, by token", member, options, act)).toEqual(GONE);
    // Nor is it good for anything once they are back.
    await joinTeam(owner, team, member, "member");
    expect(await saidBy(await fetch(`${target.url}/api/me`, { headers: bearer(token) }))).toBe("401 unauthenticated");
  });
});

const fetchAs = (headers: Record<string, string>, path: string, init: RequestInit): Promise<Response> =>
  fetch(target.url + path, {
    ...init,
    headers: { origin: target.url, ...headers, ...(init.headers as Record<string, string> | undefined) },
  });
const put = (headers: Record<string, string>, runId: string, body: object): Promise<Response> =>
  fetchAs(headers, `/api/runs/${runId}`, {
    method: "PUT",
    headers: { ...inWorkspace(team), "content-type": "application/json" },
    body: JSON.stringify(body),
  });
const isStored = (id: string): unknown =>
  target.database.prepare("select count(*) from document where id = ?").pluck().get(id);
const runsOf = (id: string): unknown =>
  target.database.prepare("select count(*) from run where conversation_id = ?").pluck().get(id);

describe("a member who was made a guest", () => {
  test("reads on what they wrote, and writes nothing: no edit, no chat, no run", async () => {
    const chat = await writeChat(member, "Written before", team);
    const token = await newToken(member, team, TOKEN_SCOPES);
    const url = `/api/workspaces/${team}/members/${member.me.accountId}`;
    expect(await saidBy(await owner.send("PATCH", url, { role: "guest" }))).toBe("204");
    const acting = inWorkspace(team);
    const me = (await (await member.fetch("/api/me", { headers: acting })).json()) as Me;
    expect(me).toMatchObject({ role: "guest", workspaceId: team });

    const asked = { ids: { first: chat.conversationId }, query: `?workspace=${team}` };
    for (const headers of [{ cookie: member.cookie }, bearer(token)]) {
      const who = { ...member, fetch: (path: string, init: RequestInit = {}) => fetchAs(headers, path, init) };
      expect((await askSocket(target, { ...asked, headers }, false)).outcome).toBe("read-only");
      expect(await pushEdit(who, chat.conversationId, anEdit("more"), acting)).toEqual({
        type: "refused",
        code: "denied",
      });
      // One that nobody has is not claimed either, and is not there for them.
      const unknown = newId();
      expect(await pushEdit(who, unknown, anEdit("new"), acting)).toEqual({ type: "gone" });
      const knock = { ids: { first: unknown }, query: asked.query, headers };
      expect((await askSocket(target, knock, true)).outcome).toBe("closed 4404");
      expect(isStored(unknown)).toBe(0);
      const again = runBody({ ...chat, answerId: newId() });
      expect(await saidBy(await put(headers, newId(), again))).toBe("404 not_found");
      expect(await saidBy(await put(headers, chat.runId, runBody(chat)))).toBe("404 not_found");
      const stopped = await fetchAs(headers, `/api/runs/${newId()}/stop`, { method: "POST", headers: acting });
      expect(await saidBy(stopped)).toBe("404 not_found");

      const run = await fetchAs(headers, `/api/runs/${chat.runId}`, { headers: acting });
      expect(await run.json()).toMatchObject({ text: "An answer.", state: "completed" });
      const feed = (await (await fetchAs(headers, "/api/sync/feed", { headers: acting })).json()) as Feed;
      expect(feed.entries.map(({ id }) => id)).toEqual([chat.conversationId]);
    }
    const device = openNodeDevice(target.url, member.cookie, `${conversationRoom(chat.conversationId)}${asked.query}`);
    await device.until(device.arrived);
    expect(device.conversation.summary().title).toBe("Written before");
    device.close();
    expect(runsOf(chat.conversationId)).toBe(1);

    expect(await saidBy(await owner.send("PATCH", url, { role: "member" }))).toBe("204");
    expect((await pushEdit(member, chat.conversationId, anEdit("again"), acting)).type).toBe("acknowledged");
  });

  test("writes at home as ever", async () => {
    const url = `/api/workspaces/${team}/members/${member.me.accountId}`;
    await owner.send("PATCH", url, { role: "guest" });
    const { runId } = await writeChat(member, "At home");
    expect((await member.fetch(`/api/runs/${runId}`)).status).toBe(200);
    const again = await accountAt(target.url, member.cookie);
    expect(again.me.role).toBe("owner");
  });
});
