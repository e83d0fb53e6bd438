import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readOrCreateSecret } from "#server/access/secret.ts";
import { openDatabase } from "#server/storage/open-database.ts";
import type { Database } from "#server/storage/database.ts";
import { openKeyring } from "#shared/provenance/signing-keys.ts";
import { allTables } from "#tests/support/all-tables.ts";
import { createKeptLog } from "#tests/support/kept-log.ts";
import { KEYS_FRESH_MS, openSigning } from "./open-signing.ts";
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
const open = (secret = secretOf()) =>
  openSigning({ database, secret, issuer: "https://a.example", now: () => now, log });
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

test("keys are kept for ever, also by mistake", async () => {
  await open();
  await expect(allTables(database).deleteFrom("signing_key").execute()).rejects.toThrow("conflict");
});

test("there is nothing to rotate where no server ever started", async () => {
  const empty = mkdtempSync(join(tmpdir(), "holdfast-empty-"));
  await expect(rotateKeys(empty, now)).rejects.toThrow("there is no database");
  rmSync(empty, { recursive: true, force: true });
});
