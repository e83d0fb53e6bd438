import { existsSync } from "node:fs";
import { join } from "node:path";
import SqliteDatabase from "better-sqlite3";
import { readOrCreateSecret } from "#server/access/secret.ts";
import { GRACE_MS } from "./key-life.ts";
import { SIGNING_SECRET_FILE, createKeyRow } from "./stored-key.ts";

/** A running server holds the file for moments only. */
const BUSY_MS = 5000;

export interface Rotation {
  made: string;
  /** the keys that were in use; none on a server that never started */
  retired: string[];
}

/**
 * Makes a new signing key and retires those in use, without a server or beside a running one, which signs with the new
 * one within `KEYS_FRESH_MS`. Throws where there is no database with keys in the folder. @param now ms since 1970
 */
export async function rotateKeys(dataDir: string, now: number): Promise<Rotation> {
  const file = join(dataDir, "holdfast.sqlite");
  if (!existsSync(file)) throw new Error("there is no database: start the server once, it makes its first key itself");
  const row = await createKeyRow(readOrCreateSecret(join(dataDir, SIGNING_SECRET_FILE)), now);
  const sqlite = new SqliteDatabase(file, { timeout: BUSY_MS, fileMustExist: true });
  try {
    const inUse = sqlite.prepare<[], string>("select kid from signing_key where retired_at is null").pluck();
    const retire = sqlite.prepare("update signing_key set retired_at = ? where retired_at is null");
    const insert = sqlite.prepare(
      "insert into signing_key (kid, public_jwk, private_jwe, created_at, expires_at, retired_at) " +
        "values (@kid, @public_jwk, @private_jwe, @created_at, @expires_at, @retired_at)",
    );
    const rotate = sqlite.transaction((): string[] => {
      const retired = inUse.all();
      retire.run(now + GRACE_MS);
      insert.run(row);
      return retired;
    });
    return { made: row.kid, retired: rotate.immediate() };
  } finally {
    sqlite.close();
  }
}
