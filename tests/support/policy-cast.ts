import Sqlite from "better-sqlite3";
import { vi } from "vitest";
import type { TokenScope } from "#shared/domain/access-token.ts";
import { TOKEN_SCOPES } from "#shared/domain/access-token.ts";
import type { Sessions } from "#shared/protocol/account-bodies.ts";
import type { Passkey, PasskeyCreation } from "#shared/protocol/passkey-bodies.ts";
import type { CreatedToken } from "#shared/protocol/token-bodies.ts";
import type { CreatedInvite } from "#shared/protocol/workspace-bodies.ts";
import { accountAt, cookiesOf, createTeam, joinTeam, newEmail, postAuth, signIn, signUp } from "./account.ts";
import type { Account } from "./account.ts";
import { newId } from "./attacked-server.ts";
import type { AttackedServer } from "./attacked-server.ts";
import { createAuthenticator } from "./authenticator.ts";
import { signInGuest } from "./guest.ts";
import { storedRows } from "./stored-rows.ts";
import { aWrittenChat, inWorkspace, pushEdit, writeChat } from "./written-chat.ts";
import type { Chat } from "./written-chat.ts";

/** Everybody who calls. A token is good for one thing, and of the member's, in the team. */
export const CALLERS = [
  "nobody",
  "revoked token",
  "expired token",
  "ended session",
  "lone guest",
  "outsider",
  "former member",
  "team guest",
  "member",
  "admin",
  "owner",
  "reading token",
  "writing token",
  "running token",
] as const;
export type CallerName = (typeof CALLERS)[number];

/** A chat that was answered, a snapshot of it, and another beside it. */
export type CastChat = Chat & { secondId: string; snapshotId: string };

/** Somebody with a chat of their own at home, and in a team where they ever wrote one. */
export interface Person extends Account {
  /** stands in all they wrote; nobody else may ever read it */
  canary: string;
  sessionId: string;
  tokenId: string;
  passkeyId: string;
  home: CastChat;
  inTeam: CastChat | undefined;
}

export interface Caller {
  name: CallerName;
  /** the credential they show */
  headers: Record<string, string>;
  /** whose it is, or was */
  person: Person | undefined;
}

export type PolicyCast = Awaited<ReturnType<typeof openPolicyCast>>;
type Server = Pick<AttackedServer, "url" | "database">;

/**
 * Makes everybody: a team with its people, those who stand outside it, and a victim with a team of their own, all with
 * chats that were answered. Everything is at rest when it is done.
 */
export async function openPolicyCast(server: Server) {
  const { url } = server;
  const [owner, admin, member, guest, former, outsider, victim, pawn] = await makePeople(url);
  const loner = await accountAt(url, (await signInGuest(url)).cookie);
  const team = await createTeam(owner, "Kelp");
  for (const one of [admin, member, guest, former, pawn])
    await joinTeam(owner, team, one, one === admin ? "admin" : "member");
  const victimsTeam = await createTeam(victim, "CANARY-victim");
  /** open to everybody with its link, and nothing else in any test is about it */
  const house = await createTeam(pawn, "Open house");

  const people = {
    owner: await settleIn(owner, "owner", team),
    admin: await settleIn(admin, "admin", team),
    member: await settleIn(member, "member", team),
    guest: await settleIn(guest, "guest", team),
    former: await settleIn(former, "former", team),
    outsider: await settleIn(outsider, "outsider"),
    loner: await settleIn(loner, "loner"),
    victim: await settleIn(victim, "victim", victimsTeam),
  };
  await expectDone(owner.send("PATCH", `/api/workspaces/${team}/members/${guest.me.accountId}`, { role: "guest" }));
  await expectDone(owner.send("DELETE", `/api/workspaces/${team}/members/${former.me.accountId}`));

  const tokens = Object.fromEntries(
    await Promise.all(TOKEN_SCOPES.map(async (scope) => [scope, await newToken(member, team, [scope])] as const)),
  ) as Record<TokenScope, CreatedToken>;
  const revoked = await newToken(owner, team, TOKEN_SCOPES);
  await expectDone(owner.send("DELETE", `/api/tokens/${revoked.id}`));
  const expired = await newToken(owner, team, TOKEN_SCOPES);
  expireNow(server, "access_token", expired.id);
  const ended = await signIn(url, member.me.email ?? "");
  await expectDone(postAuth(url, "sign-out", {}, ended.cookie));

  const shown: Record<CallerName, [headers: Record<string, string>, person?: Person]> = {
    nobody: [{}],
    "revoked token": [bearer(revoked), people.owner],
    "expired token": [bearer(expired), people.owner],
    "ended session": [cookieOf(ended), people.member],
    "lone guest": [cookieOf(loner), people.loner],
    outsider: [cookieOf(outsider), people.outsider],
    "former member": [cookieOf(former), people.former],
    "team guest": [cookieOf(guest), people.guest],
    member: [cookieOf(member), people.member],
    admin: [cookieOf(admin), people.admin],
    owner: [cookieOf(owner), people.owner],
    "reading token": [bearer(tokens["chats:read"]), people.member],
    "writing token": [bearer(tokens["chats:write"]), people.member],
    "running token": [bearer(tokens.runs), people.member],
  };
  const callers = CALLERS.map((name): Caller => {
    const [headers, person] = shown[name];
    return { name, headers, person };
  });
  // A token notes its first use; what is refused later shall find nothing left to note.
  for (const { headers } of callers) await fetch(`${url}/api/me`, { headers });

  const cast = {
    url,
    /** the file of the server's database */
    database: server.database.name,
    people,
    callers,
    pawn,
    team,
    victimsTeam,
    house,
    invite: await newInvite(owner, team),
    adminsInvite: await newInvite(owner, team, undefined, "admin"),
    houseInvite: await newInvite(pawn, house),
    victimsInvite: await newInvite(victim, victimsTeam),
    /** only the victim may use it */
    victimsMail: await newInvite(pawn, house, victim.me.email),
  };
  await atRest(server);
  return cast;
}

export const bearer = ({ token }: CreatedToken): Record<string, string> => ({ authorization: `Bearer ${token}` });
const cookieOf = ({ cookie }: Account): Record<string, string> => ({ cookie });

const makePeople = async (
  url: string,
): Promise<[Account, Account, Account, Account, Account, Account, Account, Account]> => {
  const make = (name: string): Promise<Account> => signUp(url, newEmail(), "", name);
  return await Promise.all([
    make("Owner"),
    make("Admin"),
    make("Member"),
    make("Guest"),
    make("Former"),
    make("Outsider"),
    make("CANARY-victim"),
    make("Pawn"),
  ]);
};

async function settleIn(who: Account, name: string, team?: string): Promise<Person> {
  const canary = `CANARY-${name}`;
  const home = await writeChats(who, canary);
  const inTeam = team === undefined ? undefined : await writeChats(who, canary, team);
  const { sessions } = (await (await who.fetch("/api/sessions")).json()) as Sessions;
  const isGuest = who.me.kind === "guest";
  const tokenId = isGuest ? newId() : (await newToken(who, undefined, ["chats:read"])).id;
  const passkeyId = isGuest ? newId() : await newPasskey(who);
  return { ...who, canary, home, inTeam, sessionId: sessions[0]?.id ?? "", tokenId, passkeyId };
}

async function writeChats(who: Account, canary: string, workspaceId?: string): Promise<CastChat> {
  const chat = await writeChat(who, canary, workspaceId);
  const secondId = newId();
  await pushEdit(who, secondId, aWrittenChat(newId(), canary), inWorkspace(workspaceId));
  return { ...chat, secondId, snapshotId: await newSnapshot(who, chat.conversationId, workspaceId) };
}

/** A new snapshot of a chat of somebody's; answers its id. */
export async function newSnapshot(who: Account, conversationId: string, workspaceId?: string): Promise<string> {
  const body = { id: newId(), conversationId };
  const taken = await who.send("POST", "/api/snapshots", body, inWorkspace(workspaceId));
  if (taken.status !== 201) throw new Error(`no snapshot: ${taken.status} ${await taken.text()}`);
  return body.id;
}

/** Has somebody's authenticator make a passkey; answers its id. */
export async function newPasskey(who: Account): Promise<string> {
  const asked = await who.send("POST", "/api/passkeys/options", {});
  const credential = createAuthenticator(who.url).create((await asked.json()) as PasskeyCreation);
  const cookie = `${who.cookie}; ${cookiesOf(asked)}`;
  const added = await (await accountAt(who.url, cookie)).send("POST", "/api/passkeys", { name: "Key", credential });
  if (added.status !== 201) throw new Error(`no passkey: ${added.status} ${await added.text()}`);
  return ((await added.json()) as Passkey).id;
}

/** Has somebody's account at the provider be one more way in, as if they had been there. */
export function linkProvider({ database }: Pick<PolicyCast, "database">, { me }: Account): void {
  const now = new Date().toISOString();
  const writable = new Sqlite(database);
  try {
    writable
      .prepare(
        `insert into account (id, accountId, providerId, userId, createdAt, updatedAt) values (?, ?, 'oidc', ?, ?, ?)`,
      )
      .run(newId(), newId(), me.accountId, now, now);
  } finally {
    writable.close();
  }
}

/** A new token of somebody, for a workspace they act in. */
export async function newToken(
  who: Account,
  workspaceId: string | undefined,
  scopes: readonly TokenScope[],
): Promise<CreatedToken> {
  const body = { id: newId(), name: "script", scopes, days: 1 };
  const made = await who.send("POST", "/api/tokens", body, inWorkspace(workspaceId));
  if (made.status !== 201) throw new Error(`no token: ${made.status} ${await made.text()}`);
  return (await made.json()) as CreatedToken;
}

/** A new invitation to a workspace: a link, or for one address only. */
export async function newInvite(
  who: Account,
  workspaceId: string,
  email?: string,
  role = "guest",
): Promise<CreatedInvite> {
  const body = { id: newId(), role, ...(email !== undefined && { email }) };
  const made = await who.send("POST", `/api/workspaces/${workspaceId}/invites`, body);
  if (made.status !== 201) throw new Error(`no invitation: ${made.status} ${await made.text()}`);
  return (await made.json()) as CreatedInvite;
}

async function expectDone(answer: Promise<Response>): Promise<void> {
  const { status } = await answer;
  if (status !== 204) throw new Error(`not done: ${status}`);
}

/** Lets the time of a token or an invitation be over, as no test can wait for. */
export function expireNow({ database }: Pick<Server, "database">, table: "access_token" | "invite", id: string): void {
  const writable = new Sqlite(database.name);
  try {
    writable.prepare(`update ${table} set expires_at = ? where id = ?`).run(Date.now() - 1, id);
  } finally {
    writable.close();
  }
}

/** Resolves once every run is in its document, the library shows every document as it is, and nothing is written any more. */
export async function atRest({ database }: Pick<Server, "database">): Promise<void> {
  const open = database
    .prepare(
      `select (select count(*) from run where committed = 0)
        + (select count(*) from document where summary_seq < head_seq and erased_at is null)`,
    )
    .pluck();
  let before = "";
  const isStill = (): boolean => {
    const now = JSON.stringify(storedRows(database));
    const same = now === before && open.get() === 0;
    before = now;
    return same;
  };
  await vi.waitUntil(isStill, { timeout: 30_000, interval: 400 });
}
