import { isTransport } from "#shared/protocol/passkey-bodies.ts";
import type { NewCredential } from "#shared/protocol/passkey-bodies.ts";

/** CBOR of `{ fmt: "none", attStmt: {}, authData: … }` up to the bytes themselves (WebAuthn, 6.5.4 and 8.7). */
const NONE = Buffer.from("a363666d74646e6f6e656761747453746d74a0686175746844617461", "hex");

/**
 * A new passkey as if its authenticator had not said what it is made of. Nobody asks for that; but who reads such
 * statements reads certificates of strangers, and fetches lists of revoked ones from wherever those say. `undefined` for
 * the answer of an old browser that holds one and does not tell the rest apart from it.
 */
export function withoutAttestation(credential: NewCredential): NewCredential | undefined {
  const { clientDataJSON, attestationObject, authenticatorData, transports } = credential.response;
  const response = { clientDataJSON, ...(transports && { transports: transports.filter(isTransport) }) };
  if (authenticatorData !== undefined)
    return { ...credential, response: { ...response, attestationObject: unattested(authenticatorData) } };
  const isNone = Buffer.from(attestationObject, "base64url").subarray(0, NONE.length).equals(NONE);
  return isNone ? { ...credential, response: { ...response, attestationObject } } : undefined;
}

function unattested(authenticatorData: string): string {
  const data = Buffer.from(authenticatorData, "base64url");
  // A byte string whose length follows in two bytes (RFC 8949, 3).
  const head = Buffer.from([0x59, data.length >> 8, data.length & 0xff]);
  return Buffer.concat([NONE, head, data]).toString("base64url");
}
