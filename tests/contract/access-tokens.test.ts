import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import Sqlite from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TOKEN_DAYS, TOKEN_SCOPES } from "#shared/domain/access-token.ts";
import type { Feed } from "#shared/protocol/feed-bodies.ts";
import type { Me } from "#shared/protocol/http-bodies.ts";
import type { CreatedToken, Tokens } from "#shared/protocol/token-bodies.ts";
import { createTeam, joinTeam, saidBy, signUp } from "#tests/support/account.ts";
import type { Account } from "#tests/support/account.ts";
import { newId, openAttackedServer } from "#tests/support/attacked-server.ts";
import type { AttackedServer } from "#tests/support/attacked-server.ts";
import { bearer, expireNow, newToken } from "#tests/support/policy-cast.ts";
import { inWorkspace, writeChat } from "#tests/support/written-chat.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
/** What is known of a token may be as old as this. */
const REMEMBERED_MS = 2_000;

let target: AttackedServer;
let owner: Account;
let member: Account;
let team: string;

beforeAll(async () => {
  target = await openAttackedServer();
  [owner, member] = await Promise.all([signUp(target.url), signUp(target.url)]);
  team = await createTeam(owner);
  await joinTeam(owner, team, member, "member");
});
afterAll(async () => {
  await target?.close();
});

const listed = async (who: Account): Promise<Tokens["tokens"]> =>
  ((await (await who.fetch("/api/tokens")).json()) as Tokens).tokens;
const asToken = (token: CreatedToken, path: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(target.url + path, { headers: { ...bearer(token), ...headers } });

test("a token acts in the workspace it was made in, as its account, and nowhere else", async () => {
  const token = await newToken(member, team, TOKEN_SCOPES);
  const atHome = await newToken(member, undefined, TOKEN_SCOPES);
  const { conversationId } = await writeChat(member, "of the team", team);
  const me = (await (await asToken(token, "/api/me")).json()) as Me;
  expect(me).toMatchObject({ accountId: member.me.accountId, workspaceId: team, role: "member" });
  const idsBy = async (by: CreatedToken): Promise<string[]> =>
    ((await (await asToken(by, "/api/sync/feed")).json()) as Feed).entries.map(({ id }) => id);
  expect(await idsBy(token)).toEqual([conversationId]);
  expect(await idsBy(atHome)).toEqual([]);
  expect((await asToken(token, "/api/me", inWorkspace(team))).status).toBe(200);
  for (const [by, workspaceId] of [
    [token, member.me.workspaceId],
    [token, owner.me.workspaceId],
    [atHome, team],
    [atHome, newId()],
  ] as const)
    expect(await saidBy(await asToken(by, "/api/me", inWorkspace(workspaceId)))).toBe("404 not_found");
});

test("it is shown once; what is stored, listed and logged cannot be used", async () => {
  const token = await newToken(member, team, ["chats:read"]);
  expect(token.token).toMatch(/^hft_[\w-]{43}$/);
  const mine = await listed(member);
  expect(mine.map(({ id }) => id)).toContain(token.id);
  expect(JSON.stringify(mine)).not.toContain(token.token);
  const again = { id: token.id, name: "again", scopes: ["chats:read"], days: 1 };
  expect(await saidBy(await member.send("POST", "/api/tokens", again))).toBe("404 not_found");
  expect(await saidBy(await owner.send("POST", "/api/tokens", again))).toBe("404 not_found");

  const hash = target.database.prepare("select token_hash from access_token where id = ?").pluck().get(token.id);
  expect(hash).toMatch(/^[0-9a-f]{64}$/);
  await asToken(token, "/api/me");
  const folder = dirname(target.database.name);
  const files = readdirSync(folder).filter((name) => name.startsWith("holdfast.sqlite") && !name.endsWith(".lock"));
  const bytes = files.map((name) => readFileSync(join(folder, name), "latin1")).join("");
  expect(bytes).toContain(String(hash));
  for (const secret of [token.token, token.token.slice("hft_".length)]) {
    expect(bytes).not.toContain(secret);
    expect(target.output()).not.toContain(secret);
  }
  for (const guess of [`hft_${String(hash)}`, String(hash), `${token.token}A`, token.token.slice(0, -1)])
    expect(await saidBy(await asToken({ ...token, token: guess }, "/api/me"))).toBe("401 unauthenticated");
});

test("it lasts as many days as were asked for, and then ends", async () => {
  for (const days of [1, TOKEN_DAYS]) {
    const made = await member.send("POST", "/api/tokens", { id: newId(), name: "ci", scopes: ["chats:read"], days });
    const { createdAt, expiresAt } = (await made.json()) as CreatedToken;
    expect(expiresAt - createdAt).toBe(days * DAY_MS);
    expect(Math.abs(createdAt - Date.now())).toBeLessThan(60_000);
  }
  for (const days of [0, -1, 1.5, TOKEN_DAYS + 1]) {
    const made = await member.send("POST", "/api/tokens", { id: newId(), name: "ci", scopes: ["chats:read"], days });
    expect(await saidBy(made)).toBe("400 invalid_body");
  }
  const token = await newToken(member, team, ["chats:read"]);
  expect((await asToken(token, "/api/me")).status).toBe(200);
  expireNow(target, "access_token", token.id);
  const at = performance.now();
  await expect
    .poll(async () => saidBy(await asToken(token, "/api/me")), { interval: 50, timeout: REMEMBERED_MS + 500 })
    .toBe("401 unauthenticated");
  expect(performance.now() - at).toBeLessThan(REMEMBERED_MS + 500);
  expect((await listed(member)).map(({ id }) => id)).not.toContain(token.id);
});

test("row 7: whatever it is good for, it makes no token, ends no session and runs no workspace", async () => {
  const token = await newToken(owner, team, TOKEN_SCOPES);
  const session = target.database.prepare("select id from session where userId = ?").pluck().get(owner.me.accountId);
  const json = { "content-type": "application/json" };
  const body = JSON.stringify({ id: newId(), name: "more", scopes: ["runs"], days: 1 });
  for (const [method, path] of [
    ["GET", "/api/tokens"],
    ["POST", "/api/tokens"],
    ["DELETE", `/api/tokens/${token.id}`],
    ["GET", "/api/sessions"],
    ["DELETE", "/api/sessions"],
    ["DELETE", `/api/sessions/${String(session)}`],
    ["POST", "/api/account/password"],
    ["GET", "/api/audit"],
    ["GET", `/api/workspaces/${team}/audit`],
    ["GET", `/api/workspaces/${team}/members`],
    ["POST", `/api/workspaces/${team}/invites`],
    ["DELETE", `/api/workspaces/${team}/members/${member.me.accountId}`],
    ["POST", "/api/workspaces"],
  ] as const) {
    // A cookie beside it adds nothing: who shows a token is what the token is.
    for (const cookie of ["", owner.cookie]) {
      const headers = { ...bearer(token), ...json, ...(cookie !== "" && { cookie }) };
      const answer = await fetch(target.url + path, { method, headers, ...(method === "POST" && { body }) });
      expect(await saidBy(answer), `${method} ${path}`).toBe("403 scope_missing");
    }
  }
  expect((await owner.fetch("/api/me")).status).toBe(200);
});

const asked = async (path: string, headers: Record<string, string>): Promise<string> =>
  saidBy(await fetch(`${target.url}${path}`, { headers }));

test("rows 7, 9: it counts as a bearer token in its header, and in no other way", async () => {
  const { token } = await newToken(member, team, TOKEN_SCOPES);
  for (const authorization of [`Bearer ${token}`, `bearer ${token}`, `BEARER ${token} `])
    expect(await asked("/api/me", { authorization }), authorization).toBe("200");
  for (const authorization of [
    token,
    `Token ${token}`,
    `Basic ${token}`,
    `Basic ${Buffer.from(`${token}:`).toString("base64")}`,
    `Bearer: ${token}`,
    `Bearer  ${token} x`,
    `Bearer ${token}, Bearer ${token}`,
    `Bearer x${token}`,
    "Bearer true",
    "Bearer ",
  ])
    expect(await asked("/api/me", { authorization }), authorization).toBe("401 unauthenticated");
  for (const name of [
    "x-api-key",
    "api-key",
    "x-access-token",
    "x-auth-token",
    "x-holdfast-token",
    "proxy-authorization",
  ])
    expect(await asked("/api/me", { [name]: `Bearer ${token}` }), name).toBe("401 unauthenticated");
  for (const query of [`?access_token=${token}`, `?token=${token}`, `?authorization=Bearer%20${token}`])
    expect(await asked(`/api/me${query}`, {}), query).toBe("401 unauthenticated");
  for (const cookie of [`holdfast.session_token=${token}`, `authorization=${token}`, `token=${token}`])
    expect(await asked("/api/me", { cookie }), cookie).toBe("401 unauthenticated");
});

/** Lets the last use that was noted of a token be longer ago. */
function setBack(id: string, ms: number): void {
  const writable = new Sqlite(target.database.name);
  writable.prepare("update access_token set last_used_at = last_used_at - ? where id = ?").run(ms, id);
  writable.close();
}

describe("its use", () => {
  interface Entry {
    action: string;
    actor: { kind: string; id?: string };
    workspaceId?: string;
  }
  /** What the log of a team says of the use of a token. */
  async function usesOf({ id }: CreatedToken): Promise<Entry[]> {
    const { entries } = (await (await owner.fetch(`/api/workspaces/${team}/audit?limit=200`)).json()) as {
      entries: Entry[];
    };
    return entries.filter(({ action, actor }) => action === "token.use" && actor.id === id);
  }
  test("is noted, and written into the audit log of the workspace, once an hour", async () => {
    const token = await newToken(member, team, ["chats:read"]);
    const lastUsed = async (): Promise<number | undefined> =>
      (await listed(member)).find(({ id }) => id === token.id)?.lastUsedAt;
    expect(await lastUsed()).toBeUndefined();
    expect(await usesOf(token)).toEqual([]);
    await Promise.all([1, 2, 3].map(() => asToken(token, "/api/sync/feed")));
    const used = await lastUsed();
    expect(Math.abs(Date.now() - (used ?? 0))).toBeLessThan(60_000);
    await expect.poll(() => usesOf(token)).toHaveLength(1);
    const [entry] = await usesOf(token);
    expect(entry).toMatchObject({
      actor: { kind: "token", id: token.id },
      workspaceId: team,
      accountId: member.me.accountId,
    });
    await asToken(token, "/api/sync/feed");
    expect(await lastUsed()).toBe(used);
    setBack(token.id, HOUR_MS + 1_000);
    await expect
      .poll(async () => {
        await asToken(token, "/api/sync/feed");
        return await usesOf(token);
      })
      .toHaveLength(2);
    expect(await lastUsed()).toBeGreaterThan(used ?? 0);
  });

  test("for what it is not good for is noted as refused, in the name of the token", async () => {
    const token = await newToken(member, team, ["runs"]);
    expect(await saidBy(await asToken(token, "/api/sync/feed"))).toBe("403 scope_missing");
    const refusals = (): unknown =>
      target.database
        .prepare('select count(*) from audit where entry like ? and entry like \'%"outcome":"refused"%\'')
        .pluck()
        .get(`%${token.id}%`);
    await expect.poll(refusals).toBe(1);
  });
});
