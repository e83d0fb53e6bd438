import { expect, test, vi } from "vitest";
import { noLocks } from "#client/platform/locks.ts";
import type { Locks } from "#client/platform/locks.ts";
import type { SmallStorage } from "#client/platform/small-storage.ts";
import type { Me } from "#shared/protocol/http-bodies.ts";
import { openSession } from "./session.ts";

const GUEST = { accountId: "a1", workspaceId: "w1", kind: "guest" as const };

function memoryStorage(texts: Record<string, string> = {}): SmallStorage & { texts: Record<string, string> } {
  return {
    texts,
    read: (key) => texts[key],
    write(key, text) {
      texts[key] = text;
      return true;
    },
  };
}

/** A server with cookies: who is signed in is one variable that a guest sign-in sets. */
function aServer({ signedIn = undefined as Me | undefined, up = true, keepsCookies = true } = {}) {
  const server = { signedIn, up, guests: 0, asked: [] as string[] };
  const fetch = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    await Promise.resolve();
    const path = String(input);
    const body = typeof init?.body === "string" ? ` ${init.body}` : "";
    const workspace = new Headers(init?.headers).get("x-holdfast-workspace");
    server.asked.push(`${init?.method ?? "GET"} ${path}${body}${workspace === null ? "" : ` in ${workspace}`}`);
    if (!server.up) throw new TypeError("network");
    if (path === "/api/auth/sign-in/anonymous") {
      server.guests++;
      if (keepsCookies) server.signedIn = { ...GUEST, accountId: `a${server.guests}` };
      return Response.json({});
    }
    return server.signedIn
      ? Response.json(server.signedIn)
      : Response.json({ code: "unauthenticated" }, { status: 401 });
  };
  return { server, fetch };
}

function aBrowser(fetch: typeof globalThis.fetch, texts: Record<string, string> = {}, locks: Locks = noLocks) {
  const woken = new Set<() => void>();
  const page = new AbortController();
  const smallStorage = memoryStorage(texts);
  const tabStorage = memoryStorage();
  const writeCookies = vi.fn<() => void>();
  const connectivity = {
    online: () => true,
    onWake(callback: () => void) {
      woken.add(callback);
      return () => woken.delete(callback);
    },
    onOffline: () => () => undefined,
  };
  return {
    page,
    texts: smallStorage.texts,
    tabTexts: tabStorage.texts,
    writeCookies,
    open: () =>
      openSession({ platform: { fetch, connectivity }, locks, smallStorage, tabStorage, writeCookies }, page.signal),
    wake: () => woken.forEach((callback) => callback()),
  };
}

const remembered = { "holdfast.me": JSON.stringify(GUEST) };

test("a newcomer becomes a guest, once, and is remembered", async () => {
  const { server, fetch } = aServer();
  const browser = aBrowser(fetch);
  const session = await browser.open();
  expect(session).toMatchObject({ ok: true, value: { me: GUEST } });
  expect(server.asked).toEqual(["GET /api/me", "POST /api/auth/sign-in/anonymous {}", "GET /api/me"]);
  expect(JSON.parse(browser.texts["holdfast.me"] ?? "")).toEqual(GUEST);
  expect(browser.writeCookies).toHaveBeenCalledOnce();
});

test("who was here before has cookies that are written down already", async () => {
  const browser = aBrowser(aServer({ signedIn: GUEST }).fetch, remembered);
  await browser.open();
  expect(browser.writeCookies).not.toHaveBeenCalled();
});

test("someone with a cookie is not made a guest", async () => {
  const { server, fetch } = aServer({ signedIn: { ...GUEST, accountId: "mine" } });
  const session = await aBrowser(fetch).open();
  expect(session).toMatchObject({ ok: true, value: { me: { accountId: "mine" } } });
  expect(server.guests).toBe(0);
});

test("two tabs at once make one guest", async () => {
  const { server, fetch } = aServer();
  let last: Promise<unknown> = Promise.resolve();
  const locks: Locks = {
    hold(_name, _signal, work) {
      const turn = last.then(work);
      last = turn;
      return turn;
    },
  };
  const [one, two] = await Promise.all([aBrowser(fetch, {}, locks).open(), aBrowser(fetch, {}, locks).open()]);
  expect(server.guests).toBe(1);
  expect(one).toMatchObject({ value: { me: GUEST } });
  expect(two).toMatchObject({ value: { me: GUEST } });
});

test("P5: without a network the last account's data opens at once", async () => {
  const { fetch } = aServer({ up: false });
  const session = await aBrowser(fetch, { ...remembered }).open();
  expect(session).toMatchObject({ ok: true, value: { me: GUEST } });
  expect(session.ok && session.value.status()).toEqual({ type: "unchecked" });
});

test("without a network and without a past there is nothing to open, and it says why", async () => {
  expect(await aBrowser(aServer({ up: false }).fetch).open()).toEqual({ ok: false, failure: "unreachable" });
  expect(await aBrowser(aServer({ keepsCookies: false }).fetch).open()).toEqual({ ok: false, failure: "no-cookies" });
});

/** The next change of a session's status. */
const changed = (session: { subscribe(listener: () => void): () => void }): Promise<void> =>
  new Promise((resolve) => {
    const stop = session.subscribe(() => {
      stop();
      resolve();
    });
  });

test("a request that is taken for nobody's makes a page that is open ask who it is", async () => {
  const { server, fetch } = aServer({ signedIn: GUEST });
  const session = await aBrowser(fetch, { ...remembered }).open();
  if (!session.ok) throw new Error(session.failure);
  await changed(session.value);
  expect(session.value.status()).toMatchObject({ type: "signed-in" });
  server.signedIn = undefined;
  session.value.check();
  await changed(session.value);
  expect(session.value.status()).toEqual({ type: "ended" });
});

test("a session that ended is reported, makes no new guest, and what is remembered stays", async () => {
  const { server, fetch } = aServer();
  const browser = aBrowser(fetch, { ...remembered });
  const session = await browser.open();
  if (!session.ok) throw new Error(session.failure);
  await changed(session.value);
  expect(session.value.status()).toEqual({ type: "ended" });
  expect(server.guests).toBe(0);
  expect(browser.texts).toEqual(remembered);
});

test("another account in the cookie is reported, and this page keeps showing its own", async () => {
  const { server, fetch } = aServer({ signedIn: GUEST });
  const browser = aBrowser(fetch, { ...remembered });
  const session = await browser.open();
  if (!session.ok) throw new Error(session.failure);
  await changed(session.value);
  expect(session.value.status()).toMatchObject({ type: "signed-in" });
  server.signedIn = { ...GUEST, accountId: "other" };
  const next = changed(session.value);
  browser.wake();
  await next;
  expect(session.value.status()).toMatchObject({ type: "other-account", me: { accountId: "other" } });
  expect(session.value.me).toEqual(GUEST);
  expect(browser.texts).toEqual(remembered);
  expect(await session.value.renew()).toBe(true);
  expect(JSON.parse(browser.texts["holdfast.me"] ?? "")).toMatchObject({ accountId: "other" });
});

const SHARED = { ...GUEST, accountId: "ann", kind: "account" as const, sharedDevice: true };
const TAB = "holdfast.shared-device";
const HERE = "holdfast.shared-here";

test("of somebody on a shared device nothing is remembered, but that this tab has to ask", async () => {
  const { fetch } = aServer({ signedIn: SHARED });
  const browser = aBrowser(fetch);
  expect(await browser.open()).toMatchObject({ ok: true, value: { me: SHARED } });
  expect(browser.texts).toEqual({ [HERE]: "1" });
  expect(browser.tabTexts).toEqual({ [TAB]: "w1" });
  // A cookie that goes with the browser need not outlive it.
  expect(browser.writeCookies).not.toHaveBeenCalled();
});

test("a tab of a shared device asks the server, whoever else this browser remembers, and leaves that alone", async () => {
  const { server, fetch } = aServer({ signedIn: SHARED });
  const browser = aBrowser(fetch, { ...remembered });
  browser.tabTexts[TAB] = "w7";
  expect(await browser.open()).toMatchObject({ ok: true, value: { me: SHARED } });
  expect(server.asked).toEqual(["GET /api/me in w7"]);
  expect(browser.texts).toEqual({ ...remembered, [HERE]: "1" });
});

test("a new tab does not open whoever was here before somebody said that the device is shared", async () => {
  const { server, fetch } = aServer({ signedIn: SHARED });
  const browser = aBrowser(fetch, { ...remembered, [HERE]: "1" });
  expect(await browser.open()).toMatchObject({ ok: true, value: { me: SHARED } });
  // Their own data opens all the same where nobody can be asked.
  server.up = false;
  const later = aBrowser(fetch, { ...remembered, [HERE]: "1" });
  expect(await later.open()).toMatchObject({ ok: true, value: { me: GUEST } });
});

test("who was remembered here and now shares the device is not remembered any more", async () => {
  const own = JSON.stringify({ ...SHARED, sharedDevice: undefined });
  const browser = aBrowser(aServer({ signedIn: SHARED }).fetch, { "holdfast.me": own });
  browser.tabTexts[TAB] = "w1";
  await browser.open();
  expect(browser.texts["holdfast.me"]).toBe("");
});

test("once the session on a shared device is over, whoever this browser remembers opens", async () => {
  const { server, fetch } = aServer();
  const browser = aBrowser(fetch, { ...remembered });
  browser.tabTexts[TAB] = "w1";
  expect(await browser.open()).toMatchObject({ ok: true, value: { me: GUEST } });
  expect(browser.tabTexts[TAB]).toBe("");
  expect(server.guests).toBe(0);
});

test("without a network a shared device has nothing to open, and says so", async () => {
  const browser = aBrowser(aServer({ up: false }).fetch, { ...remembered });
  browser.tabTexts[TAB] = "w1";
  expect(await browser.open()).toEqual({ ok: false, failure: "nothing-kept" });
  expect(browser.tabTexts[TAB]).toBe("w1");
});

test("who signs in here for good again is remembered again", async () => {
  const browser = aBrowser(aServer({ signedIn: GUEST }).fetch);
  browser.tabTexts[TAB] = "w1";
  await browser.open();
  expect(browser.tabTexts[TAB]).toBe("");
  expect(JSON.parse(browser.texts["holdfast.me"] ?? "")).toEqual(GUEST);
});

test("memory of a shape this version does not know is as good as none", async () => {
  const { server, fetch } = aServer();
  const session = await aBrowser(fetch, { "holdfast.me": '{"v":9}' }).open();
  expect(session.ok).toBe(true);
  expect(server.guests).toBe(1);
});
