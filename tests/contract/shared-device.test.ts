import { afterAll, beforeAll, expect, test } from "vitest";
import { PASSWORD, newEmail } from "#tests/support/account.ts";
import { allTables } from "#tests/support/all-tables.ts";
import { openSignInApp } from "#tests/support/sign-in-app.ts";
import type { Browser, SignInApp } from "#tests/support/sign-in-app.ts";

const HALF_AN_HOUR = 1_800_000;
const A_YEAR = 31_536_000_000;
const SESSION = "__Host-holdfast.session_token";
const MARK = "__Host-holdfast.dont_remember";

let app: SignInApp;
beforeAll(async () => {
  app = await openSignInApp();
});
afterAll(async () => {
  await app?.close();
});

/** ms for which the session of a browser is good. */
async function lasts({ jar }: Browser): Promise<number> {
  const value = decodeURIComponent(jar.line(SESSION)?.split(";", 1)[0]?.split("=")[1] ?? "");
  const row = await allTables(app.database)
    .selectFrom("session")
    .select("expiresAt")
    .where("token", "=", value.split(".", 1)[0] ?? "")
    .executeTakeFirstOrThrow();
  return Date.parse(row.expiresAt) - Date.now();
}

async function expectShared(browser: Browser): Promise<void> {
  expect(await lasts(browser)).toBeLessThanOrEqual(HALF_AN_HOUR);
  expect(browser.jar.line(SESSION)).not.toMatch(/max-age|expires/i);
  expect(await browser.me()).toMatchObject({ sharedDevice: true });
}

async function expectOwn(browser: Browser): Promise<void> {
  expect(browser.jar.line(MARK)).toBeUndefined();
  expect(browser.jar.line(SESSION)).toMatch(/; Max-Age=31536000/);
  expect((await browser.me()).sharedDevice).toBeUndefined();
  expect(await lasts(browser)).toBeGreaterThan(A_YEAR - HALF_AN_HOUR);
}

async function aSharedBrowser(): Promise<{ browser: Browser; email: string }> {
  const browser = app.browser();
  const email = newEmail();
  const body = { email, password: PASSWORD, sharedDevice: true };
  expect((await browser.post("/api/auth/sign-up", body)).status).toBe(204);
  return { browser, email };
}

/** The session ends, and the browser keeps what it was given. */
const endSessions = () => allTables(app.database).deleteFrom("session").execute();

test("signing up and signing in on a shared device last for half an hour, from the first answer on", async () => {
  const { browser, email } = await aSharedBrowser();
  await expectShared(browser);
  const other = app.browser();
  const body = { email, password: PASSWORD, sharedDevice: true };
  expect((await other.post("/api/auth/sign-in", body)).status).toBe(204);
  await expectShared(other);
});

test("a new password does not make the session of a shared device a long one", async () => {
  const { browser } = await aSharedBrowser();
  const change = { current: PASSWORD, next: "another kelp holds fast" };
  expect((await browser.post("/api/account/password", change)).status).toBe(204);
  await expectShared(browser);
});

test("asking who one is keeps the session alive, and revives none that is over", async () => {
  const { browser } = await aSharedBrowser();
  const endIn = (ms: number) =>
    allTables(app.database)
      .updateTable("session")
      .set({ expiresAt: new Date(Date.now() + ms).toISOString() })
      .execute();
  await endIn(60_000);
  await browser.me();
  expect(await lasts(browser)).toBeGreaterThan(HALF_AN_HOUR - 60_000);
  await endIn(-1_000);
  app.setForward(5_000);
  expect((await browser.get("/api/me")).status).toBe(401);
  app.setForward(-5_000);
});

test("whoever comes after somebody on a shared device whose session is over is not on one", async () => {
  const guest = await aSharedBrowser();
  await endSessions();
  expect((await guest.browser.becomeGuest()).status).toBe(204);
  await expectOwn(guest.browser);

  const newcomer = await aSharedBrowser();
  await endSessions();
  await newcomer.browser.signUp();
  await expectOwn(newcomer.browser);

  const { browser, email } = await aSharedBrowser();
  await endSessions();
  expect((await browser.post("/api/auth/sign-in", { email, password: PASSWORD })).status).toBe(204);
  await expectOwn(browser);
});
