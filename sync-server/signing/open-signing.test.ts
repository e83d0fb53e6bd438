import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readOrCreateSecret } from "#server/access/secret.ts";
import { openDatabase } from "#server/storage/open-database.ts";
import { CommitError } from "#server/storage/database.ts";
import type { Database } from "#server/storage/database.ts";
import { endBefore, openKeyring } from "#shared/provenance/signing-keys.ts";
import { allTables } from "#tests/support/all-tables.ts";
import { createKeptLog } from "#tests/support/kept-log.ts";
import { GRACE_MS, KEYS_FRESH_MS, KEY_LIFE_MS, RENEW_AGAIN_MS, RENEW_MS } from "./key-life.ts";
import { openSigning } from "./open-signing.ts";
import { rotateKeys } from "./rotate-keys.ts";
import { SIGNING_SECRET_FILE } from "./stored-key.ts";

let folder: string;
let database: Database;
let now: number;
const { log, text } = createKeptLog();

beforeEach(async () => {
  now = 1_790_000_000_000;
  folder = mkdtempSync(join(tmpdir(), "holdfast-signing-"));
  database = await openDatabase({ file: join(folder, "holdfast.sqlite") });
});
afterEach(async () => {
  await database.close();
  rmSync(folder, { recursive: true, force: true });
});

const secretOf = (): string => readOrCreateSecret(join(folder, SIGNING_SECRET_FILE));
const open = (secret = secretOf(), on = database) =>
  openSigning({ database: on, secret, issuer: "https://a.example", now: () => now, log });
const kidOf = (jws: string): string =>
  (JSON.parse(Buffer.from(jws.split(".")[0] ?? "", "base64url").toString()) as { kid: string }).kid;

test("the first start makes a key, every later one signs with it", async () => {
  const first = await open();
  const jws = await first.sign("test+jwt", { a: 1 });
  const again = await open();
  expect(await again.keys()).toEqual(await first.keys());
  expect(kidOf(await again.sign("test+jwt", {}))).toBe(kidOf(jws));
  expect(await openKeyring(await again.keys()).check(jws, kidOf(jws))).toBeUndefined();
  const payload = JSON.parse(Buffer.from(jws.split(".")[1] ?? "", "base64url").toString()) as object;
  expect(payload).toEqual({ a: 1, iss: "https://a.example", iat: 1_790_000_000 });
});

test("what is published is public: no private part, and nothing to guess one from", async () => {
  const { keys } = await (await open()).keys();
  expect(keys).toEqual([
    {
      kty: "OKP",
      crv: "Ed25519",
      x: expect.stringMatching(/^[\w-]{43}$/),
      kid: expect.stringMatching(/^[\w-]{43}$/),
      alg: "EdDSA",
      use: "sig",
      iat: 1_790_000_000,
      exp: 1_790_000_000 + 365 * 86_400,
    },
  ]);
});

test("neither the database alone nor the log holds a private key", async () => {
  await open();
  const row = await allTables(database).selectFrom("signing_key").selectAll().executeTakeFirstOrThrow();
  expect(row.public_jwk).not.toContain('"d"');
  expect(row.private_jwe.split(".")).toHaveLength(5);
  await database.close();
  const files = readdirSync(folder).filter((name) => name.startsWith("holdfast.sqlite"));
  for (const file of files) expect(readFileSync(join(folder, file)).includes('"d":"')).toBe(false);
  expect(text()).not.toMatch(/"d":|private/);
  database = await openDatabase({ file: join(folder, "holdfast.sqlite") });
});

test("a rotated key is noticed by a running server, and what the old one signed stays good", async () => {
  const signing = await open();
  const before = await signing.sign("test+jwt", {});
  const { made, retired } = await rotateKeys(folder, now + 1);
  expect(retired).toEqual([kidOf(before)]);
  // Within the time in which it may not have noticed, the old key is not retired yet.
  const meanwhile = await signing.sign("test+jwt", {});
  expect(kidOf(meanwhile)).toBe(kidOf(before));
  now += KEYS_FRESH_MS;
  const after = await signing.sign("test+jwt", {});
  expect(kidOf(after)).toBe(made);
  const published = await signing.keys();
  expect(published.keys.map(({ kid }) => kid)).toEqual([made, kidOf(before)]);
  expect(published.keys[0]?.retiredAt).toBeUndefined();
  expect(published.keys[1]?.retiredAt).toBeGreaterThan(now);
  for (const jws of [before, meanwhile, after])
    expect(await openKeyring(published).check(jws, kidOf(jws))).toBeUndefined();
  const third = await rotateKeys(folder, now + 60_000);
  expect(third.retired).toEqual([made]);
  now += 120_000;
  expect((await (await open()).keys()).keys.map(({ kid }) => kid)).toEqual([third.made, made, kidOf(before)]);
});

test("a database that came without its secret signs with a new key, and says so", async () => {
  const first = await open();
  const before = await first.sign("test+jwt", {});
  now += 1000;
  const other = await open("another secret, as long as one has to be");
  const after = await other.sign("test+jwt", {});
  expect(kidOf(after)).not.toBe(kidOf(before));
  const { keys } = await other.keys();
  expect(keys.map(({ kid, retiredAt }) => [kid, retiredAt])).toEqual([
    [kidOf(after), undefined],
    [kidOf(before), now],
  ]);
  expect(text()).toContain("a signing key cannot be opened");
});

/** What a JWS says of when it was signed, in seconds since 1970. */
const iatOf = (jws: string): number =>
  (JSON.parse(Buffer.from(jws.split(".")[1] ?? "", "base64url").toString()) as { iat: number }).iat;

test("over years a server makes each next key by itself, signs nothing with one that ended, and all stays good", async () => {
  const signing = await open();
  const signed: string[] = [];
  const week = 7 * 86_400_000;
  for (const end = now + 3 * KEY_LIFE_MS; now < end; now += week) signed.push(await signing.sign("test+jwt", {}));
  const published = await signing.keys();
  // One more for every 335 days.
  expect(published.keys).toHaveLength(4);
  const keyring = openKeyring(published);
  for (const jws of signed) {
    const key = keyring.find(kidOf(jws));
    expect(await keyring.check(jws, kidOf(jws))).toBeUndefined();
    expect(key && endBefore(key, iatOf(jws))).toBeUndefined();
    // A week is the most that passes here before somebody looks.
    expect((key?.exp ?? 0) * 1000 - iatOf(jws) * 1000).toBeGreaterThan(RENEW_MS - week);
  }
  expect(new Set(signed.map(kidOf)).size).toBe(4);
  expect(published.keys.filter(({ retiredAt }) => retiredAt === undefined)).toHaveLength(1);
});

test("a server that was off or idle beyond the end of its key signs with a new one at once", async () => {
  const idle = await open();
  const before = kidOf(await idle.sign("test+jwt", {}));
  now += 2 * KEY_LIFE_MS;
  const after = await idle.sign("test+jwt", {});
  expect(kidOf(after)).not.toBe(before);
  now += 2 * KEY_LIFE_MS;
  const started = await (await open()).sign("test+jwt", {});
  expect(new Set([before, kidOf(after), kidOf(started)]).size).toBe(3);
  const keyring = openKeyring(await idle.keys());
  for (const jws of [after, started]) {
    const key = keyring.find(kidOf(jws));
    expect(key && endBefore(key, iatOf(jws))).toBeUndefined();
  }
});

test("two processes that renew at once make one key", async () => {
  const both = [await open(), await open()];
  const [old] = (await both[0]!.keys()).keys;
  now += KEY_LIFE_MS - RENEW_MS;
  const signed = await Promise.all(both.map((one) => one.sign("test+jwt", {})));
  expect(new Set(signed.map(kidOf)).size).toBe(1);
  for (const one of both)
    expect((await one.keys()).keys.map(({ kid, retiredAt }) => [kid, retiredAt])).toEqual([
      [kidOf(signed[0]!), undefined],
      [old?.kid, now + GRACE_MS],
    ]);
});

test("two processes that start at once make one key", async () => {
  const [one, other] = await Promise.all([open(), open()]);
  expect((await one.keys()).keys).toHaveLength(1);
  expect(await other.keys()).toEqual(await one.keys());
});

/** A database that cannot write while it is full. */
function filling() {
  const disk = { full: false, refusesAfterMs: 0 };
  const commit: Database["commit"] = async (statements) => {
    if (disk.full) {
      now += disk.refusesAfterMs;
      throw new CommitError("unavailable");
    }
    return database.commit(statements);
  };
  return { disk, database: { ...database, commit } };
}

test("a key that cannot be replaced yet signs until its end, and not longer", async () => {
  const { disk, database: fillable } = filling();
  const signing = await open(secretOf(), fillable);
  const before = kidOf(await signing.sign("test+jwt", {}));
  disk.full = true;
  now += KEY_LIFE_MS - 1000;
  expect(kidOf(await signing.sign("test+jwt", {}))).toBe(before);
  expect(text()).toContain("a signing key ends soon");
  // Within the time in which keys are not read again.
  now += 1000;
  await expect(signing.sign("test+jwt", {})).rejects.toThrow("unavailable");
  disk.full = false;
  expect(kidOf(await signing.sign("test+jwt", {}))).not.toBe(before);
});

test("what a signer signs is among the keys it came with, whatever is made meanwhile", async () => {
  const signing = await open();
  const { keys, sign } = await signing.signer();
  now += KEY_LIFE_MS - RENEW_MS;
  const next = kidOf(await signing.sign("test+jwt", {}));
  const kid = kidOf(await sign("test+jwt", {}));
  expect(kid).not.toBe(next);
  expect(keys.map((key) => key.kid)).toEqual([kid]);
  // Beyond the end of its key it signs nothing.
  now += RENEW_MS;
  await expect(sign("test+jwt", {})).rejects.toThrow("unavailable");
});

const warnings = (): number => text().match(/a signing key ends soon/gu)?.length ?? 0;

test("where no other key can be stored, those there were stay published, and it is tried again each hour", async () => {
  const { disk, database: fillable } = filling();
  const signing = await open(secretOf(), fillable);
  const published = await signing.keys();
  disk.full = true;
  now += KEY_LIFE_MS - RENEW_MS;
  const hours = 5;
  const before = warnings();
  for (const end = now + hours * RENEW_AGAIN_MS; now < end; now += RENEW_AGAIN_MS / 10)
    await signing.sign("test+jwt", {});
  expect(warnings() - before).toBe(hours);
  now += RENEW_MS;
  await expect(signing.sign("test+jwt", {})).rejects.toThrow("unavailable");
  expect(await signing.keys()).toEqual(published);
});

test("a disk that takes long to refuse another key does not have the old one sign beyond its end", async () => {
  const { disk, database: fillable } = filling();
  const signing = await open(secretOf(), fillable);
  disk.full = true;
  disk.refusesAfterMs = 5_000;
  now += KEY_LIFE_MS - 1_000;
  await expect(signing.sign("test+jwt", {})).rejects.toThrow("unavailable");
});

test.each([
  ["whose year is not over ends when it is", 10, 365],
  ["that is older signs on, as if it was made now", 1000, 1365],
])("a key of a time when keys had no end, %s", async (_which, days, endDay) => {
  const madeAt = now;
  const jws = await (await open()).sign("test+jwt", {});
  await allTables(database).updateTable("signing_key").set({ expires_at: null }).execute();
  now += days * 86_400_000;
  const signing = await open();
  expect(kidOf(await signing.sign("test+jwt", {}))).toBe(kidOf(jws));
  const exp = madeAt / 1000 + endDay * 86_400;
  expect(await signing.keys()).toMatchObject({ keys: [{ kid: kidOf(jws), exp }] });
  // The end is given once.
  now += 86_400_000;
  expect(await (await open()).keys()).toMatchObject({ keys: [{ kid: kidOf(jws), exp }] });
});

test("keys are kept for ever, also by mistake", async () => {
  await open();
  await expect(allTables(database).deleteFrom("signing_key").execute()).rejects.toThrow("conflict");
});

test("there is nothing to rotate where no server ever started", async () => {
  const empty = mkdtempSync(join(tmpdir(), "holdfast-empty-"));
  await expect(rotateKeys(empty, now)).rejects.toThrow("there is no database");
  rmSync(empty, { recursive: true, force: true });
});
