import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Me } from "#shared/protocol/http-bodies.ts";
import { PASSWORD, accountAt, createTeam, newEmail, postAuth, saidBy, signIn, signUp } from "#tests/support/account.ts";
import type { Account } from "#tests/support/account.ts";
import { signInGuest } from "#tests/support/guest.ts";
import { newInvite } from "#tests/support/policy-cast.ts";
import { openServerProcess } from "#tests/support/server-process.ts";
import type { ServerProcess } from "#tests/support/server-process.ts";
import { anEdit, pushEdit } from "#tests/support/written-chat.ts";
import { newId } from "#tests/support/attacked-server.ts";

describe("a server that takes no guests and makes no accounts", () => {
  let server: ServerProcess;
  let owner: Account;
  let guest: Account;
  let team: string;
  const chat = newId();

  beforeAll(async () => {
    server = await openServerProcess({ env: { LIMITS: "off" } });
    owner = await signUp(server.url);
    team = await createTeam(owner);
    guest = await accountAt(server.url, (await signInGuest(server.url)).cookie);
    await pushEdit(guest, chat, anEdit("from before"));
    await server.kill("SIGTERM");
    await server.restart({ GUESTS: "off", SIGN_UP: "off" });
  });
  afterAll(async () => {
    await server?.close();
  });

  const become = async (body: object, cookie = ""): Promise<string> =>
    saidBy(await postAuth(server.url, "sign-up", { password: PASSWORD, ...body }, cookie));
  test("says so to who asks how to get in", async () => {
    expect(await (await fetch(`${server.url}/api/auth/methods`)).json()).toEqual({
      guests: false,
      signUp: false,
      mail: false,
    });
  });

  test("nobody becomes a guest", async () => {
    const asked = await postAuth(server.url, "sign-in/anonymous", {});
    expect(asked.headers.getSetCookie()).toEqual([]);
    expect(await saidBy(asked)).toBe("403 guests_off");
    const [name] = guest.cookie.split("=");
    expect(await saidBy(await postAuth(server.url, "sign-in/anonymous", {}, `${name}=made-up`))).toBe("403 guests_off");
  });

  test("who is one already goes on", async () => {
    expect(await saidBy(await postAuth(server.url, "sign-in/anonymous", {}, guest.cookie))).toBe("204");
    expect((await (await guest.fetch("/api/me")).json()) as Me).toEqual(guest.me);
    expect((await pushEdit(guest, chat, anEdit("from now"))).type).toBe("acknowledged");
  });

  test("who has an account signs in", async () => {
    const again = await signIn(server.url, owner.me.email ?? "");
    expect(again.me.accountId).toBe(owner.me.accountId);
  });

  test("without an invitation nobody makes an account, a guest neither", async () => {
    const email = newEmail();
    expect(await become({ email })).toBe("403 sign_up_off");
    expect(await become({ email }, guest.cookie)).toBe("403 sign_up_off");
    expect(await become({ email, invite: "made-up-made-up-made-up" })).toBe("403 sign_up_off");
    expect(await saidBy(await postAuth(server.url, "sign-in", { email, password: PASSWORD }))).toBe(
      "401 wrong_credentials",
    );
    expect((await (await guest.fetch("/api/me")).json()) as Me).toMatchObject({ kind: "guest" });
  });

  test("an invitation that was revoked is none", async () => {
    const { id, token } = await newInvite(owner, team);
    expect(await saidBy(await owner.send("DELETE", `/api/workspaces/${team}/invites/${id}`))).toBe("204");
    expect(await become({ email: newEmail(), invite: token })).toBe("403 sign_up_off");
  });

  test("by an invitation one makes an account, and joins by it", async () => {
    const email = newEmail();
    const { token } = await newInvite(owner, team, email, "member");
    expect(await become({ email, invite: token })).toBe("204");
    const invited = await signIn(server.url, email);
    expect(await saidBy(await invited.send("POST", "/api/invites/accept", { token }))).toBe("200");
    // It is used up: it makes no more accounts.
    expect(await become({ email: newEmail(), invite: token })).toBe("403 sign_up_off");
  });

  test("by an invitation a guest becomes an account and keeps everything", async () => {
    const { token } = await newInvite(owner, team);
    const email = newEmail();
    expect(await become({ email, invite: token }, guest.cookie)).toBe("204");
    const account = await signIn(server.url, email);
    expect(account.me).toMatchObject({ accountId: guest.me.accountId, kind: "account" });
    expect((await pushEdit(account, chat, anEdit("as an account"))).type).toBe("acknowledged");
  });
});

describe("a server that counts", () => {
  let server: ServerProcess;
  let known: Account;

  beforeAll(async () => {
    // A proxy says where people come from: here, the test.
    server = await openServerProcess({ env: { LIMITS: "on", TRUST_PROXY: "1" } });
    known = await signUp(server.url);
  });
  afterAll(async () => {
    await server?.close();
  });

  const from = (address: string, path: string, body: object): Promise<Response> =>
    fetch(`${server.url}/api/auth/${path}`, {
      method: "POST",
      headers: { origin: server.url, "content-type": "application/json", "x-forwarded-for": address },
      body: JSON.stringify(body),
    });
  const guess = (address: string, email: string, password = "not the password"): Promise<Response> =>
    from(address, "sign-in", { email, password });

  const became = (address: string): Promise<Response> => from(address, "sign-in/anonymous", {});

  test("C32: after ten wrong passwords from one place the eleventh waits, the right one too; elsewhere it does not", async () => {
    const email = known.me.email ?? "";
    const [here, there] = ["192.0.2.1", "198.51.100.1"];
    const left: number[] = [];
    for (let n = 0; n < 10; n += 1) {
      const answer = await guess(here, email);
      left.push(Number(answer.headers.get("ratelimit-remaining")));
      expect(answer.headers.get("ratelimit-limit")).toBe("10");
      expect(await saidBy(answer)).toBe("401 wrong_credentials");
    }
    expect(left).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
    for (const password of ["not the password", PASSWORD]) {
      const refused = await guess(here, email, password);
      expect(refused.headers.getSetCookie()).toEqual([]);
      const { headers } = refused;
      expect(await saidBy(refused)).toBe("429 rate_limited");
      expect(headers.get("ratelimit-limit")).toBe("10");
      expect(headers.get("ratelimit-remaining")).toBe("0");
      for (const name of ["retry-after", "ratelimit-reset"]) {
        expect(Number(headers.get(name))).toBeGreaterThan(600);
        expect(Number(headers.get(name))).toBeLessThanOrEqual(900);
      }
    }
    expect((await guess(there, email, PASSWORD)).status).toBe(204);
    expect((await guess(there, email, PASSWORD)).status).toBe(204);
    // In other names, and for whoever is signed in, everything is as it was.
    expect(await saidBy(await guess(here, newEmail()))).toBe("401 wrong_credentials");
    const me = await known.fetch("/api/me", { headers: { "x-forwarded-for": here } });
    expect(me.status).toBe(200);
    // An address that is written otherwise is the same name.
    expect(await saidBy(await guess(here, ` ${email.toUpperCase()} `))).toBe("429 rate_limited");
  });

  test("row 23: all of an IPv6 customer's addresses are one place", async () => {
    const email = newEmail();
    for (let n = 1; n <= 10; n += 1)
      expect(await saidBy(await guess(`2001:db8:1:2::${n.toString(16)}`, email))).toBe("401 wrong_credentials");
    expect(await saidBy(await guess("2001:db8:1:2:ffff::9", email))).toBe("429 rate_limited");
    expect(await saidBy(await guess("2001:db8:1:3::1", email))).toBe("401 wrong_credentials");
  });

  test("so many guests come from one place in an hour, and then no more; elsewhere they do", async () => {
    const [here, there] = ["203.0.113.7", "203.0.113.8"];
    const first = await became(here);
    const most = Number(first.headers.get("ratelimit-limit"));
    expect(first.status).toBe(204);
    expect(most).toBeGreaterThanOrEqual(200);
    expect(most).toBeLessThanOrEqual(1_000);
    let made = 1;
    for (; made < most; made += 50) {
      const some = Array.from({ length: Math.min(50, most - made) }, () => became(here));
      expect((await Promise.all(some)).map(({ status }) => status)).toEqual(some.map(() => 204));
    }
    const refused = await became(here);
    expect(refused.headers.getSetCookie()).toEqual([]);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(Number(refused.headers.get("ratelimit-reset"))).toBeLessThanOrEqual(3_600);
    expect(await saidBy(refused)).toBe("429 rate_limited");
    expect((await became(there)).status).toBe(204);
  });
});
