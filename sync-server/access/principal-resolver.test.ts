import { expect, test } from "vitest";
import { openDatabase } from "#server/storage/open-database.ts";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CurrentSession } from "./auth.ts";
import { CACHE_MS, createPrincipalResolver } from "./principal-resolver.ts";

test("a session that was read before its sign-out is not remembered after it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-resolver-"));
  const database = await openDatabase({ file: join(folder, "holdfast.sqlite") });
  const reads: ((session: CurrentSession | undefined) => void)[] = [];
  const session = () => new Promise<CurrentSession | undefined>((resolve) => void reads.push(resolve));
  const resolver = createPrincipalResolver(
    { session },
    database,
    () => 1,
    () => "workspace",
  );
  const headers = new Headers({ cookie: "holdfast.session_token=t" });

  const early = resolver.resolve(headers);
  resolver.forget(headers);
  reads[0]?.({ sessionId: "s", accountId: "a", kind: "guest" });
  expect((await early)?.accountId).toBe("a");

  const late = resolver.resolve(headers);
  expect(reads).toHaveLength(2);
  reads[1]?.(undefined);
  expect(await late).toBeUndefined();
  await database.close();
  rmSync(folder, { recursive: true, force: true });
});

test("a session in use is looked at again before its time is over: nobody waits for that look, and it notices an end", async () => {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-resolver-"));
  const database = await openDatabase({ file: join(folder, "holdfast.sqlite") });
  const guest: CurrentSession = { sessionId: "s", accountId: "a", kind: "guest" };
  const looks: ((session: CurrentSession | undefined) => void)[] = [];
  const session = () => new Promise<CurrentSession | undefined>((resolve) => void looks.push(resolve));
  let now = 0;
  const resolver = createPrincipalResolver(
    { session },
    database,
    () => now,
    () => "workspace",
  );
  const headers = new Headers({ cookie: "holdfast.session_token=t" });
  const ask = async (): Promise<string | undefined> => (await resolver.resolve(headers))?.accountId;

  const first = ask();
  looks[0]?.(guest);
  expect(await first).toBe("a");
  now = CACHE_MS / 2;
  expect([await ask(), await ask()]).toEqual(["a", "a"]);
  expect(looks).toHaveLength(2);
  looks[1]?.(undefined);
  await new Promise((resolve) => setImmediate(resolve));
  const next = ask();
  looks[2]?.(undefined);
  expect(await next).toBeUndefined();
  await database.close();
  rmSync(folder, { recursive: true, force: true });
});
