import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import Sqlite from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { WorkspaceRole } from "#shared/domain/workspace.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import { BULK_TYPE, encodePull, parsePulled } from "#shared/protocol/bulk-sync.ts";
import type { Feed } from "#shared/protocol/feed-bodies.ts";
import type { Me } from "#shared/protocol/http-bodies.ts";
import type { CreatedInvite, Invites, Members, Workspaces } from "#shared/protocol/workspace-bodies.ts";
import { accountAt, createTeam, joinTeam, newEmail, saidBy, signUp } from "#tests/support/account.ts";
import type { Account } from "#tests/support/account.ts";
import { conversationRoom, newId, openAttackedServer } from "#tests/support/attacked-server.ts";
import type { AttackedServer } from "#tests/support/attacked-server.ts";
import { signInGuest } from "#tests/support/guest.ts";
import { openNodeDevice } from "#tests/support/node-device.ts";
import { expireNow, newInvite, newToken } from "#tests/support/policy-cast.ts";
import { inWorkspace, writeChat } from "#tests/support/written-chat.ts";

let target: AttackedServer;
let owner: Account;
let admin: Account;
let member: Account;
let guest: Account;
let outsider: Account;
let loner: Account;

beforeAll(async () => {
  target = await openAttackedServer();
  const make = (name: string): Promise<Account> => signUp(target.url, newEmail(), "", name);
  [owner, admin, member, guest, outsider] = await Promise.all([
    make("Olga"),
    make("Ada"),
    make("Mia"),
    make("Gus"),
    make("Otto"),
  ]);
  loner = await accountAt(target.url, (await signInGuest(target.url)).cookie);
});
afterAll(async () => {
  await target?.close();
});

/** A new team with one person in each role. */
async function aTeam(name = "Kelp"): Promise<string> {
  const team = await createTeam(owner, name);
  await joinTeam(owner, team, admin, "admin");
  await joinTeam(owner, team, member, "member");
  await joinTeam(owner, team, guest, "guest");
  return team;
}

const membersOf = async (who: Account, team: string): Promise<Members["members"]> =>
  ((await (await who.fetch(`/api/workspaces/${team}/members`)).json()) as Members).members;
/** Who is what in a team, by name. */
const rolesIn = async (team: string): Promise<Record<string, WorkspaceRole>> =>
  Object.fromEntries((await membersOf(owner, team)).map(({ name, role }) => [name, role]));
const workspacesOf = async (who: Account): Promise<Workspaces["workspaces"]> =>
  ((await (await who.fetch("/api/workspaces")).json()) as Workspaces).workspaces;
const invitesTo = async (who: Account, team: string): Promise<Invites["invites"]> =>
  ((await (await who.fetch(`/api/workspaces/${team}/invites`)).json()) as Invites).invites;
const accept = async (who: Account, token: string): Promise<string> =>
  saidBy(await who.send("POST", "/api/invites/accept", { token }));
const setRole = async (who: Account, team: string, whose: Account, role: string): Promise<string> =>
  saidBy(await who.send("PATCH", `/api/workspaces/${team}/members/${whose.me.accountId}`, { role }));
const remove = async (who: Account, team: string, whom: Account): Promise<string> =>
  saidBy(await who.send("DELETE", `/api/workspaces/${team}/members/${whom.me.accountId}`));
const leave = async (who: Account, team: string): Promise<string> =>
  saidBy(await who.send("POST", `/api/workspaces/${team}/leave`));
const handOver = async (who: Account, team: string, to: Account): Promise<string> =>
  saidBy(await who.send("POST", `/api/workspaces/${team}/transfer`, { accountId: to.me.accountId }));
const rename = async (who: Account, team: string, name: string): Promise<string> =>
  saidBy(await who.send("PATCH", `/api/workspaces/${team}`, { name }));

/** Every byte that the server stored. */
const stored = (): string => {
  const folder = dirname(target.database.name);
  return readdirSync(folder)
    .filter((name) => name.startsWith("holdfast.sqlite") && !name.endsWith(".lock"))
    .map((name) => readFileSync(join(folder, name), "latin1"))
    .join("");
};

describe("a workspace", () => {
  test("is made by who owns it from then on; making it again, even by another name, changes nothing", async () => {
    const id = newId();
    const made = { id, kind: "team", name: "Reef", role: "owner" };
    for (const name of ["Reef", "Reef", "Another"]) {
      const created = await owner.send("POST", "/api/workspaces", { id, name });
      expect(created.status).toBe(201);
      expect(await created.json()).toEqual(made);
    }
    expect((await workspacesOf(owner)).filter((one) => one.id === id)).toEqual([made]);
    expect(await membersOf(owner, id)).toHaveLength(1);
  });

  test("is nobody else's by its id, and those who do not belong to it see none of it", async () => {
    const team = await aTeam();
    const again = await outsider.send("POST", "/api/workspaces", { id: team, name: "Mine" });
    expect(await saidBy(again)).toBe("404 not_found");
    expect((await workspacesOf(outsider)).map(({ kind }) => kind)).not.toContain("team");
    expect((await workspacesOf(guest))[0]).toMatchObject({ kind: "personal", role: "owner" });
    expect(await workspacesOf(guest)).toContainEqual({ id: team, kind: "team", name: "Kelp", role: "guest" });
  });

  test("is renamed by who runs it", async () => {
    const team = await aTeam();
    expect(await rename(owner, team, "Kelp forest")).toBe("204");
    expect(await rename(admin, team, "  Kelp reef ")).toBe("204");
    for (const one of [member, guest, outsider, loner]) expect(await rename(one, team, "Mine")).toBe("404 not_found");
    for (const name of ["", "   ", "x".repeat(81), "a\u0007b"])
      expect(await rename(owner, team, name)).toBe("400 invalid_body");
    expect((await workspacesOf(member)).find(({ id }) => id === team)?.name).toBe("Kelp reef");
  });

  test("that is somebody's own has one member for ever", async () => {
    const { workspaceId } = owner.me;
    expect(await rename(owner, workspaceId, "Ours")).toBe("404 not_found");
    expect(await leave(owner, workspaceId)).toBe("404 not_found");
    expect(await handOver(owner, workspaceId, admin)).toBe("404 not_found");
    const invited = await owner.send("POST", `/api/workspaces/${workspaceId}/invites`, { id: newId(), role: "member" });
    expect(await saidBy(invited)).toBe("404 not_found");
    expect((await membersOf(owner, workspaceId)).map(({ name, role }) => [name, role])).toEqual([["Olga", "owner"]]);
  });

  test("C04: shows e-mail addresses to who runs it, and everybody their own", async () => {
    const team = await aTeam();
    const seenBy = async (who: Account): Promise<string[]> =>
      (await membersOf(who, team)).filter(({ email }) => email !== undefined).map(({ name }) => name);
    expect(await seenBy(owner)).toEqual(["Olga", "Ada", "Mia", "Gus"]);
    expect(await seenBy(admin)).toEqual(["Olga", "Ada", "Mia", "Gus"]);
    expect(await seenBy(member)).toEqual(["Mia"]);
    expect(await seenBy(guest)).toEqual(["Gus"]);
  });
});

describe("invitations", () => {
  test("a link is for everybody who has it, again and again, and says where it leads to", async () => {
    const team = await createTeam(owner, "Tidepool");
    const { token } = await newInvite(owner, team, undefined, "member");
    for (const one of [member, outsider]) {
      const seen = await one.send("POST", "/api/invites/look", { token });
      expect(await seen.json()).toEqual({ workspaceName: "Tidepool", role: "member" });
      const joined = await one.send("POST", "/api/invites/accept", { token });
      expect(await joined.json()).toEqual({ workspaceId: team });
      const me = (await (await one.fetch("/api/me", { headers: inWorkspace(team) })).json()) as Me;
      expect(me).toMatchObject({ workspaceId: team, role: "member" });
    }
    expect(await rolesIn(team)).toEqual({ Olga: "owner", Mia: "member", Otto: "member" });
  });

  test("who is a member already stays what they are", async () => {
    const team = await aTeam();
    const before = await rolesIn(team);
    const asGuest = await newInvite(owner, team, undefined, "guest");
    const asAdmin = await newInvite(owner, team, undefined, "admin");
    for (const one of [owner, admin, member, guest])
      for (const { token } of [asGuest, asAdmin]) expect(await accept(one, token)).toBe("200");
    expect(await rolesIn(team)).toEqual(before);
  });

  test("one by e-mail is sent, is good for that person only, and once", async () => {
    const team = await createTeam(owner, "Sent");
    const { token, email } = await newInvite(owner, team, member.me.email?.toUpperCase());
    expect(email).toBe(member.me.email);
    await expect.poll(() => target.output()).toContain(`/join#${token}`);
    expect(await accept(outsider, token)).toBe("404 not_found");
    expect(await accept(outsider, token)).toBe("404 not_found");
    expect(await invitesTo(owner, team)).toHaveLength(1);
    expect(await accept(member, token)).toBe("200");
    expect(await invitesTo(owner, team)).toEqual([]);
    expect(await remove(owner, team, member)).toBe("204");
    expect(await accept(member, token)).toBe("404 not_found");
    expect(await rolesIn(team)).toEqual({ Olga: "owner" });
  });

  test("of two devices that use one by e-mail at once, one joins", async () => {
    const team = await createTeam(owner, "Once");
    const { token } = await newInvite(owner, team, member.me.email);
    const both = await Promise.all([accept(member, token), accept(member, token)]);
    expect(both.toSorted()).toEqual(["200", "404 not_found"]);
  });

  test("what is over, revoked or made up leads nowhere, and is not listed", async () => {
    const team = await createTeam(owner, "Over");
    const over = await newInvite(owner, team);
    const revoked = await newInvite(owner, team);
    const open = await newInvite(owner, team);
    expireNow(target, "invite", over.id);
    expect(await saidBy(await owner.send("DELETE", `/api/workspaces/${team}/invites/${revoked.id}`))).toBe("204");
    expect(await saidBy(await owner.send("DELETE", `/api/workspaces/${team}/invites/${revoked.id}`))).toBe(
      "404 not_found",
    );
    for (const token of [over.token, revoked.token, `${open.token.slice(0, -1)}_`]) {
      expect(await saidBy(await outsider.send("POST", "/api/invites/look", { token }))).toBe("404 not_found");
      expect(await accept(outsider, token)).toBe("404 not_found");
    }
    expect((await invitesTo(owner, team)).map(({ id }) => id)).toEqual([open.id]);
    expect(await accept(outsider, open.token)).toBe("200");
  });

  test("are made by who runs the workspace; only the owner invites admins", async () => {
    const team = await aTeam();
    const before = (await invitesTo(owner, team)).length;
    const invite = async (who: Account, role: string): Promise<string> =>
      saidBy(await who.send("POST", `/api/workspaces/${team}/invites`, { id: newId(), role }));
    for (const role of ["admin", "member", "guest"]) expect(await invite(owner, role)).toBe("201");
    for (const role of ["member", "guest"]) expect(await invite(admin, role)).toBe("201");
    expect(await invite(admin, "admin")).toBe("404 not_found");
    expect(await invite(owner, "owner")).toBe("400 invalid_body");
    for (const one of [member, guest, outsider, loner]) expect(await invite(one, "guest")).toBe("404 not_found");
    expect(await invitesTo(admin, team)).toHaveLength(before + 5);
  });

  test("are taken back by who may give their role: an admin ends none for an admin, whoever made it", async () => {
    const team = await aTeam();
    const end = async (who: Account, id: string): Promise<string> =>
      saidBy(await who.send("DELETE", `/api/workspaces/${team}/invites/${id}`));
    for (const email of [undefined, newEmail()]) {
      const forAdmin = await newInvite(owner, team, email, "admin");
      const forMember = await newInvite(owner, team, email, "member");
      for (const one of [member, guest, outsider, loner])
        for (const { id } of [forAdmin, forMember]) expect(await end(one, id)).toBe("404 not_found");
      expect(await end(admin, forAdmin.id)).toBe("404 not_found");
      expect((await invitesTo(owner, team)).map(({ id }) => id)).toEqual(
        expect.arrayContaining([forAdmin.id, forMember.id]),
      );
      expect(await end(admin, forMember.id)).toBe("204");
      expect(await end(owner, forAdmin.id)).toBe("204");
    }
    const elsewhere = await newInvite(owner, await createTeam(owner, "Elsewhere"));
    expect(await end(owner, elsewhere.id)).toBe("404 not_found");
  });

  test("a guest without an account sees where one leads to, and needs an account to go there", async () => {
    const team = await createTeam(owner, "Later");
    const { token } = await newInvite(owner, team);
    expect((await loner.send("POST", "/api/invites/look", { token })).status).toBe(200);
    expect(await accept(loner, token)).toBe("409 account_needed");
  });

  test("its token is shown once, and what is stored of it cannot be used", async () => {
    const team = await createTeam(owner, "Hashed");
    const { id, token } = await newInvite(owner, team);
    expect(token.length).toBeGreaterThanOrEqual(32);
    expect(JSON.stringify(await invitesTo(owner, team))).not.toContain(token);
    const hash = target.database.prepare("select token_hash from invite where id = ?").pluck().get(id) as string;
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    const bytes = stored();
    expect(bytes).toContain(hash);
    expect(bytes).not.toContain(token);
    expect(await accept(outsider, hash)).toBe("404 not_found");
    const again = await owner.send("POST", `/api/workspaces/${team}/invites`, { id, role: "guest" });
    expect(await saidBy(again)).toBe("404 not_found");
  });
});

describe("roles", () => {
  test("an admin makes members guests and guests members, and touches neither admins nor the owner", async () => {
    const team = await aTeam();
    await joinTeam(owner, team, outsider, "admin");
    expect(await setRole(admin, team, member, "guest")).toBe("204");
    expect(await setRole(admin, team, guest, "member")).toBe("204");
    const before = { Olga: "owner", Ada: "admin", Mia: "guest", Gus: "member", Otto: "admin" };
    for (const role of ["admin", "member", "guest"]) {
      expect(await setRole(admin, team, outsider, role)).toBe("404 not_found");
      expect(await setRole(admin, team, owner, role)).toBe("404 not_found");
      expect(await setRole(admin, team, admin, role)).toBe("404 not_found");
    }
    expect(await setRole(admin, team, guest, "admin")).toBe("404 not_found");
    expect(await remove(admin, team, outsider)).toBe("404 not_found");
    expect(await remove(admin, team, owner)).toBe("404 not_found");
    expect(await rolesIn(team)).toEqual(before);
    expect(await remove(admin, team, guest)).toBe("204");
    expect(await rolesIn(team)).toEqual({ Olga: "owner", Ada: "admin", Mia: "guest", Otto: "admin" });
  });

  test("whoever was made an admin in this moment is not an admin's to take out", async () => {
    for (let round = 0; round < 8; round++) {
      const team = await aTeam();
      const [made, removed] = await Promise.all([setRole(owner, team, member, "admin"), remove(admin, team, member)]);
      const roles = await rolesIn(team);
      // One was first, and the other was refused for it.
      expect([made, removed].toSorted()).toEqual(["204", "404 not_found"]);
      expect(roles["Mia"]).toBe(made === "204" ? "admin" : undefined);
    }
  });

  test("members and guests change nobody, themselves neither", async () => {
    const team = await aTeam();
    const before = await rolesIn(team);
    for (const who of [member, guest, outsider, loner]) {
      for (const whose of [owner, admin, member, guest]) {
        for (const role of ["admin", "member", "guest"])
          expect(await setRole(who, team, whose, role)).toBe("404 not_found");
        expect(await remove(who, team, whose)).toBe("404 not_found");
      }
      expect(await handOver(who, team, who)).toBe("404 not_found");
    }
    expect(await rolesIn(team)).toEqual(before);
  });

  test("nobody is made an owner, and the owner stays one until the workspace is handed over", async () => {
    const team = await aTeam();
    const before = await rolesIn(team);
    for (const who of [owner, admin]) expect(await setRole(who, team, member, "owner")).toBe("400 invalid_body");
    for (const role of ["admin", "member", "guest"])
      expect(await setRole(owner, team, owner, role)).toBe("404 not_found");
    expect(await remove(owner, team, owner)).toBe("404 not_found");
    expect(await leave(owner, team)).toBe("404 not_found");
    expect(await rolesIn(team)).toEqual(before);
  });

  test("the owner hands the workspace over to a member, and is an admin from then on", async () => {
    const team = await aTeam();
    for (const to of [owner, outsider, loner]) expect(await handOver(owner, team, to)).toBe("404 not_found");
    expect(await handOver(admin, team, admin)).toBe("404 not_found");
    expect(await handOver(owner, team, guest)).toBe("204");
    expect(await rolesIn(team)).toEqual({ Olga: "admin", Ada: "admin", Mia: "member", Gus: "owner" });
    expect(await handOver(owner, team, owner)).toBe("404 not_found");
    expect(await setRole(owner, team, admin, "guest")).toBe("404 not_found");
    expect(await setRole(guest, team, owner, "member")).toBe("204");
    expect(await leave(owner, team)).toBe("204");
  });

  test("of many who hand over at once, one is heard, and there is one owner", async () => {
    const team = await aTeam();
    const answers = await Promise.all([admin, member, guest].map((to) => handOver(owner, team, to)));
    expect(answers.toSorted()).toEqual(["204", "404 not_found", "404 not_found"]);
    const owners = Object.entries(await rolesIn(team)).filter(([, role]) => role === "owner");
    expect(owners).toHaveLength(1);
    expect(owners[0]?.[0]).not.toBe("Olga");
  });

  test("who leaves, or is taken out, is nobody there: neither the workspace nor what they wrote in it is theirs to see", async () => {
    const team = await aTeam();
    const chat = await writeChat(member, "of the team", team);
    expect(await leave(guest, team)).toBe("204");
    expect(await remove(owner, team, member)).toBe("204");
    for (const gone of [guest, member]) {
      expect(await leave(gone, team)).toBe("404 not_found");
      expect(await saidBy(await gone.fetch("/api/sync/feed", { headers: inWorkspace(team) }))).toBe("404 not_found");
      expect((await workspacesOf(gone)).map(({ id }) => id)).not.toContain(team);
      expect(await saidBy(await gone.fetch(`/api/workspaces/${team}/members`))).toBe("404 not_found");
    }
    expect(await saidBy(await member.fetch(`/api/runs/${chat.runId}`))).toBe("404 not_found");
    expect(await saidBy(await member.fetch(`/api/runs/${chat.runId}`, { headers: inWorkspace(team) }))).toBe(
      "404 not_found",
    );
    expect(await rolesIn(team)).toEqual({ Olga: "owner", Ada: "admin" });
    // What they wrote is there again once they are.
    await joinTeam(owner, team, member, "member");
    expect((await member.fetch(`/api/runs/${chat.runId}`, { headers: inWorkspace(team) })).status).toBe(200);
  });
});

const idsIn = async (who: Account, workspaceId?: string): Promise<string[]> => {
  const { entries } = (await (await who.fetch("/api/sync/feed", { headers: inWorkspace(workspaceId) })).json()) as Feed;
  return entries.map(({ id }) => id);
};
const pulled = async (who: Account, id: string, workspaceId?: string): Promise<string | undefined> => {
  const wanted = [{ id: id as ConversationId, epoch: 0, haveSeq: 0, stateVector: undefined }];
  const answer = await who.fetch("/api/sync/pull", {
    method: "POST",
    headers: { ...inWorkspace(workspaceId), "content-type": BULK_TYPE },
    body: encodePull(wanted).slice(),
  });
  const read = parsePulled(new Uint8Array(await answer.arrayBuffer()));
  return read.ok ? read.value[0]?.type : "malformed";
};

describe("each workspace has a library of its own", () => {
  test("what is written in a team is in the library of that team only, and of whoever wrote it only", async () => {
    const [team, other] = [await aTeam(), await aTeam("Reef")];
    const atHome = await writeChat(member, "at home");
    const inTeam = await writeChat(member, "in the team", team);
    expect(await idsIn(member)).toContain(atHome.conversationId);
    expect(await idsIn(member)).not.toContain(inTeam.conversationId);
    expect(await idsIn(member, team)).toEqual([inTeam.conversationId]);
    expect(await idsIn(member, other)).toEqual([]);
    for (const one of [owner, admin, guest]) expect(await idsIn(one, team)).toEqual([]);
    for (const [chat, here, elsewhere] of [
      [atHome, member.me.workspaceId, team],
      [inTeam, team, member.me.workspaceId],
      [inTeam, team, other],
    ] as const) {
      expect(await pulled(member, chat.conversationId, here)).toBe("state");
      expect(await pulled(member, chat.conversationId, elsewhere)).toBe("gone");
      const run = (workspaceId: string) =>
        member.fetch(`/api/runs/${chat.runId}`, { headers: inWorkspace(workspaceId) });
      expect((await run(here)).status).toBe(200);
      expect(await saidBy(await run(elsewhere))).toBe("404 not_found");
    }
  });

  test("a socket acts in the workspace that its address names", async () => {
    const team = await aTeam();
    const room = conversationRoom(newId());
    const device = openNodeDevice(target.url, member.cookie, `${room}?workspace=${team}`);
    const token = device.edit((conversation) => conversation.rename("By a socket"));
    await device.until(() => device.settled() >= token);
    const id = room.split(".")[1] ?? "";
    await expect.poll(() => idsIn(member, team)).toEqual([id]);
    expect(await idsIn(member)).not.toContain(id);
    for (const [who, query] of [
      [member, ""],
      [member, `?workspace=${member.me.workspaceId}`],
      [admin, `?workspace=${team}`],
    ] as const) {
      const stranger = openNodeDevice(target.url, who.cookie, room + query);
      await stranger.until(() => stranger.refused().length > 0);
      expect(stranger.refused()).toEqual(["closed 4404"]);
      stranger.close();
    }
    const second = openNodeDevice(target.url, member.cookie, `${room}?workspace=${team}`);
    await second.until(() => second.conversation.summary().title === "By a socket");
    second.close();
    device.close();
  });
});

describe("there are only so many", () => {
  test("100 open invitations to a workspace: one that is revoked makes room", async () => {
    const team = await createTeam(owner, "Full");
    const made = [];
    for (let n = 0; n < 100; n += 1) made.push(await newInvite(owner, team));
    const another = (): Promise<Response> =>
      owner.send("POST", `/api/workspaces/${team}/invites`, { id: newId(), role: "guest" });
    expect(await saidBy(await another())).toBe("409 too_many");
    await owner.send("DELETE", `/api/workspaces/${team}/invites/${(made[0] as CreatedInvite).id}`);
    expect(await saidBy(await another())).toBe("201");
    expireNow(target, "invite", (made[1] as CreatedInvite).id);
    expect(await saidBy(await another())).toBe("201");
    expect(await saidBy(await another())).toBe("409 too_many");
  });

  test("50 tokens of an account", async () => {
    const made = [];
    for (let n = 0; n < 50; n += 1) made.push(await newToken(outsider, undefined, ["runs"]));
    const another = (): Promise<Response> =>
      outsider.send("POST", "/api/tokens", { id: newId(), name: "one more", scopes: ["runs"], days: 1 });
    expect(await saidBy(await another())).toBe("409 too_many");
    await outsider.send("DELETE", `/api/tokens/${made[0]?.id}`);
    expect(await saidBy(await another())).toBe("201");
    expect(await saidBy(await another())).toBe("409 too_many");
  });

  test("100 workspaces of an account", async () => {
    const collector = await signUp(target.url);
    const another = (): Promise<Response> =>
      collector.send("POST", "/api/workspaces", { id: newId(), name: "One more" });
    for (let have = (await workspacesOf(collector)).length; have < 100; have += 1)
      expect((await another()).status).toBe(201);
    expect(await saidBy(await another())).toBe("409 too_many");
    const { id, name } = (await workspacesOf(collector))[5] ?? {};
    expect((await collector.send("POST", "/api/workspaces", { id, name })).status).toBe(201);
  });

  test("1,000 members of a workspace", async () => {
    const team = await createTeam(owner, "Crowd");
    const { token } = await newInvite(owner, team);
    const writable = new Sqlite(target.database.name);
    const add = writable.prepare("insert into member values (?, ?, 'guest', 1)");
    writable.transaction(() => {
      for (let n = 1; n < 1_000; n += 1) add.run(team, `nobody-${n}`);
    })();
    writable.close();
    expect(await accept(member, token)).toBe("409 too_many");
    expect((await workspacesOf(member)).map(({ id }) => id)).not.toContain(team);
  });
});
