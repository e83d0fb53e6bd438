import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Credentials } from "#shared/protocol/oidc-bodies.ts";
import type { Passkey, PasskeyCreation, PasskeyRequest, Passkeys } from "#shared/protocol/passkey-bodies.ts";
import { MOST_PASSKEYS } from "#server/accounts/passkeys.ts";
import { RECENT_MS } from "#server/accounts/sessions.ts";
import { allTables } from "#tests/support/all-tables.ts";
import { PASSWORD, newEmail } from "#tests/support/account.ts";
import { createAuthenticator } from "#tests/support/authenticator.ts";
import type { Authenticator, Wrong } from "#tests/support/authenticator.ts";
import { ORIGIN, codeOf, openSignInApp } from "#tests/support/sign-in-app.ts";
import type { Browser, SignInApp } from "#tests/support/sign-in-app.ts";

let app: SignInApp;
beforeAll(async () => {
  app = await openSignInApp();
});
afterAll(async () => {
  await app?.close();
});

const creation = async (browser: Browser): Promise<PasskeyCreation> =>
  (await (await browser.post("/api/passkeys/options")).json()) as PasskeyCreation;
const challenge = async (browser: Browser): Promise<PasskeyRequest> =>
  (await (await browser.post("/api/auth/passkey/options")).json()) as PasskeyRequest;

async function addPasskey(browser: Browser, keys: Authenticator, wrong: Wrong = {}): Promise<Response> {
  return browser.post("/api/passkeys", { name: "Laptop", credential: keys.create(await creation(browser), wrong) });
}
async function signIn(browser: Browser, keys: Authenticator, wrong: Wrong = {}): Promise<Response> {
  return browser.post("/api/auth/passkey/sign-in", { credential: keys.get(await challenge(browser), wrong) });
}
const listed = async (browser: Browser): Promise<Passkey[]> =>
  ((await (await browser.get("/api/passkeys")).json()) as Passkeys).passkeys;

const pathOf = (id: string): string => `/api/passkeys/${id}`;

/** A row as better-auth writes it, of a passkey that nobody has. */
const aRow = (ids: { id: string; userId: string; credentialID: string }) => ({
  ...ids,
  name: "x",
  publicKey: "x",
  counter: 0,
  deviceType: "singleDevice",
  backedUp: 0,
  createdAt: null,
  aaguid: null,
});

/** An account that has a passkey. */
async function anOwner() {
  const browser = app.browser();
  const email = await browser.signUp();
  const keys = createAuthenticator(ORIGIN);
  const added = await addPasskey(browser, keys);
  expect(added.status).toBe(201);
  const passkey = (await added.json()) as Passkey;
  return { browser, email, keys, passkey, accountId: (await browser.me()).accountId };
}

describe("a passkey", () => {
  test("is added by whoever is signed in, with the site's name and theirs, kept by the authenticator", async () => {
    const browser = app.browser();
    const email = await browser.signUp();
    const options = await creation(browser);
    expect(options).toMatchObject({
      rp: { id: "chat.example.org", name: "Holdfast" },
      user: { name: email },
      attestation: "none",
      authenticatorSelection: { residentKey: "required", requireResidentKey: true, userVerification: "preferred" },
    });
    const cookie = browser.jar.line("__Host-holdfast.passkey");
    expect(cookie).toMatch(/; Max-Age=300; Path=\/; HttpOnly; Secure; SameSite=Lax$/);
    expect(cookie).not.toContain(options.challenge);
    const credential = createAuthenticator(ORIGIN).create(options);
    const added = await browser.post("/api/passkeys", { name: " My laptop ", credential });
    expect(added.status).toBe(201);
    const passkey = (await added.json()) as Passkey;
    expect(passkey).toMatchObject({ name: "My laptop", synced: false });
    expect(Math.abs(passkey.createdAt - Date.now())).toBeLessThan(60_000);
    expect(await listed(browser)).toEqual([passkey]);
    // The authenticator that has it is told not to make another one.
    expect((await creation(browser)).excludeCredentials).toMatchObject([{ id: credential.id }]);
  });

  test("C34: lets its owner in without a name, with a new session that replaces the one before", async () => {
    const { browser, keys, accountId } = await anOwner();
    const before = browser.jar.header();
    expect((await signIn(browser, keys)).status).toBe(204);
    expect((await browser.me()).accountId).toBe(accountId);
    expect(browser.jar.header()).not.toBe(before);
    const old = await app.app.request(`${ORIGIN}/api/me`, { headers: { cookie: before } });
    expect(await codeOf(old)).toBe("401 unauthenticated");
    const other = app.browser();
    const options = await challenge(other);
    expect(options).toMatchObject({ rpId: "chat.example.org", userVerification: "preferred" });
    expect(options.allowCredentials).toBeUndefined();
    expect((await signIn(other, keys)).status).toBe(204);
    expect((await other.me()).accountId).toBe(accountId);
  });

  test("brings along what a guest had, who is no more", async () => {
    const { keys, accountId } = await anOwner();
    const guest = app.browser();
    await guest.becomeGuest();
    const { accountId: guestId, workspaceId } = await guest.me();
    const cookie = guest.jar.header();
    expect((await signIn(guest, keys)).status).toBe(204);
    expect(await guest.me()).toMatchObject({ accountId, merged: [{ accountId: guestId, workspaceId }] });
    expect(await codeOf(await app.app.request(`${ORIGIN}/api/me`, { headers: { cookie } }))).toBe(
      "401 unauthenticated",
    );
  });

  test("on a shared device lets in until the browser is closed, and for half an hour after the last sign of life", async () => {
    const { browser, keys, accountId } = await anOwner();
    const shared = app.browser();
    const credential = keys.get(await challenge(shared));
    await shared.post("/api/auth/passkey/sign-in", { credential, sharedDevice: true });
    expect((await shared.me()).accountId).toBe(accountId);
    expect(shared.jar.line("__Host-holdfast.session_token")).not.toMatch(/max-age|expires/i);
    const { sessions } = (await (await shared.get("/api/sessions")).json()) as { sessions: { id: string }[] };
    const id = sessions[0]?.id ?? "";
    const tables = allTables(app.database);
    const lasts = async (): Promise<number> => {
      const row = await tables.selectFrom("session").select("expiresAt").where("id", "=", id).executeTakeFirstOrThrow();
      return Date.parse(row.expiresAt) - Date.now();
    };
    const endIn = (ms: number) =>
      tables
        .updateTable("session")
        .set({ expiresAt: new Date(Date.now() + ms).toISOString() })
        .where("id", "=", id)
        .execute();
    expect(await lasts()).toBeLessThanOrEqual(1_800_000);
    await endIn(60_000);
    await shared.me();
    expect(await lasts()).toBeGreaterThan(1_700_000);
    // Whoever comes by there later, and calls the device theirs, stays signed in.
    await signIn(shared, keys);
    expect(shared.jar.line("__Host-holdfast.session_token")).toMatch(/; Max-Age=31536000/);
    expect(shared.jar.line("__Host-holdfast.dont_remember")).toBeUndefined();
    expect(browser.jar.line("__Host-holdfast.session_token")).toMatch(/; Max-Age=31536000/);
  });

  test("can be renamed and removed by its owner, and lets nobody in from then on", async () => {
    const { browser, keys, passkey } = await anOwner();
    const path = `/api/passkeys/${passkey.id}`;
    expect((await browser.request("PATCH", path, { name: "Phone" })).status).toBe(204);
    expect(await listed(browser)).toMatchObject([{ name: "Phone" }]);
    for (const name of ["", "   ", "x".repeat(81), "a\nb"])
      expect(await codeOf(await browser.request("PATCH", path, { name }))).toBe("400 invalid_body");
    expect((await browser.request("DELETE", path)).status).toBe(204);
    expect(await codeOf(await browser.request("DELETE", path))).toBe("404 not_found");
    expect(await codeOf(await browser.request("PATCH", path, { name: "Phone" }))).toBe("404 not_found");
    const other = app.browser();
    expect(await codeOf(await signIn(other, keys))).toBe("401 wrong_credentials");
  });

  test("row 2: of another account is seen, renamed and removed by nobody else", async () => {
    const [ann, ben] = await Promise.all([anOwner(), anOwner()]);
    const path = `/api/passkeys/${ann.passkey.id}`;
    expect(await codeOf(await ben.browser.request("PATCH", path, { name: "Mine" }))).toBe("404 not_found");
    expect(await codeOf(await ben.browser.request("DELETE", path))).toBe("404 not_found");
    expect(await listed(ann.browser)).toEqual([ann.passkey]);
    expect(await listed(ben.browser)).toEqual([ben.passkey]);
  });

  test("is written down when it is added, used and removed", async () => {
    const { browser, keys, passkey, accountId } = await anOwner();
    await signIn(browser, keys);
    await signIn(app.browser(), keys, { flags: 0 });
    await browser.request("DELETE", `/api/passkeys/${passkey.id}`);
    const entries = async (): Promise<unknown> =>
      ((await (await browser.get("/api/audit?limit=10")).json()) as { entries: unknown }).entries;
    await expect.poll(entries).toMatchObject([
      { action: "passkey.remove", outcome: "ok", target: { kind: "passkey", id: passkey.id } },
      { action: "account.sign-in", outcome: "ok", method: "passkey", actor: { id: accountId } },
      { action: "passkey.add", outcome: "ok" },
      { action: "account.sign-up", outcome: "ok" },
    ]);
  });

  test("is limited in number", async () => {
    const { browser, accountId } = await anOwner();
    for (let more = 1; more < MOST_PASSKEYS; more += 1)
      await allTables(app.database)
        .insertInto("passkey")
        .values(aRow({ id: `${accountId}-${more}`, userId: accountId, credentialID: `${accountId}-${more}` }))
        .execute();
    expect(await codeOf(await browser.post("/api/passkeys/options"))).toBe("409 too_many");
  });
});

describe("the last way to sign in", () => {
  test("cannot be removed, also where two go at once", async () => {
    const { browser, keys, passkey, accountId } = await anOwner();
    expect(await (await browser.get("/api/account/credentials")).json()).toEqual({ password: true, oidc: false });
    await allTables(app.database).deleteFrom("account").where("userId", "=", accountId).execute();
    const credentials = (await (await browser.get("/api/account/credentials")).json()) as Credentials;
    expect(credentials).toEqual({ password: false, oidc: false });
    expect(await codeOf(await browser.request("DELETE", pathOf(passkey.id)))).toBe("409 last_credential");
    const second = (await (await addPasskey(browser, keys)).json()) as Passkey;
    const removed = await Promise.all(
      [passkey.id, second.id].map(async (id) => codeOf(await browser.request("DELETE", pathOf(id)))),
    );
    expect(removed.toSorted()).toEqual(["204", "409 last_credential"]);
    expect(await listed(browser)).toHaveLength(1);
  });
});

describe("ASVS 7.5.1: how one signs in", () => {
  test("is changed only by whoever signed in a moment ago", async () => {
    const later = await openSignInApp();
    const browser = later.browser();
    const email = await browser.signUp();
    const keys = createAuthenticator(ORIGIN);
    const credential = keys.create(await creation(browser));
    const { id } = (await (await browser.post("/api/passkeys", { name: "Laptop", credential })).json()) as Passkey;
    const begun = await creation(browser);
    later.setForward(RECENT_MS + 1_000);
    const changes = async (): Promise<string[]> => [
      await codeOf(await browser.post("/api/passkeys/options")),
      await codeOf(await browser.request("DELETE", `/api/passkeys/${id}`)),
      await codeOf(await browser.request("DELETE", "/api/account/oidc")),
    ];
    expect(await changes()).toEqual(Array.from({ length: 3 }, () => "403 sign_in_again"));
    // What was begun in time may be finished, and a name is no way in.
    const added = await browser.post("/api/passkeys", { name: "Phone", credential: keys.create(begun) });
    expect(added.status).toBe(201);
    expect((await browser.request("PATCH", `/api/passkeys/${id}`, { name: "Old" })).status).toBe(204);
    later.setForward(5 * 60_000);
    const tooLate = { name: "Late", credential: keys.create(begun) };
    expect(await codeOf(await browser.post("/api/passkeys", tooLate))).toBe("403 sign_in_again");
    await browser.post("/api/auth/sign-in", { email, password: PASSWORD });
    // better-auth's clock does not go forward with ours: the new session is as old to us as it is ahead.
    later.setForward(-(RECENT_MS + 301_000));
    expect(await changes()).toEqual(["200", "204", "404 not_found"]);
    await later.close();
  });
});

describe("what is refused", () => {
  let one: ReturnType<typeof anOwner>;
  beforeAll(() => void (one = anOwner()));

  const registrations: [string, Wrong][] = [
    ["another origin", { origin: "https://evil.example" }],
    ["a sub-domain", { origin: "https://sub.chat.example.org" }],
    ["another port", { origin: "https://chat.example.org:444" }],
    ["the origin without TLS", { origin: "http://chat.example.org" }],
    ["another site", { rpId: "evil.example" }],
    ["a site above", { rpId: "example.org" }],
    ["another challenge", { challenge: "bm90IHRoZSBvbmU" }],
    ["another ceremony", { type: "webauthn.get" }],
    ["nobody who was there", { flags: 0 }],
  ];
  test.each(registrations)("a new passkey for %s", async (_, wrong) => {
    const { browser, passkey } = await one;
    const added = await addPasskey(browser, createAuthenticator(ORIGIN), wrong);
    expect(await codeOf(added)).toBe("422 passkey_invalid");
    expect(await listed(browser)).toEqual([passkey]);
  });

  const signIns: [string, Wrong][] = [
    ...registrations.filter(([, { type }]) => type === undefined),
    ["another ceremony", { type: "webauthn.create" }],
    ["another key", { key: createAuthenticatorKey() }],
  ];
  test.each(signIns)("a sign-in for %s, and a guest stays the guest they were", async (_, wrong) => {
    const { keys } = await one;
    const guest = app.browser();
    await guest.becomeGuest();
    const before = await guest.me();
    expect(await codeOf(await signIn(guest, keys, wrong))).toBe("401 wrong_credentials");
    expect(await guest.me()).toEqual(before);
  });

  test("a counter that goes back: somebody has a copy", async () => {
    const { keys } = await anOwner();
    expect((await signIn(app.browser(), keys, { counter: 5 })).status).toBe(204);
    expect(await codeOf(await signIn(app.browser(), keys, { counter: 4 }))).toBe("401 wrong_credentials");
    expect(await codeOf(await signIn(app.browser(), keys, { counter: 5 }))).toBe("401 wrong_credentials");
    expect((await signIn(app.browser(), keys, { counter: 6 })).status).toBe(204);
  });

  test("an answer that is given twice", async () => {
    const { keys } = await anOwner();
    const browser = app.browser();
    const credential = keys.get(await challenge(browser));
    const cookie = browser.jar.header();
    expect((await browser.post("/api/auth/passkey/sign-in", { credential })).status).toBe(204);
    const again = await browser.request("POST", "/api/auth/passkey/sign-in", { credential }, { cookie });
    expect(await codeOf(again)).toBe("401 wrong_credentials");
  });

  test("the challenge of another browser, one of registering, and none", async () => {
    const { browser, keys } = await anOwner();
    const [here, there] = [app.browser(), app.browser()];
    const credential = keys.get(await challenge(here));
    await challenge(there);
    const answers = [
      await there.post("/api/auth/passkey/sign-in", { credential }),
      await app.browser().post("/api/auth/passkey/sign-in", { credential }),
    ];
    const { challenge: ofRegistering } = await creation(browser);
    const request = { challenge: ofRegistering, rpId: "chat.example.org" };
    answers.push(await browser.post("/api/auth/passkey/sign-in", { credential: keys.get(request) }));
    for (const answer of answers) expect(await codeOf(answer)).toBe("401 wrong_credentials");
  });

  test("a challenge after five minutes", async () => {
    const { keys } = await anOwner();
    const browser = app.browser();
    const credential = keys.get(await challenge(browser));
    await allTables(app.database)
      .updateTable("verification")
      .set({ expiresAt: new Date(Date.now() - 1).toISOString() })
      .execute();
    expect(await codeOf(await browser.post("/api/auth/passkey/sign-in", { credential }))).toBe("401 wrong_credentials");
  });

  test("a new passkey with the id of another account's, which still lets its owner in", async () => {
    const ann = await anOwner();
    const ben = app.browser();
    await ben.signUp();
    const [id = ""] = ann.keys.kept.map((kept) => kept.id);
    const twin = await addPasskey(ben, createAuthenticator(ORIGIN), { id });
    expect(await codeOf(twin)).toBe("422 passkey_invalid");
    // Also where both arrive together: the table has room for one.
    const insert = allTables(app.database)
      .insertInto("passkey")
      .values(aRow({ id: "twin", userId: (await ben.me()).accountId, credentialID: id }));
    await expect(insert.execute()).rejects.toThrow(/conflict|unique/i);
    const anywhere = app.browser();
    expect((await signIn(anywhere, ann.keys)).status).toBe(204);
    expect((await anywhere.me()).accountId).toBe(ann.accountId);
  });

  test("another account's id under one's own signature", async () => {
    const [ann, ben] = await Promise.all([anOwner(), anOwner()]);
    const id = ann.keys.kept[0]?.id ?? "";
    expect(await codeOf(await signIn(app.browser(), ben.keys, { id }))).toBe("401 wrong_credentials");
  });

  test("a challenge for one account answered by another", async () => {
    const ann = app.browser();
    await ann.signUp();
    const options = await creation(ann);
    const ben = app.browser();
    await ben.signUp();
    await creation(ben);
    // Ann's challenge, cookie and all, in Ben's session.
    const cookie = [ben.jar.line("__Host-holdfast.session_token"), ann.jar.line("__Host-holdfast.passkey")]
      .map((line) => line?.split(";", 1)[0])
      .join("; ");
    const body = { name: "x", credential: createAuthenticator(ORIGIN).create(options) };
    expect(await codeOf(await ben.request("POST", "/api/passkeys", body, { cookie }))).toBe("422 passkey_invalid");
    expect(await listed(ann)).toEqual([]);
  });

  test("a guest, who has nothing to come back by", async () => {
    const guest = app.browser();
    await guest.becomeGuest();
    expect(await codeOf(await guest.post("/api/passkeys/options"))).toBe("409 account_needed");
    expect(await codeOf(await guest.get("/api/passkeys"))).toBe("409 account_needed");
  });

  test("C05, C06: keys nobody asked for, wherever they stand", async () => {
    const { browser, keys } = await anOwner();
    const credential = keys.get(await challenge(browser));
    const bodies = [
      { credential, userId: "x" },
      { credential: { ...credential, userId: "x" } },
      { credential: { ...credential, response: { ...credential.response, userId: "x" } } },
      { credential: { ...credential, id: "not base64!" } },
    ];
    for (const body of bodies)
      expect(await codeOf(await browser.post("/api/auth/passkey/sign-in", body))).toBe("400 invalid_body");
    expect(await codeOf(await browser.post("/api/passkeys/options", { userId: "x" }))).toBe("400 invalid_body");
  });
});

test("whoever sets a password by a mailed link, at an address nobody had confirmed, is alone in the account", async () => {
  const squatter = app.browser();
  const email = await squatter.signUp(newEmail());
  const keys = createAuthenticator(ORIGIN);
  expect((await addPasskey(squatter, keys)).status).toBe(201);
  const owner = app.browser();
  const linkOf = (): string | undefined =>
    app.logged.map((line) => /account\/reset#([\w.-]+)/.exec(line)?.[1]).findLast((found) => found !== undefined);
  await owner.post("/api/auth/password/forgot", { email });
  await expect.poll(linkOf).toBeTruthy();
  const password = "a password of the owner's";
  expect((await owner.post("/api/auth/password/reset", { token: linkOf(), password })).status).toBe(204);
  expect(await codeOf(await squatter.get("/api/me"))).toBe("401 unauthenticated");
  expect(await codeOf(await signIn(app.browser(), keys))).toBe("401 wrong_credentials");
  expect((await owner.post("/api/auth/sign-in", { email, password })).status).toBe(204);
  expect(await owner.me()).toMatchObject({ emailVerified: true });
  // Confirmed from now on: what the owner adds stays when they forget the password.
  const own = createAuthenticator(ORIGIN);
  await addPasskey(owner, own);
  const before = linkOf();
  await owner.post("/api/auth/password/forgot", { email });
  await expect.poll(linkOf).not.toBe(before);
  await owner.post("/api/auth/password/reset", { token: linkOf(), password });
  expect((await signIn(app.browser(), own)).status).toBe(204);
});

test("without PUBLIC_URL a passkey is for the host that is asked", async () => {
  const local = await openSignInApp({ env: { PUBLIC_URL: "" } });
  const browser = local.browser("http://localhost:8787");
  await browser.signUp();
  const keys = createAuthenticator("http://localhost:8787");
  expect((await creation(browser)).rp.id).toBe("localhost");
  expect((await addPasskey(browser, keys)).status).toBe(201);
  const again = local.browser("http://localhost:8787");
  expect((await signIn(again, keys)).status).toBe(204);
  expect(again.jar.line("holdfast.session_token")).not.toMatch(/secure/i);
  expect(await codeOf(await signIn(local.browser("http://localhost:8787"), keys, { origin: "http://evil" }))).toBe(
    "401 wrong_credentials",
  );
  const elsewhere = local.browser("http://chat.local:8787");
  expect((await challenge(elsewhere)).rpId).toBe("chat.local");
  await local.close();
});

function createAuthenticatorKey() {
  const keys = createAuthenticator(ORIGIN);
  keys.create({
    challenge: "",
    rp: { id: "x", name: "x" },
    user: { id: "x", name: "x", displayName: "x" },
    pubKeyCredParams: [],
    authenticatorSelection: { residentKey: "required", requireResidentKey: true, userVerification: "preferred" },
  });
  return keys.kept[0]?.key as NonNullable<Wrong["key"]>;
}
