import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import WebSocket from "ws";
import type { MessageId } from "#shared/domain/ids.ts";
import { CloseCode } from "#shared/protocol/close-codes.ts";
import type { Feed } from "#shared/protocol/feed-bodies.ts";
import type { Sessions } from "#shared/protocol/account-bodies.ts";
import { PASSWORD, cookiesOf, newEmail, postAuth, signIn, signUp } from "#tests/support/account.ts";
import type { Account } from "#tests/support/account.ts";
import { conversationRoom, newId, openAttackedServer } from "#tests/support/attacked-server.ts";
import type { AttackedServer } from "#tests/support/attacked-server.ts";
import { signInGuest } from "#tests/support/guest.ts";
import type { Guest } from "#tests/support/guest.ts";
import { openNodeDevice } from "#tests/support/node-device.ts";

let target: AttackedServer;
beforeAll(async () => {
  target = await openAttackedServer();
});
afterAll(async () => {
  await target?.close();
});

/** Writes a conversation as somebody; answers its id. */
async function aChat(who: Guest, title: string): Promise<string> {
  const id = newId();
  const device = openNodeDevice(target.url, who.cookie, conversationRoom(id));
  const token = device.edit((conversation) => {
    conversation.rename(title);
    conversation.addPrompt({ id: newId() as MessageId, parentId: undefined, text: title, createdAt: 1 });
  });
  await device.until(() => device.settled() >= token);
  device.close();
  return id;
}

async function feedOf(who: Guest): Promise<Feed["entries"]> {
  const { entries } = (await (await who.fetch("/api/sync/feed")).json()) as Feed;
  return entries;
}
const titlesOf = async (who: Guest): Promise<string[]> =>
  (await feedOf(who)).map(({ summary }) => summary.title).toSorted();
const codeOf = async (response: Response): Promise<string> =>
  `${response.status} ${((await response.json()) as { code: string }).code}`;

describe("guest and account", () => {
  test("a guest who makes an account keeps their id, their chats and their workspace, with a new session", async () => {
    const guest = await signInGuest(target.url);
    const before = (await (await guest.fetch("/api/me")).json()) as { accountId: string };
    await aChat(guest, "From before");
    const email = newEmail();
    const account = await signUp(target.url, email, guest.cookie);
    expect(account.me).toMatchObject({ ...before, kind: "account", email, emailVerified: false, name: "Ada" });
    await expect.poll(() => titlesOf(account)).toEqual(["From before"]);
    expect(await codeOf(await guest.fetch("/api/me"))).toBe("401 unauthenticated");
    expect(await titlesOf(await signIn(target.url, email))).toEqual(["From before"]);
  });

  test("without being a guest first, an account is made as well; a second one of the same e-mail is not", async () => {
    const email = newEmail();
    const account = await signUp(target.url, email);
    expect(account.me).toMatchObject({ kind: "account", role: "owner" });
    expect(await codeOf(await postAuth(target.url, "sign-up", { email, password: PASSWORD }))).toBe("409 email_taken");
    const guest = await signInGuest(target.url);
    const again = { email: email.toUpperCase(), password: PASSWORD };
    expect(await codeOf(await postAuth(target.url, "sign-up", again, guest.cookie))).toBe("409 email_taken");
    expect((await guest.fetch("/api/me")).status).toBe(200);
  });

  test("a guest who signs in to an account brings all chats along, once, and what was the guest's is over", async () => {
    const email = newEmail();
    const first = await signUp(target.url, email);
    await aChat(first, "Of the account");
    const guest = await signInGuest(target.url);
    const { accountId: guestId, workspaceId } = (await (await guest.fetch("/api/me")).json()) as Account["me"];
    const ids = await Promise.all([1, 2, 3].map((n) => aChat(guest, `Of the guest ${n}`)));
    const account = await signIn(target.url, email, guest.cookie);
    expect(account.me.accountId).toBe(first.me.accountId);
    expect(account.me.merged).toEqual([{ accountId: guestId, workspaceId }]);
    await expect
      .poll(() => titlesOf(account))
      .toEqual(["Of the account", "Of the guest 1", "Of the guest 2", "Of the guest 3"]);
    expect(await codeOf(await guest.fetch("/api/me"))).toBe("401 unauthenticated");
    // The same Yjs clients go on writing under the account.
    const device = openNodeDevice(target.url, account.cookie, conversationRoom(ids[0] ?? ""));
    await device.until(() => device.conversation.summary().title === "Of the guest 1");
    const token = device.edit((conversation) => conversation.rename("Renamed"));
    await device.until(() => device.settled() >= token);
    expect(device.refused()).toEqual([]);
    device.close();
    await signIn(target.url, email, (await signInGuest(target.url)).cookie);
    expect(await titlesOf(account)).toHaveLength(4);
  });

  test("a wrong password and an unknown address are the same answer, and leave a guest the guest they were", async () => {
    const email = newEmail();
    await signUp(target.url, email);
    const guest = await signInGuest(target.url);
    for (const body of [
      { email, password: "not the password" },
      { email: newEmail(), password: PASSWORD },
      { email, password: "x".repeat(1280) },
    ])
      expect(await codeOf(await postAuth(target.url, "sign-in", body, guest.cookie))).toBe("401 wrong_credentials");
    expect((await guest.fetch("/api/me")).status).toBe(200);
  });

  test.each(["short", "password1", "aaaaaaaaaaaa", "x".repeat(129)])("C31: %s is no password", async (password) => {
    expect(await codeOf(await postAuth(target.url, "sign-up", { email: newEmail(), password }))).toBe(
      "422 password_weak",
    );
  });

  test("signing in again on the same browser replaces the session", async () => {
    const email = newEmail();
    const first = await signUp(target.url, email);
    const second = await signIn(target.url, email, first.cookie);
    expect(await codeOf(await first.fetch("/api/me"))).toBe("401 unauthenticated");
    expect((await second.fetch("/api/me")).status).toBe(200);
  });
});

test("a browser whose session was ended elsewhere signs in again", async () => {
  const email = newEmail();
  const here = await signUp(target.url, email);
  const there = await signIn(target.url, email);
  await there.send("DELETE", "/api/sessions");
  const response = await postAuth(target.url, "sign-in", { email, password: PASSWORD }, here.cookie);
  const kept = response.headers.getSetCookie().filter((line) => line.includes("session_token="));
  expect(kept).toHaveLength(1);
  expect((await (await signIn(target.url, email, here.cookie)).fetch("/api/me")).status).toBe(200);
});

const sessionsOf = async (who: Account): Promise<Sessions["sessions"]> =>
  ((await (await who.fetch("/api/sessions")).json()) as Sessions).sessions;

describe("sessions", () => {
  test("an account sees where it is signed in, and ends one of them or all others", async () => {
    const email = newEmail();
    const here = await signUp(target.url, email);
    const [there, elsewhere] = await Promise.all([signIn(target.url, email), signIn(target.url, email)]);
    const listed = await sessionsOf(here);
    expect(listed).toHaveLength(3);
    expect(listed.filter(({ current }) => current)).toHaveLength(1);
    const [one] = (await sessionsOf(there)).filter(({ current }) => current);
    expect((await here.send("DELETE", `/api/sessions/${one?.id}`)).status).toBe(204);
    expect(await codeOf(await there.fetch("/api/me"))).toBe("401 unauthenticated");
    expect(await codeOf(await here.send("DELETE", `/api/sessions/${one?.id}`))).toBe("404 not_found");
    expect((await here.send("DELETE", "/api/sessions")).status).toBe(204);
    expect(await codeOf(await elsewhere.fetch("/api/me"))).toBe("401 unauthenticated");
    expect(await sessionsOf(here)).toHaveLength(1);
  });

  test("another account's session cannot be ended", async () => {
    const [ann, ben] = await Promise.all([signUp(target.url), signUp(target.url)]);
    const [session] = await sessionsOf(ann);
    expect(await codeOf(await ben.send("DELETE", `/api/sessions/${session?.id}`))).toBe("404 not_found");
    expect((await ann.fetch("/api/me")).status).toBe(200);
  });

  test("row 6: ending a session closes its sockets within 2 s, and no frame follows", async () => {
    const email = newEmail();
    const here = await signUp(target.url, email);
    const there = await signIn(target.url, email);
    const chat = await aChat(here, "Watched");
    const socket = new WebSocket(`${target.url.replace("http", "ws")}/sync/${conversationRoom(chat)}`, {
      headers: { cookie: there.cookie, origin: target.url },
    });
    await once(socket, "open");
    const closed = once(socket, "close");
    const at = performance.now();
    await here.send("DELETE", "/api/sessions");
    const [code] = (await closed) as [number];
    expect(code).toBe(CloseCode.unauthenticated);
    expect(performance.now() - at).toBeLessThan(2000);
  });

  test("changing the password ends every other session and needs the old one", async () => {
    const email = newEmail();
    const here = await signUp(target.url, email);
    const there = await signIn(target.url, email);
    const next = "another long password";
    const wrong = await here.send("POST", "/api/account/password", { current: "not it at all", next });
    expect(await codeOf(wrong)).toBe("401 wrong_credentials");
    const changed = await here.send("POST", "/api/account/password", { current: PASSWORD, next });
    expect(changed.status).toBe(204);
    expect(await codeOf(await there.fetch("/api/me"))).toBe("401 unauthenticated");
    expect(await codeOf(await here.fetch("/api/me"))).toBe("401 unauthenticated");
    const cookie = cookiesOf(changed);
    const stays = await fetch(`${target.url}/api/me`, { headers: { cookie } });
    expect(stays.status).toBe(200);
    expect((await signIn(target.url, email, "", next)).me.accountId).toBe(here.me.accountId);
  });
});

/** The token of the last link of a kind that was printed to the log, as it is without SMTP_URL. */
async function linkOf(page: string): Promise<string> {
  let token: string | undefined;
  await expect
    .poll(() => (token = [...target.output().matchAll(new RegExp(`/account/${page}#([\\w.-]+)`, "g"))].at(-1)?.[1]))
    .toBeTruthy();
  return token ?? "";
}

describe("links", () => {
  test("a forgotten password is replaced by the link, once, and every session ends", async () => {
    const email = newEmail();
    const account = await signUp(target.url, email);
    expect((await postAuth(target.url, "password/forgot", { email })).status).toBe(204);
    const token = await linkOf("reset");
    const weak = await postAuth(target.url, "password/reset", { token, password: "password1" });
    expect(await codeOf(weak)).toBe("422 password_weak");
    const password = "the tide comes in again";
    expect((await postAuth(target.url, "password/reset", { token, password })).status).toBe(204);
    expect(await codeOf(await account.fetch("/api/me"))).toBe("401 unauthenticated");
    expect(await codeOf(await postAuth(target.url, "password/reset", { token, password }))).toBe("410 gone");
    expect((await signIn(target.url, email, "", password)).me.accountId).toBe(account.me.accountId);
  });

  test("who asks for an address without an account gets the same answer, and nobody gets a link", async () => {
    const printed = target.output().match(/account\/reset/g)?.length;
    expect((await postAuth(target.url, "password/forgot", { email: newEmail() })).status).toBe(204);
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(target.output().match(/account\/reset/g)?.length).toBe(printed);
  });

  test("the link that came with signing up confirms the address", async () => {
    const account = await signUp(target.url);
    const token = await linkOf("verify");
    expect((await postAuth(target.url, "email/verify", { token })).status).toBe(204);
    expect(await (await account.fetch("/api/me")).json()).toMatchObject({ emailVerified: true });
    expect(await codeOf(await postAuth(target.url, "email/verify", { token: `${token}x` }))).toBe("410 gone");
  });
});
