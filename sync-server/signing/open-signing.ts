import { CompactSign } from "jose";
import type { CryptoKey } from "jose";
import type { CommitStatement, Database } from "#server/storage/database.ts";
import type { SigningKeyTable } from "#server/storage/schema.ts";
import { systemTables } from "#server/storage/system-tables.ts";
import { canonicalJson } from "#shared/lib/canonical-json.ts";
import type { Jwks } from "#shared/provenance/signing-keys.ts";
import { createKeyRow, openPrivateKey, publishedKey } from "./stored-key.ts";

/** How long what is known of the keys is believed: so soon a running server signs with a key that was made by `npm run keys:rotate`. */
export const KEYS_FRESH_MS = 10_000;

interface SigningOptions {
  database: Database;
  /** what private keys are encrypted under, as `readOrCreateSecret` answers it */
  secret: string;
  /** the origin of this server; "" where it was not told */
  issuer: string;
  now: () => number;
  log: { info(fields: object, message: string): void; warn(fields: object, message: string): void };
}

/** Signs in the name of this server. */
export interface Signing {
  readonly issuer: string;
  /** Signs claims as a JWS of one type, with `iss` and `iat` added. Rejects with `CommitError` where keys cannot be read. */
  sign(typ: string, claims: object): Promise<string>;
  /** The keys that are published: those in use and, for ever, those that were. */
  keys(): Promise<Jwks>;
}

interface Known {
  readAt: number;
  current: { kid: string; key: CryptoKey };
  published: Jwks;
}

/** Opens the signing keys, and makes the first. One that cannot be opened (another `signing-secret`) is retired. */
export async function openSigning(options: SigningOptions): Promise<Signing> {
  const { issuer, now } = options;
  let known = await readKeys(options, undefined);
  let reading: Promise<Known> | undefined;

  async function fresh(): Promise<Known> {
    if (Math.abs(now() - known.readAt) < KEYS_FRESH_MS) return known;
    reading ??= readKeys(options, known).finally(() => (reading = undefined));
    return (known = await reading);
  }

  return {
    issuer,
    async sign(typ, claims) {
      const { kid, key } = (await fresh()).current;
      const payload = canonicalJson({ ...claims, iss: issuer, iat: Math.floor(now() / 1000) });
      return new CompactSign(new TextEncoder().encode(payload))
        .setProtectedHeader({ alg: "EdDSA", kid, typ })
        .sign(key);
    },
    keys: async () => (await fresh()).published,
  };
}

const keyTable = (database: Database) => systemTables<"signing_key">(database);

async function readKeys(options: SigningOptions, before: Known | undefined): Promise<Known> {
  const { database, now, log } = options;
  const readAt = now();
  const rows = await keyTable(database).selectFrom("signing_key").selectAll().orderBy("created_at", "desc").execute();
  const newest = rows.find(({ retired_at }) => retired_at === null);
  if (newest !== undefined && newest.kid === before?.current.kid)
    return { ...before, readAt, published: publish(rows) };
  const opened = newest && (await openPrivateKey(newest, options.secret));
  if (newest !== undefined && opened !== undefined) {
    log.info({ kid: newest.kid }, "answers are signed with this key");
    return { readAt, current: { kid: newest.kid, key: opened }, published: publish(rows) };
  }
  if (newest) log.warn({ kid: newest.kid }, "a signing key cannot be opened with this signing-secret: another is made");
  await replaceKey(options, newest);
  return readKeys(options, before);
}

const publish = (rows: readonly SigningKeyTable[]): Jwks => ({ keys: rows.map(publishedKey) });

async function replaceKey({ database, secret, now }: SigningOptions, old: SigningKeyTable | undefined): Promise<void> {
  const row = await createKeyRow(secret, now());
  const statements: CommitStatement[] = [{ query: keyTable(database).insertInto("signing_key").values(row).compile() }];
  if (old !== undefined) {
    const retire = keyTable(database).updateTable("signing_key").set({ retired_at: now() }).where("kid", "=", old.kid);
    statements.unshift({ query: retire.compile() });
  }
  await database.commit(statements);
}
