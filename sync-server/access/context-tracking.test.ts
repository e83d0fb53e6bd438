import { AsyncLocalStorage } from "node:async_hooks";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openDatabase } from "#server/storage/open-database.ts";
import { openAuth } from "./auth.ts";
import { readSession } from "./session-rows.ts";

/** How many of the storages made in this process track now, and did at most; Node has no other way to ask. */
function watchStorages(): { now(): number; most(): number } {
  const tracking = new Set<unknown>();
  let most = 0;
  const { run, disable } = AsyncLocalStorage.prototype;
  AsyncLocalStorage.prototype.run = function (this: AsyncLocalStorage<unknown>, ...args: unknown[]) {
    tracking.add(this);
    most = Math.max(most, tracking.size);
    return Reflect.apply(run, this, args) as never;
  };
  AsyncLocalStorage.prototype.disable = function (this: AsyncLocalStorage<unknown>) {
    tracking.delete(this);
    disable.call(this);
  };
  return { now: () => tracking.size, most: () => most };
}

test("better-auth tracks its context while it is asked, and not after", async () => {
  const tracking = watchStorages();
  const folder = mkdtempSync(join(tmpdir(), "holdfast-tracking-"));
  const database = await openDatabase({ file: join(folder, "holdfast.sqlite") });
  const secret = "a-secret-that-is-long-enough-for-anybody";
  const events = {
    onGuestSignedIn: async () => undefined,
    onPasswordReset: async () => undefined,
    onVerificationAsked: () => undefined,
    onResetAsked: () => undefined,
  };
  const auth = await openAuth({ database, secret, publicUrl: undefined, events, warn: () => undefined });
  await Promise.all([auth.tokenOf(new Headers()), auth.tokenOf(new Headers())]);
  expect(tracking.most()).toBeGreaterThan(0);
  expect(tracking.now()).toBe(0);

  const from = new Request("http://localhost/", { headers: { origin: "http://localhost" } });
  const signedIn = await auth.call("/sign-in/anonymous", from, {});
  expect(signedIn.ok).toBe(true);
  expect(tracking.now()).toBe(0);
  const cookie = signedIn.cookies.map((line) => line.split(";", 1)[0]).join("; ");
  const tokens = await Promise.all([auth.tokenOf(new Headers({ cookie })), auth.tokenOf(new Headers({ cookie }))]);
  expect(tokens[0]).toMatch(/^\w{32}$/);
  expect(tokens[1]).toBe(tokens[0]);
  const sessions = await Promise.all(tokens.map((token) => readSession(database, token ?? "", Date.now())));
  expect(sessions.map((session) => session?.kind)).toEqual(["guest", "guest"]);
  await database.close();
  rmSync(folder, { recursive: true, force: true });
});
