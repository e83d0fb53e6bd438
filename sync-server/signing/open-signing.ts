import { CompactSign } from "jose";
import type { CryptoKey } from "jose";
import { CommitError } from "#server/storage/database.ts";
import type { CommitStatement, Database } from "#server/storage/database.ts";
import type { SigningKeyTable } from "#server/storage/schema.ts";
import { systemTables } from "#server/storage/system-tables.ts";
import { canonicalJson } from "#shared/lib/canonical-json.ts";
import type { Jwks } from "#shared/provenance/signing-keys.ts";
import { GRACE_MS, KEYS_FRESH_MS, RENEW_AGAIN_MS, RENEW_MS, endOfOlderKey } from "./key-life.ts";
import { createKeyRow, openPrivateKey, publishedKey } from "./stored-key.ts";

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
  /** Signs claims as a JWS of one type, with `iss` and `iat` added. Rejects with `CommitError` where no key that is in use can be read or made. */
  sign(typ: string, claims: object): Promise<string>;
  /** The keys that are published: those in use and, for ever, those that were. */
  keys(): Promise<Jwks>;
  /** The same, with who signs by one of them: whatever holds both must not see another key in between. */
  signer(): Promise<Signer>;
}

/** Signs as `Signing.sign` does, with the one key that was in use. */
export interface Signer {
  keys: Jwks["keys"];
  sign(typ: string, claims: object): Promise<string>;
}

interface CurrentKey {
  kid: string;
  key: CryptoKey;
  /** from when on it signs nothing, in ms since 1970; a full second, as is published */
  endsAt: number;
}

interface Known {
  readAt: number;
  current: CurrentKey;
  /** when to try again to make another key, in ms since 1970; absent where that did not fail */
  tryAgainAt: number | undefined;
  published: Jwks;
}

/**
 * Opens the signing keys, and makes the first. One that cannot be opened (another `signing-secret`) is retired, and one
 * that is near its end replaced: now, and whenever something is signed or the keys are asked for.
 */
export async function openSigning(options: SigningOptions): Promise<Signing> {
  const { issuer, now } = options;
  let known = await readKeys(options, undefined);
  let reading: Promise<Known> | undefined;

  async function fresh(): Promise<Known> {
    if (Math.abs(now() - known.readAt) < KEYS_FRESH_MS && now() < known.current.endsAt) return known;
    reading ??= readKeys(options, known).finally(() => (reading = undefined));
    return (known = await reading);
  }

  async function signWith({ kid, key, endsAt }: CurrentKey, typ: string, claims: object): Promise<string> {
    const iat = Math.floor(now() / 1000);
    if (iat * 1000 >= endsAt) throw new CommitError("unavailable");
    const payload = canonicalJson({ ...claims, iss: issuer, iat });
    return new CompactSign(new TextEncoder().encode(payload)).setProtectedHeader({ alg: "EdDSA", kid, typ }).sign(key);
  }

  return {
    issuer,
    sign: async (typ, claims) => signWith((await fresh()).current, typ, claims),
    async keys() {
      try {
        return (await fresh()).published;
      } catch (error) {
        // No other key could be made: those that there were are what they were.
        if (error instanceof CommitError) return known.published;
        throw error;
      }
    },
    async signer() {
      const { current, published } = await fresh();
      return { keys: published.keys, sign: (typ, claims) => signWith(current, typ, claims) };
    },
  };
}

const keyTable = (database: Database) => systemTables<"signing_key">(database);

/** Reads all keys; makes one where none is in use, or the one that is cannot be opened or ends soon. */
async function readKeys(options: SigningOptions, before: Known | undefined): Promise<Known> {
  const { log } = options;
  const readAt = options.now();
  const rows = await readRows(options);
  const newest = rows.find(isInUse);
  const current = newest && (await openCurrent(options, newest, before?.current));
  const published = publish(rows);
  const tryAgainAt = before?.tryAgainAt;
  if (current !== undefined && readAt < renewalOf(current, tryAgainAt))
    return { readAt, current, tryAgainAt, published };
  if (newest !== undefined && current === undefined)
    log.warn({ kid: newest.kid }, "a signing key cannot be opened with this signing-secret: another is made");
  const failure = await replaceKey(options, newest, current === undefined ? readAt : readAt + GRACE_MS);
  if (failure === undefined) return readKeys(options, before);
  if (current === undefined || options.now() >= current.endsAt) throw failure;
  log.warn({ kid: current.kid, err: failure }, "a signing key ends soon, and no other could be made yet");
  return { readAt, current, tryAgainAt: readAt + RENEW_AGAIN_MS, published };
}

/** When a key is replaced: some time before its end, or when that is tried again, and at its end. */
const renewalOf = ({ endsAt }: CurrentKey, tryAgainAt = 0): number =>
  Math.min(endsAt, Math.max(endsAt - RENEW_MS, tryAgainAt));

interface KeyInUse extends SigningKeyTable {
  expires_at: number;
  retired_at: null;
}

const isInUse = (row: SigningKeyTable): row is KeyInUse => row.retired_at === null && row.expires_at !== null;

/** All keys, the newest first, each in use with an end. */
async function readRows({ database, now }: Pick<SigningOptions, "database" | "now">): Promise<SigningKeyTable[]> {
  const tables = keyTable(database);
  const rows = await tables
    .selectFrom("signing_key")
    .selectAll()
    .orderBy("created_at", "desc")
    .orderBy("kid")
    .execute();
  const endless = rows.filter(({ expires_at, retired_at }) => expires_at === null && retired_at === null);
  if (endless.length === 0) return rows;
  const statements = endless.map(({ kid, created_at }) => ({
    query: tables
      .updateTable("signing_key")
      .set({ expires_at: endOfOlderKey(created_at, now()) })
      .where("kid", "=", kid)
      .where("expires_at", "is", null)
      .compile(),
  }));
  await database.commit(statements);
  return readRows({ database, now });
}

/** The key of a row; `undefined` where it cannot be opened. One that is open already is not opened again. */
async function openCurrent(
  { secret, log }: SigningOptions,
  row: KeyInUse,
  before: CurrentKey | undefined,
): Promise<CurrentKey | undefined> {
  const endsAt = Math.floor(row.expires_at / 1000) * 1000;
  if (before?.kid === row.kid) return { ...before, endsAt };
  const key = await openPrivateKey(row, secret);
  if (key === undefined) return undefined;
  log.info({ kid: row.kid }, "answers are signed with this key");
  return { kid: row.kid, key, endsAt };
}

const publish = (rows: readonly SigningKeyTable[]): Jwks => ({ keys: rows.map(publishedKey) });

/**
 * Makes a key and retires those in use, unless another process did so meanwhile: then nothing is written, and its key is
 * the one to read. Answers why neither is so. @param retiredAt ms since 1970
 */
async function replaceKey(
  { database, secret, now }: SigningOptions,
  newest: SigningKeyTable | undefined,
  retiredAt: number,
): Promise<CommitError | undefined> {
  const tables = keyTable(database);
  const row = await createKeyRow(secret, now());
  const retire = tables.updateTable("signing_key").set({ retired_at: retiredAt }).where("retired_at", "is", null);
  const statements: CommitStatement[] = newest
    ? [{ query: retire.where("kid", "=", newest.kid).compile(), changes: 1 }, { query: retire.compile() }]
    : [{ query: retire.compile(), changes: 0 }];
  try {
    await database.commit([...statements, { query: tables.insertInto("signing_key").values(row).compile() }]);
    return undefined;
  } catch (error) {
    if (!(error instanceof CommitError)) throw error;
    return error.failure === "conflict" ? undefined : error;
  }
}
