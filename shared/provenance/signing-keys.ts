import { base64url, calculateJwkThumbprint, compactVerify, errors, importJWK } from "jose";
import type { CryptoKey } from "jose";
import * as z from "zod/mini";

// The public halves of the keys that a server signs with, as `/.well-known/jwks.json` publishes them. Keys that were
// retired stay in it for ever: what they signed before remains theirs.

const KEY_BYTES = 32;

const isKeyText = (text: string): boolean => {
  if (!/^[A-Za-z0-9_-]{43}$/.test(text)) return false;
  const bytes = base64url.decode(text);
  return bytes.length === KEY_BYTES && base64url.encode(bytes) === text;
};
const keyText = z.string().check(z.refine(isKeyText, "must be 32 bytes in base64url"));

/** An Ed25519 key (RFC 8037) by which signatures are checked. */
export const publishedKeySchema = z.strictObject({
  kty: z.literal("OKP"),
  crv: z.literal("Ed25519"),
  /** the public key */
  x: keyText,
  /** its thumbprint (RFC 7638): no other key can have it */
  kid: keyText,
  alg: z.literal("EdDSA"),
  use: z.literal("sig"),
  /** when it was made, in seconds since 1970 */
  iat: z.int().check(z.nonnegative()),
  /** from when on nothing is signed with it, in seconds since 1970; sets that were published before keys had an end lack it */
  exp: z.optional(z.int().check(z.nonnegative())),
  /** since when nothing is signed with it, in ms since 1970 */
  retiredAt: z.optional(z.int().check(z.nonnegative())),
});
export type PublishedKey = z.infer<typeof publishedKeySchema>;

/** Answer of `GET /.well-known/jwks.json`: the newest key first. */
export const jwksSchema = z.object({ keys: z.array(publishedKeySchema) });
export type Jwks = z.infer<typeof jwksSchema>;

export type KeyFault =
  /** no such key is known here */
  | "unknown-key"
  | "bad-signature"
  /** this browser has no Ed25519, or the page came by plain HTTP, where browsers lend no cryptography */
  | "cannot-check";

export interface Keyring {
  find(kid: string): PublishedKey | undefined;
  /** Whether a key signed a JWS; `undefined` where it did. Takes no algorithm but EdDSA. Never rejects. */
  check(jws: string, kid: string): Promise<KeyFault | undefined>;
  /** Whether each key has the name that is its own. */
  isSound(): Promise<boolean>;
}

const isOwnName = async (key: PublishedKey): Promise<boolean> => (await calculateJwkThumbprint(key)) === key.kid;

async function importKey(key: PublishedKey): Promise<CryptoKey | Uint8Array | KeyFault> {
  const { kty, crv, x } = key;
  return (await isOwnName(key)) ? importJWK({ kty, crv, x }, "EdDSA") : "unknown-key";
}

/** Keys to check signatures with. A key under a name that is not its thumbprint is no key. */
export function openKeyring({ keys }: Jwks): Keyring {
  const byId = new Map(keys.map((key) => [key.kid, key]));
  const opened = new Map<string, Promise<CryptoKey | Uint8Array | KeyFault>>();

  async function verify(jws: string, key: PublishedKey): Promise<KeyFault | undefined> {
    const opening = opened.get(key.kid) ?? importKey(key);
    opened.set(key.kid, opening);
    const usable = await opening;
    if (typeof usable === "string") return usable;
    await compactVerify(jws, usable, { algorithms: ["EdDSA"] });
    return undefined;
  }

  return {
    find: (kid) => byId.get(kid),
    async check(jws, kid) {
      const key = byId.get(kid);
      if (key === undefined) return "unknown-key";
      return verify(jws, key).catch(faultOf);
    },
    async isSound() {
      const named = await Promise.all(keys.map(isOwnName));
      return byId.size === keys.length && named.every(Boolean);
    },
  };
}

const faultOf = (error: unknown): KeyFault =>
  error instanceof errors.JWSSignatureVerificationFailed || error instanceof errors.JWSInvalid
    ? "bad-signature"
    : "cannot-check";

/** Why and since when nothing is signed with a key: it was replaced, or its time is over. `at`: ms since 1970 */
export interface KeyEnd {
  type: "key-retired" | "key-expired";
  at: number;
}

/**
 * The end of a key that a signature is later than: of two the one that came first. `undefined` where it was in use.
 * @param at when it was signed, in seconds since 1970
 */
export function endBefore({ retiredAt, exp }: PublishedKey, at: number): KeyEnd | undefined {
  const ends: KeyEnd[] = [];
  if (retiredAt !== undefined && at * 1000 > retiredAt) ends.push({ type: "key-retired", at: retiredAt });
  if (exp !== undefined && at >= exp) ends.push({ type: "key-expired", at: exp * 1000 });
  return ends.toSorted((one, other) => one.at - other.at)[0];
}
