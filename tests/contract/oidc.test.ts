import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { allTables } from "#tests/support/all-tables.ts";
import { createAuthenticator } from "#tests/support/authenticator.ts";
import { newEmail } from "#tests/support/account.ts";
import { claimsOf, openOidcPeer } from "#tests/support/oidc-peer.ts";
import type { Claims, Json, OidcPeer, Person, Signing } from "#tests/support/oidc-peer.ts";
import { ORIGIN, codeOf, openSignInApp } from "#tests/support/sign-in-app.ts";
import type { Browser, SignInApp } from "#tests/support/sign-in-app.ts";

const redirectUri = `${ORIGIN}/api/auth/callback/oidc`;
let peer: OidcPeer;
let app: SignInApp;
beforeAll(async () => {
  peer = await openOidcPeer({ redirectUri });
  app = await openSignInApp({ env: peer.env });
});
afterEach(() => peer.tamperWith(undefined));
afterAll(async () => {
  await app?.close();
  await peer?.close();
});

let people = 0;
const aPerson = (over: Partial<Person> = {}): Person =>
  peer.add({ sub: `person-${(people += 1)}`, email: newEmail(), email_verified: true, name: "Ada", ...over });

/** Begins; answers where the browser is sent. */
async function start(browser: Browser, body: object = {}): Promise<string> {
  const started = await browser.post("/api/auth/oidc/start", body);
  expect(started.status).toBe(200);
  return ((await started.json()) as { url: string }).url;
}
const comeBack = (browser: Browser, back: URL): Promise<Response> => browser.get(back.pathname + back.search);
/** All of it; answers what the browser gets that comes back. */
async function signIn(browser: Browser, who: Person, body: object = {}): Promise<Response> {
  return comeBack(browser, await peer.visit(await start(browser, body), who));
}
const locationOf = (response: Response): string | null => {
  expect(response.status).toBe(302);
  return response.headers.get("location");
};
const failure = (why: string): string => `/account/failed#${why}`;
const accountRows = () => allTables(app.database).selectFrom("account").selectAll();

describe("signing in with the provider", () => {
  test("is offered by name, and begins with PKCE, a state and a nonce", async () => {
    const browser = app.browser();
    expect(await (await browser.get("/api/auth/methods")).json()).toMatchObject({ oidc: { name: "Kelp ID" } });
    const url = new URL(await start(browser));
    expect(url.origin).toBe(peer.issuer);
    expect(Object.fromEntries(url.searchParams)).toEqual({
      response_type: "code",
      client_id: peer.client.id,
      redirect_uri: redirectUri,
      scope: "openid email profile",
      code_challenge_method: "S256",
      code_challenge: expect.stringMatching(/^[\w-]{43}$/) as string,
      state: expect.stringMatching(/^[\w-]{32}$/) as string,
      nonce: expect.stringMatching(/^[\w-]{32}$/) as string,
    });
    expect(browser.jar.line("__Host-holdfast.state")).toMatch(/; Max-Age=300; Path=\/; HttpOnly; Secure; SameSite=Lax/);
  });

  test("makes an account, known by issuer and subject, and keeps no token of the provider's", async () => {
    const who = aPerson();
    const browser = app.browser();
    expect(locationOf(await signIn(browser, who, { next: "/trash" }))).toBe("/trash");
    const me = await browser.me();
    expect(me).toMatchObject({ kind: "account", email: who.email, emailVerified: true, name: "Ada" });
    const rows = await accountRows().where("userId", "=", me.accountId).execute();
    expect(rows).toEqual([
      {
        id: expect.any(String) as string,
        userId: me.accountId,
        providerId: "oidc",
        accountId: `${peer.issuer} ${who.sub}`,
        createdAt: expect.any(String) as string,
        updatedAt: expect.any(String) as string,
        accessToken: null,
        refreshToken: null,
        idToken: null,
        accessTokenExpiresAt: null,
        refreshTokenExpiresAt: null,
        scope: null,
        password: null,
      },
    ]);
    expect(await (await browser.get("/api/account/credentials")).json()).toEqual({ password: false, oidc: true });
    const again = app.browser();
    await signIn(again, who);
    expect((await again.me()).accountId).toBe(me.accountId);
    const tokens = await accountRows()
      .where("accessToken" as never, "is not", null)
      .execute();
    expect(tokens).toEqual([]);
  });

  test("lets the same person in whose e-mail has changed, and nobody else who has it now", async () => {
    const who = aPerson();
    const browser = app.browser();
    await signIn(browser, who);
    const { accountId } = await browser.me();
    const { email = "" } = who;
    peer.add({ ...who, email: newEmail() });
    const heir = aPerson({ email });
    const again = app.browser();
    await signIn(again, who);
    expect((await again.me()).accountId).toBe(accountId);
    expect(locationOf(await signIn(app.browser(), heir))).toBe(failure("email-taken"));
  });

  test("C34: replaces the session that was there with a new one", async () => {
    const who = aPerson();
    const browser = app.browser();
    await browser.signUp();
    const cookie = browser.jar.header();
    await signIn(browser, who);
    expect(await browser.me()).toMatchObject({ email: who.email });
    expect(await codeOf(await app.app.request(`${ORIGIN}/api/me`, { headers: { cookie } }))).toBe(
      "401 unauthenticated",
    );
  });

  test.each([
    ["for the first time", false],
    ["to an account", true],
  ])("%s brings along what a guest had, who is no more", async (_, known) => {
    const who = aPerson();
    if (known) await signIn(app.browser(), who);
    const guest = app.browser();
    await guest.becomeGuest();
    const { accountId, workspaceId } = await guest.me();
    const cookie = guest.jar.header();
    await signIn(guest, who);
    expect(await guest.me()).toMatchObject({ kind: "account", merged: [{ accountId, workspaceId }] });
    expect(await codeOf(await app.app.request(`${ORIGIN}/api/me`, { headers: { cookie } }))).toBe(
      "401 unauthenticated",
    );
  });

  test("on a shared device lets in until the browser is closed", async () => {
    const who = aPerson();
    const browser = app.browser();
    await signIn(browser, who, { sharedDevice: true });
    expect(await browser.me()).toMatchObject({ email: who.email });
    expect(browser.jar.line("__Host-holdfast.session_token")).not.toMatch(/max-age|expires/i);
    expect(browser.jar.line("__Host-holdfast.dont_remember")).toMatch(/; HttpOnly; Secure; SameSite=Lax$/);
    await signIn(browser, who);
    expect(browser.jar.line("__Host-holdfast.session_token")).toMatch(/; Max-Age=31536000/);
    expect(browser.jar.line("__Host-holdfast.dont_remember")).toBeUndefined();
  });

  test("is written down, also where it failed", async () => {
    const who = aPerson();
    const browser = app.browser();
    await signIn(browser, who);
    const { accountId } = await browser.me();
    await comeBack(app.browser(), new URL(`${redirectUri}?state=no&code=no`));
    const audit = allTables(app.database).selectFrom("audit").select("entry");
    const last = async (): Promise<unknown[]> =>
      (await audit.orderBy("seq", "desc").limit(2).execute()).map(({ entry }) => JSON.parse(entry) as unknown);
    await expect.poll(last).toMatchObject([
      { action: "account.sign-in", outcome: "refused", method: "oidc", reason: "expired", actor: { kind: "nobody" } },
      { action: "account.sign-in", outcome: "ok", method: "oidc", actor: { kind: "account", id: accountId } },
    ]);
  });

  test("needs no more than what an ID token says, where it says all", async () => {
    const full = await openOidcPeer({ redirectUri, fullIdToken: true });
    const other = await openSignInApp({ env: { ...full.env, SIGN_UP: "off", GUESTS: "off" } });
    const who = full.add({ sub: "1", email: newEmail(), email_verified: false, name: "a\u0000b".padEnd(200) });
    const browser = other.browser();
    const url = await start(browser);
    expect(locationOf(await comeBack(browser, await full.visit(url, who)))).toBe("/");
    // Where accounts are not for everybody, the provider says for whom they are. A name that is none is left out.
    expect(await browser.me()).toMatchObject({ email: who.email, emailVerified: false, name: "" });
    expect(full.asked.filter((path) => path.startsWith("/me"))).toEqual([]);
    await other.close();
    await full.close();
  });
});

describe("row 28: the page to come back to", () => {
  test.each([
    ["/trash", "/trash"],
    ["/?a=b#c", "/?a=b#c"],
    ["//evil.example", "/"],
    ["/\\evil.example", "/"],
    ["/%09/evil.example", "/"],
    ["/\t/evil.example", "/"],
    ["https://evil.example/", "/"],
    ["javascript:alert(1)", "/"],
    ["/api/auth/sign-out", "/"],
  ])("%j leads to %s", async (next, page) => {
    expect(locationOf(await signIn(app.browser(), aPerson(), { next }))).toBe(page);
  });
});

describe("an e-mail is nobody", () => {
  test.each([true, false])("an account with the same one is not given away (verified there: %s)", async (verified) => {
    const owner = app.browser();
    const email = await owner.signUp();
    const { accountId } = await owner.me();
    await allTables(app.database).updateTable("user").set({ emailVerified: 1 }).where("id", "=", accountId).execute();
    const who = aPerson({ email: email.toUpperCase(), email_verified: verified });
    const guest = app.browser();
    await guest.becomeGuest();
    const before = await guest.me();
    expect(locationOf(await signIn(guest, who))).toBe(failure("email-taken"));
    expect(await guest.me()).toEqual(before);
    const rows = await accountRows().where("userId", "=", accountId).select("providerId").execute();
    expect(rows).toMatchObject([{ providerId: "credential" }]);
  });

  test.each([undefined, "", "not an address", "a@b\r\n.example"])(
    "without a usable one (%j) nobody gets in",
    async (email) => {
      const who: Person = { sub: `mail-${(people += 1)}`, ...(email !== undefined && { email }) };
      peer.add(who);
      expect(locationOf(await signIn(app.browser(), who))).toBe(failure("email-missing"));
    },
  );
});

describe("C37: what comes back and is refused", () => {
  const cases: [string, (back: URL) => void, string][] = [
    ["another state", (back) => back.searchParams.set("state", "x".repeat(32)), "expired"],
    ["no state", (back) => back.searchParams.delete("state"), "expired"],
    ["no code", (back) => back.searchParams.delete("code"), "failed"],
    ["another code", (back) => back.searchParams.set("code", "x".repeat(43)), "failed"],
    ["another issuer beside it", (back) => back.searchParams.set("iss", "https://evil.example"), "failed"],
    ["a code of endless length", (back) => back.searchParams.set("code", "x".repeat(5_000)), "failed"],
    ["a no of the person's", (back) => back.searchParams.set("error", "access_denied"), "cancelled"],
    ["trouble at the provider", (back) => back.searchParams.set("error", "temporarily_unavailable"), "unavailable"],
    ["words of the provider's own", (back) => back.searchParams.set("error", "<script>//evil</script>"), "failed"],
    ["a failure nobody has", (back) => back.searchParams.set("error", "constructor"), "failed"],
  ];
  test.each(cases)("%s", async (_, change, why) => {
    const browser = app.browser();
    await browser.becomeGuest();
    const before = await browser.me();
    const back = await peer.visit(await start(browser), aPerson());
    change(back);
    const response = await comeBack(browser, back);
    expect(locationOf(response)).toBe(failure(why));
    expect(await browser.me()).toEqual(before);
  });

  test("the answer to another browser's question: nobody is signed in as somebody else", async () => {
    const [mallory, victim] = [app.browser(), app.browser()];
    const back = await peer.visit(await start(mallory), aPerson());
    expect(locationOf(await comeBack(victim, back))).toBe(failure("expired"));
    await start(victim);
    expect(locationOf(await comeBack(victim, back))).toBe(failure("expired"));
    expect(victim.jar.line("__Host-holdfast.session_token")).toBeUndefined();
  });

  test("an answer that was used, and its code under another state", async () => {
    const browser = app.browser();
    const who = aPerson();
    const url = await start(browser);
    const jar = browser.jar.header();
    const back = await peer.visit(url, who);
    expect(locationOf(await comeBack(browser, back))).toBe("/");
    const again = await browser.request("GET", back.pathname + back.search, undefined, { cookie: jar });
    expect(locationOf(again)).toBe(failure("expired"));
    const next = await peer.visit(await start(browser), who);
    next.searchParams.set("code", back.searchParams.get("code") ?? "");
    expect(locationOf(await comeBack(browser, next))).toBe(failure("failed"));
  });

  test("an answer that took longer than the question is good for", async () => {
    const browser = app.browser();
    const back = await peer.visit(await start(browser), aPerson());
    const row = allTables(app.database).selectFrom("verification").selectAll().orderBy("expiresAt", "desc").limit(1);
    const { id, value } = (await row.executeTakeFirstOrThrow()) as unknown as { id: string; value: string };
    const late = JSON.stringify({ ...(JSON.parse(value) as Json), expiresAt: Date.now() - 1 });
    await allTables(app.database)
      .updateTable("verification")
      .set({ value: late } as never)
      .where("id", "=", id)
      .execute();
    expect(locationOf(await comeBack(browser, back))).toBe(failure("expired"));
  });
});

const now = (): number => Math.floor(Date.now() / 1000);
const without = ({ ...rest }: Json, key: string): Json => {
  delete rest[key];
  return rest;
};

describe("C36, C37: an ID token is refused that", () => {
  const foreign = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const cases: [string, (claims: Claims) => Claims, Signing?][] = [
    ["another issuer gave", (claims) => ({ ...claims, iss: "https://evil.example" })],
    ["names no issuer", (claims) => without(claims, "iss")],
    ["is for somebody else", (claims) => ({ ...claims, aud: "other" })],
    ["is for somebody else, among us", (claims) => ({ ...claims, aud: ["holdfast", "other"], azp: "other" })],
    ["answers another question", (claims) => ({ ...claims, nonce: "x".repeat(32) })],
    ["answers none", (claims) => without(claims, "nonce")],
    ["is over", (claims) => ({ ...claims, exp: now() - 60 })],
    ["never ends", (claims) => without(claims, "exp")],
    ["names nobody", (claims) => without(claims, "sub")],
    ["names nobody in words", (claims) => ({ ...claims, sub: "" })],
    ["names somebody else than the userinfo endpoint", (claims) => ({ ...claims, sub: "somebody-else" })],
    ["nobody signed", (claims) => claims, { alg: "none" }],
    [
      "is signed with the secret both know",
      (claims) => claims,
      { alg: "HS256", secret: "a secret of 32 bytes, at the least" },
    ],
    ["another key signed", (claims) => claims, { key: foreign.privateKey }],
    ["names a key nobody has", (claims) => claims, { kid: "../../dev/null" }],
  ];
  test.each(cases)("%s", async (_, change, how) => {
    const browser = app.browser();
    await browser.becomeGuest();
    const before = await browser.me();
    const back = await peer.visit(await start(browser), aPerson());
    peer.tamperWith((path, answer) =>
      path === "/token" ? { ...answer, id_token: peer.sign(change(claimsOf(answer["id_token"])), how) } : answer,
    );
    expect(locationOf(await comeBack(browser, back))).toBe(failure("failed"));
    expect(await browser.me()).toEqual(before);
  });

  const answers: [string, (answer: Json) => Json][] = [
    ["is not there", (answer) => without(answer, "id_token")],
    ["is no token", (answer) => ({ ...answer, id_token: "opaque" })],
    [
      "was changed after it was signed",
      (answer) => {
        const [head, , signature] = String(answer["id_token"]).split(".");
        const claims = { ...claimsOf(answer["id_token"]), sub: "person-1" };
        return {
          ...answer,
          id_token: [head, Buffer.from(JSON.stringify(claims)).toString("base64url"), signature].join("."),
        };
      },
    ],
  ];
  test.each(answers)("%s", async (_, change) => {
    const browser = app.browser();
    const back = await peer.visit(await start(browser), aPerson());
    peer.tamperWith((path, answer) => (path === "/token" ? change(answer) : answer));
    expect(locationOf(await comeBack(browser, back))).toBe(failure("failed"));
    expect(browser.jar.line("__Host-holdfast.session_token")).toBeUndefined();
  });

  test("(nothing is wrong with one that is only signed anew)", async () => {
    const browser = app.browser();
    const back = await peer.visit(await start(browser), aPerson());
    peer.tamperWith((path, answer) =>
      path === "/token" ? { ...answer, id_token: peer.sign(claimsOf(answer["id_token"])) } : answer,
    );
    expect(locationOf(await comeBack(browser, back))).toBe("/");
  });

  test("says of another issuer than the configured one that it is its own, as the discovery document does", async () => {
    const liar = "https://evil.example";
    const fooled = await openSignInApp({ env: peer.env });
    const browser = fooled.browser();
    peer.tamperWith((path, answer) => {
      if (path.startsWith("/.well-known")) return { ...answer, issuer: liar };
      if (path !== "/token") return answer;
      return { ...answer, id_token: peer.sign({ ...claimsOf(answer["id_token"]), iss: liar }) };
    });
    const back = await peer.visit(await start(browser), aPerson());
    back.searchParams.delete("iss");
    expect(locationOf(await comeBack(browser, back))).toBe(failure("failed"));
    await fooled.close();
  });
});

describe("a provider that does not answer", () => {
  test.each(["refuses connections", "accepts them and is silent"])("%s: the rest works", async (how) => {
    const silent = createServer();
    silent.listen(0, "127.0.0.1");
    await once(silent, "listening");
    const { port } = silent.address() as AddressInfo;
    if (how === "refuses connections") silent.close();
    const before = performance.now();
    const other = await openSignInApp({ env: { ...peer.env, OIDC_ISSUER: `http://127.0.0.1:${port}` } });
    const browser = other.browser();
    await browser.signUp();
    expect((await browser.me()).kind).toBe("account");
    // A lookup of the provider at the start would have taken as long as the one below.
    expect(performance.now() - before).toBeLessThan(9_000);
    expect(await codeOf(await browser.post("/api/auth/oidc/start"))).toBe("503 oidc_unavailable");
    await other.close();
    silent.close();
  });

  test("is asked again when somebody comes, and lets them in once it does", async () => {
    const other = await openSignInApp({ env: peer.env });
    const browser = other.browser();
    peer.tamperWith(() => ({}));
    expect(await codeOf(await browser.post("/api/auth/oidc/start"))).toBe("503 oidc_unavailable");
    peer.tamperWith(undefined);
    expect(locationOf(await signIn(browser, aPerson()))).toBe("/");
    await other.close();
  });

  test("is not there at all: there is nothing to begin", async () => {
    const none = await openSignInApp();
    const browser = none.browser();
    expect(await codeOf(await browser.post("/api/auth/oidc/start"))).toBe("404 not_found");
    expect(await codeOf(await browser.get("/api/auth/callback/oidc?state=x&code=y"))).toBe("404 not_found");
    await none.close();
  });
});

/** Adds somebody's account at the provider to the one that is signed in. */
async function add(browser: Browser, who: Person): Promise<Response> {
  const started = await browser.post("/api/account/oidc", { next: "/trash" });
  expect(started.status).toBe(200);
  const { url } = (await started.json()) as { url: string };
  return comeBack(browser, await peer.visit(url, who));
}

describe("an account at the provider, added to one's own", () => {
  test("is one more way in, whatever its e-mail, and can be taken away again", async () => {
    const owner = app.browser();
    const email = await owner.signUp();
    const { accountId } = await owner.me();
    const cookie = owner.jar.line("__Host-holdfast.session_token");
    const who = aPerson();
    expect(locationOf(await add(owner, who))).toBe("/trash");
    expect(owner.jar.line("__Host-holdfast.session_token")).toBe(cookie);
    expect(await (await owner.get("/api/account/credentials")).json()).toEqual({ password: true, oidc: true });
    const elsewhere = app.browser();
    await signIn(elsewhere, who);
    expect(await elsewhere.me()).toMatchObject({ accountId, email });
    expect((await owner.request("DELETE", "/api/account/oidc")).status).toBe(204);
    expect(await codeOf(await owner.request("DELETE", "/api/account/oidc"))).toBe("404 not_found");
    await signIn(elsewhere, who);
    expect((await elsewhere.me()).accountId).not.toBe(accountId);
  });

  test("is not taken from somebody else, nor given to whoever signed out meanwhile", async () => {
    const who = aPerson();
    await signIn(app.browser(), who);
    const owner = app.browser();
    await owner.signUp();
    expect(locationOf(await add(owner, who))).toBe(failure("taken"));
    // Nor where both are at it at once: the table has room for one.
    const row = await accountRows().where("accountId", "=", `${peer.issuer} ${who.sub}`).executeTakeFirstOrThrow();
    const twin = { ...row, id: "twin", userId: (await owner.me()).accountId };
    await expect(allTables(app.database).insertInto("account").values(twin).execute()).rejects.toThrow(
      /conflict|unique/i,
    );
    const { url } = (await (await owner.post("/api/account/oidc")).json()) as { url: string };
    const back = await peer.visit(url, aPerson());
    await owner.post("/api/auth/sign-out");
    expect(locationOf(await comeBack(owner, back))).toBe(failure("failed"));
  });

  test("cannot be taken away where it is the only way in, nor a passkey after it", async () => {
    const who = aPerson();
    const owner = app.browser();
    await signIn(owner, who);
    expect(await codeOf(await owner.request("DELETE", "/api/account/oidc"))).toBe("409 last_credential");
    const options = (await (await owner.post("/api/passkeys/options")).json()) as never;
    const credential = createAuthenticator(ORIGIN).create(options);
    const { id } = (await (await owner.post("/api/passkeys", { name: "Key", credential })).json()) as { id: string };
    expect((await owner.request("DELETE", "/api/account/oidc")).status).toBe(204);
    expect(await codeOf(await owner.request("DELETE", `/api/passkeys/${id}`))).toBe("409 last_credential");
  });

  test("is for accounts, and for whoever signed in a moment ago", async () => {
    const guest = app.browser();
    await guest.becomeGuest();
    expect(await codeOf(await guest.post("/api/account/oidc"))).toBe("409 account_needed");
    const later = await openSignInApp({ env: peer.env });
    const owner = later.browser();
    await owner.signUp();
    later.setForward(16 * 60_000);
    expect(await codeOf(await owner.post("/api/account/oidc"))).toBe("403 sign_in_again");
    await later.close();
  });
});
