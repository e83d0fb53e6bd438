import { hkdfSync } from "node:crypto";
import { CompactEncrypt, calculateJwkThumbprint, compactDecrypt, exportJWK, generateKeyPair, importJWK } from "jose";
import type { CryptoKey } from "jose";
import type { SigningKeyTable } from "#server/storage/schema.ts";
import { publishedKeySchema } from "#shared/provenance/signing-keys.ts";
import type { PublishedKey } from "#shared/provenance/signing-keys.ts";
import { KEY_LIFE_MS } from "./key-life.ts";

// How a signing key lies in the database: its public half as it is published, its private half encrypted (JWE, A256GCM)
// under a key derived from a file beside the database. Neither a copy of the one nor of the other can sign.

/** The name of that file, in `DATA_DIR`. */
export const SIGNING_SECRET_FILE = "signing-secret";

const encryptionKey = (secret: string): Uint8Array =>
  new Uint8Array(hkdfSync("sha256", secret, "", "holdfast signing keys", 32));

/** Makes a key. @param now ms since 1970 */
export async function createKeyRow(secret: string, now: number): Promise<SigningKeyTable> {
  const { publicKey, privateKey } = await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true });
  const { kty, crv, x } = await exportJWK(publicKey);
  const bytes = new TextEncoder().encode(JSON.stringify(await exportJWK(privateKey)));
  return {
    kid: await calculateJwkThumbprint(publicKey),
    public_jwk: JSON.stringify({ kty, crv, x }),
    private_jwe: await new CompactEncrypt(bytes)
      .setProtectedHeader({ alg: "dir", enc: "A256GCM" })
      .encrypt(encryptionKey(secret)),
    created_at: now,
    expires_at: now + KEY_LIFE_MS,
    retired_at: null,
  };
}

/** What anybody may know of a key. Throws where the row was written by nobody of ours. */
export const publishedKey = ({ kid, public_jwk, created_at, expires_at, retired_at }: SigningKeyTable): PublishedKey =>
  publishedKeySchema.parse({
    ...(JSON.parse(public_jwk) as object),
    kid,
    alg: "EdDSA",
    use: "sig",
    iat: Math.floor(created_at / 1000),
    ...(expires_at !== null && { exp: Math.floor(expires_at / 1000) }),
    ...(retired_at !== null && { retiredAt: retired_at }),
  });

/** The private half of a key; `undefined` where it was encrypted under another secret. */
export async function openPrivateKey(row: SigningKeyTable, secret: string): Promise<CryptoKey | undefined> {
  try {
    const { plaintext } = await compactDecrypt(row.private_jwe, encryptionKey(secret), {
      keyManagementAlgorithms: ["dir"],
      contentEncryptionAlgorithms: ["A256GCM"],
    });
    const key = await importJWK(JSON.parse(new TextDecoder().decode(plaintext)) as object, "EdDSA");
    return key instanceof Uint8Array ? undefined : key;
  } catch {
    return undefined; // what was thrown could quote what was decrypted; the caller says that the key cannot be opened
  }
}
