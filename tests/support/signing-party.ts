import { createHash, createHmac } from "node:crypto";
import { CompactSign, calculateJwkThumbprint, exportJWK, generateKeyPair } from "jose";
import type { CryptoKey } from "jose";
import { FROZEN_FORMAT, chainMessages } from "#shared/domain/frozen-content.ts";
import type { FrozenContent, FrozenMessage, FrozenRun, FrozenSettings } from "#shared/domain/frozen-content.ts";
import { askedJson, promptOf } from "#shared/domain/prompt.ts";
import { canonicalJson } from "#shared/lib/canonical-json.ts";
import { RECEIPT_TYPE } from "#shared/provenance/receipt.ts";
import { SNAPSHOT_FILE_TYPE, writeSnapshotFile } from "#shared/provenance/snapshot-file.ts";
import type { NewSnapshotFile, SnapshotFileMeta } from "#shared/provenance/snapshot-file.ts";
import type { PublishedKey } from "#shared/provenance/signing-keys.ts";
import type { Sha256 } from "#shared/provenance/verify-answer.ts";

/** A server's key with what it signs, made by hand: what the app itself would never write can be signed as well. */
export interface SigningParty {
  key: PublishedKey;
  privateKey: CryptoKey;
  /** @param header laid over ours */
  sign(typ: string, claims: object, header?: object): Promise<string>;
}

/** seconds since 1970 */
export const SIGNED_AT = 1_790_000_000;

export async function aParty(retiredAt?: number): Promise<SigningParty> {
  const { publicKey, privateKey } = await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true });
  const { x = "" } = await exportJWK(publicKey);
  const kid = await calculateJwkThumbprint(publicKey);
  const known = { kty: "OKP", crv: "Ed25519", x, kid, alg: "EdDSA", use: "sig", iat: SIGNED_AT - 1000 } as const;
  return {
    key: { ...known, ...(retiredAt !== undefined && { retiredAt }) },
    privateKey,
    sign: (typ, claims, header = {}) =>
      new CompactSign(
        new TextEncoder().encode(canonicalJson({ iss: "https://chat.example.org", iat: SIGNED_AT, ...claims })),
      )
        .setProtectedHeader({ alg: "EdDSA", kid, typ, ...header })
        .sign(privateKey),
  };
}

export const sha256: Sha256 = async (bytes) => createHash("sha256").update(bytes).digest();
export const hexOf = (text: string): string => createHash("sha256").update(text).digest("hex");

/** A JWS by HS256: whoever has the secret can make it, also where that is a public key. */
export const macOf = (secret: string | Buffer, signed: string): string =>
  `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;

const idOf = (number: number): string => `01980000-0000-7000-8000-${number.toString(16).padStart(12, "0")}`;

export const SETTINGS: FrozenSettings = {
  model: "openai/gpt-x",
  systemPrompt: "Be brief – “please”.",
  parameters: { topP: 0.5 },
};
const ENDING = {
  model: "openai/gpt-x",
  resolvedModel: "gpt-x-2026-01-01",
  status: "completed",
  finish: "stop",
  startedAt: 1_789_999_990_000,
  endedAt: 1_789_999_999_000,
} as const;

export interface Turn {
  prompt: string;
  answer: string;
  reasoning?: string;
  /** what the receipt says instead of the truth */
  claims?: object;
  /** how many characters were carried on */
  carried?: number;
}

/** What is frozen of turns whose answers a party signed. */
export async function aContent(
  party: SigningParty,
  turns: readonly Turn[],
  settings = SETTINGS,
): Promise<FrozenContent> {
  const loose: Omit<FrozenMessage, "previous">[] = [];
  for (const { prompt, answer, reasoning, claims, carried } of turns) {
    const at = 1_789_999_000_000 + loose.length;
    loose.push({ id: idOf(loose.length), role: "user", text: prompt, author: "ada", createdAt: at });
    const asked = promptOf(settings.systemPrompt, loose, answer.slice(0, carried ?? 0));
    const id = idOf(loose.length);
    const run: FrozenRun = {
      ...ENDING,
      id: idOf(1000 + loose.length),
      provider: "openai",
      parameters: settings.parameters,
      queuedAt: at,
    };
    const receipt = await party.sign(RECEIPT_TYPE, {
      ...ENDING,
      run: run.id,
      message: id,
      context: hexOf(askedJson(asked, run.model, run.parameters)),
      output: hexOf(answer),
      ...(reasoning !== undefined && { reasoning: hexOf(reasoning) }),
      ...(carried !== undefined && { carried, carriedFrom: idOf(9) }),
      ...claims,
    });
    loose.push({
      id,
      role: "assistant",
      text: answer,
      ...(reasoning !== undefined && { reasoning }),
      createdAt: at,
      run: { ...run, receipt },
    });
  }
  return frozen(loose, settings);
}

/** Messages chained under a manifest of their own. */
export function frozen(loose: readonly Omit<FrozenMessage, "previous">[], settings = SETTINGS): FrozenContent {
  const { messages, hashes } = chainMessages(loose);
  const head = hashes.at(-1) ?? null;
  return { manifest: { format: FROZEN_FORMAT, settings, messageCount: messages.length, head }, messages };
}

export const META: SnapshotFileMeta = {
  id: idOf(77),
  conversationId: idOf(78),
  number: 3,
  title: "Pläne für 東京 🗼",
  note: "",
  tags: ["a", "b"],
  createdAt: 1_790_000_000_000,
  createdBy: "ada",
  server: "https://chat.example.org",
};

/** The bytes of a file that a party signed. */
export async function aFile(
  party: SigningParty,
  content: FrozenContent,
  over: Partial<NewSnapshotFile> = {},
): Promise<Uint8Array> {
  const sign = (claims: object): Promise<string> => party.sign(SNAPSHOT_FILE_TYPE, claims);
  return new TextEncoder().encode(await writeSnapshotFile({ meta: META, content, keys: [party.key], sign, ...over }));
}
