import * as z from "zod/mini";
import { nameSchema } from "./account-bodies.ts";

// Passkeys: what the browser's WebAuthn API is given and gives back, in the JSON form of WebAuthn Level 3.
// Requests are strict, answers are open.

/** Bytes as the browser writes them; the longest is an attestation that nobody asked for. */
const bytes = z.string().check(z.minLength(1), z.maxLength(16_384), z.regex(/^[\w-]+$/));
const credentialIdSchema = z.string().check(z.minLength(1), z.maxLength(1_400), z.regex(/^[\w-]+$/));
const passkeyNameSchema = nameSchema.check(z.minLength(1));

/** What both ceremonies give back besides their response. What extensions say is not looked at. */
const credential = {
  id: credentialIdSchema,
  rawId: credentialIdSchema,
  type: z.enum(["public-key"]),
  authenticatorAttachment: z.optional(z.string().check(z.maxLength(40))),
  clientExtensionResults: z.optional(z.looseObject({})),
};

/** `navigator.credentials.create`. */
const newCredentialSchema = z.strictObject({
  ...credential,
  response: z.strictObject({
    clientDataJSON: bytes,
    attestationObject: bytes,
    authenticatorData: z.optional(bytes),
    transports: z.optional(z.array(z.string().check(z.maxLength(40))).check(z.maxLength(10))),
    publicKeyAlgorithm: z.optional(z.int()),
    publicKey: z.optional(bytes),
  }),
});
export type NewCredential = z.infer<typeof newCredentialSchema>;

/** `navigator.credentials.get`. */
const shownCredentialSchema = z.strictObject({
  ...credential,
  response: z.strictObject({
    clientDataJSON: bytes,
    authenticatorData: bytes,
    signature: bytes,
    userHandle: z.optional(bytes),
  }),
});
export type ShownCredential = z.infer<typeof shownCredentialSchema>;

/** Body of `POST /api/auth/passkey/sign-in`. */
export const passkeySignInSchema = z.strictObject({
  credential: shownCredentialSchema,
  /** this is a shared device: the session ends with the browser */
  sharedDevice: z.optional(z.boolean()),
});

/** Body of `POST /api/passkeys`. */
export const addPasskeySchema = z.strictObject({ name: passkeyNameSchema, credential: newCredentialSchema });

/** Body of `PATCH /api/passkeys/:id`. */
export const renamePasskeySchema = z.strictObject({ name: passkeyNameSchema });

const TRANSPORTS = ["ble", "cable", "hybrid", "internal", "nfc", "smart-card", "usb"] as const;
export type Transport = (typeof TRANSPORTS)[number];
export const isTransport = (text: string): text is Transport => TRANSPORTS.some((known) => known === text);

const knownCredentialSchema = z.looseObject({
  id: z.string(),
  type: z.literal("public-key"),
  transports: z.optional(z.array(z.enum(TRANSPORTS))),
});
const verificationSchema = z.enum(["discouraged", "preferred", "required"]);

/** Answer of `POST /api/auth/passkey/options`: for `navigator.credentials.get`. */
export const passkeyRequestSchema = z.looseObject({
  challenge: z.string(),
  rpId: z.string(),
  timeout: z.optional(z.number()),
  /** absent: any passkey of this site may be shown */
  allowCredentials: z.optional(z.array(knownCredentialSchema)),
  userVerification: z.optional(verificationSchema),
});
export type PasskeyRequest = z.infer<typeof passkeyRequestSchema>;

/** Answer of `POST /api/passkeys/options`: for `navigator.credentials.create`. */
export const passkeyCreationSchema = z.looseObject({
  challenge: z.string(),
  rp: z.looseObject({ id: z.string(), name: z.string() }),
  user: z.looseObject({ id: z.string(), name: z.string(), displayName: z.string() }),
  pubKeyCredParams: z.array(z.looseObject({ type: z.literal("public-key"), alg: z.number() })),
  timeout: z.optional(z.number()),
  excludeCredentials: z.optional(z.array(knownCredentialSchema)),
  authenticatorSelection: z.looseObject({
    residentKey: z.enum(["discouraged", "preferred", "required"]),
    requireResidentKey: z.boolean(),
    userVerification: verificationSchema,
  }),
});
export type PasskeyCreation = z.infer<typeof passkeyCreationSchema>;

/** Answer of `POST /api/passkeys`. */
export const passkeySchema = z.object({
  id: z.string(),
  name: z.string(),
  /** ms since 1970 */
  createdAt: z.number(),
  /** whether it is kept on several devices of its owner, by whoever makes their system or password manager */
  synced: z.boolean(),
  /** who keeps it, where that is known */
  keeper: z.optional(z.string()),
});
export type Passkey = z.infer<typeof passkeySchema>;

/** Answer of `GET /api/passkeys`. */
export const passkeysSchema = z.object({ passkeys: z.array(passkeySchema) });
export type Passkeys = z.infer<typeof passkeysSchema>;
