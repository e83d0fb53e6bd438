import { AsyncLocalStorage } from "node:async_hooks";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openDatabase } from "#server/storage/open-database.ts";
import { openAuth } from "./auth.ts";

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
  const auth = await openAuth({ database, secret, publicUrl: undefined, warn: () => undefined });
  await Promise.all([auth.session(new Headers()), auth.session(new Headers())]);
  expect(tracking.most()).toBeGreaterThan(0);
  expect(tracking.now()).toBe(0);

  const url = "http://localhost/api/auth/sign-in/anonymous";
  const headers = { "content-type": "application/json", origin: "http://localhost" };
  const signedIn = await auth.handle(new Request(url, { method: "POST", headers, body: "{}" }));
  expect(signedIn.ok).toBe(true);
  expect(tracking.now()).toBe(0);
  const cookie = signedIn.cookies.map((line) => line.split(";", 1)[0]).join("; ");
  const sessions = await Promise.all([auth.session(new Headers({ cookie })), auth.session(new Headers({ cookie }))]);
  expect(sessions.map((session) => session?.kind)).toEqual(["guest", "guest"]);
  await database.close();
  rmSync(folder, { recursive: true, force: true });
});
