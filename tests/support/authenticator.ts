import { createHash, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import type { KeyObject } from "node:crypto";
import type {
  NewCredential,
  PasskeyCreation,
  PasskeyRequest,
  ShownCredential,
} from "#shared/protocol/passkey-bodies.ts";

interface Kept {
  id: string;
  rpId: string;
  userHandle: string;
  key: KeyObject;
  counter: number;
}

/** What is done otherwise than a browser and an authenticator would do it. */
export interface Wrong {
  origin?: string;
  rpId?: string;
  challenge?: string;
  type?: string;
  /** instead of what it would be */
  counter?: number;
  /** another than the authenticator chose */
  id?: string;
  /** that somebody touched it, or showed who they are */
  flags?: number;
  /** of another one */
  key?: KeyObject;
}

export type Authenticator = ReturnType<typeof createAuthenticator>;

const UP_AND_UV = 0x05;
const HAS_KEY = 0x40;
const sha256 = (bytes: string | Buffer): Buffer => createHash("sha256").update(bytes).digest();
const base64url = (bytes: Buffer | string): string => Buffer.from(bytes).toString("base64url");

/** The browser of one person and an authenticator of theirs, which keeps ES256 passkeys. */
export function createAuthenticator(origin: string) {
  const kept: Kept[] = [];

  const clientData = (type: string, challenge: string, wrong: Wrong): Buffer =>
    Buffer.from(
      JSON.stringify({
        type: wrong.type ?? type,
        challenge: wrong.challenge ?? challenge,
        origin: wrong.origin ?? origin,
        crossOrigin: false,
      }),
    );

  return {
    kept,
    /** `navigator.credentials.create` */
    create({ challenge, rp, user }: PasskeyCreation, wrong: Wrong = {}): NewCredential {
      const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const id = wrong.id ?? base64url(randomBytes(32));
      const rpId = wrong.rpId ?? rp.id;
      kept.push({ id, rpId, userHandle: user.id, key: privateKey, counter: 0 });
      const rawId = Buffer.from(id, "base64url");
      const length = Buffer.from([rawId.length >> 8, rawId.length & 0xff]);
      const attested = Buffer.concat([Buffer.alloc(16), length, rawId, coseKey(publicKey)]);
      const head = authData(rpId, (wrong.flags ?? UP_AND_UV) | HAS_KEY, wrong.counter ?? 0);
      const data = Buffer.concat([head, attested]);
      return {
        id,
        rawId: id,
        type: "public-key",
        authenticatorAttachment: "platform",
        clientExtensionResults: { credProps: { rk: true } },
        response: {
          clientDataJSON: base64url(clientData("webauthn.create", challenge, wrong)),
          attestationObject: base64url(attestationObject(data)),
          authenticatorData: base64url(data),
          transports: ["internal", "hybrid"],
          publicKeyAlgorithm: -7,
        },
      };
    },
    /** `navigator.credentials.get`: of what may be shown, what it kept last. */
    get({ challenge, rpId, allowCredentials }: PasskeyRequest, wrong: Wrong = {}): ShownCredential {
      const fits = kept.filter(
        (one) => one.rpId === rpId && (allowCredentials ?? [one]).some(({ id }) => id === one.id),
      );
      const one = fits.at(-1);
      if (one === undefined) throw new Error("no passkey here fits");
      one.counter += 1;
      const data = authData(wrong.rpId ?? rpId, wrong.flags ?? UP_AND_UV, wrong.counter ?? one.counter);
      const client = clientData("webauthn.get", challenge, wrong);
      const signature = sign("sha256", Buffer.concat([data, sha256(client)]), wrong.key ?? one.key);
      return {
        id: wrong.id ?? one.id,
        rawId: wrong.id ?? one.id,
        type: "public-key",
        clientExtensionResults: {},
        response: {
          clientDataJSON: base64url(client),
          authenticatorData: base64url(data),
          signature: base64url(signature),
          userHandle: one.userHandle,
        },
      };
    },
  };
}

function authData(rpId: string, flags: number, counter: number): Buffer {
  const tail = Buffer.alloc(5);
  tail.writeUInt8(flags, 0);
  tail.writeUInt32BE(counter, 1);
  return Buffer.concat([sha256(rpId), tail]);
}

/** CBOR of an EC2 key for ES256 (RFC 9053, 2.1 and 7.1.1). */
function coseKey(key: KeyObject): Buffer {
  const { x = "", y = "" } = key.export({ format: "jwk" });
  return Buffer.concat([
    Buffer.from("a5010203262001215820", "hex"),
    Buffer.from(x, "base64url"),
    Buffer.from("225820", "hex"),
    Buffer.from(y, "base64url"),
  ]);
}

/** CBOR of `{ fmt: "none", attStmt: {}, authData }`. */
function attestationObject(data: Buffer): Buffer {
  const length =
    data.length < 256 ? Buffer.from([0x58, data.length]) : Buffer.from([0x59, data.length >> 8, data.length & 0xff]);
  return Buffer.concat([Buffer.from("a363666d74646e6f6e656761747453746d74a0686175746844617461", "hex"), length, data]);
}
