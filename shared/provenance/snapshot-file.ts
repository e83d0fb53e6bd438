import * as z from "zod/mini";
import { contentIdOf, hashOf } from "#shared/domain/frozen-content.ts";
import type { FrozenContent } from "#shared/domain/frozen-content.ts";
import { canonicalJson } from "#shared/lib/canonical-json.ts";
import { frozenMessageSchema, manifestSchema } from "#shared/protocol/snapshot-bodies.ts";
import { publishedKeySchema } from "./signing-keys.ts";
import type { PublishedKey } from "./signing-keys.ts";

// A snapshot as a file that anybody can verify: JSON, laid out one part a line, each in its canonical form, so that the
// bytes of a file are given by what it says and damage is found line by line. docs/snapshot-file.md describes it.

/** The `typ` of a file's signature. */
export const SNAPSHOT_FILE_TYPE = "holdfast-snapshot+jwt";
export const SNAPSHOT_FILE_FORMAT = "holdfast.snapshot-file.v1";
/** Ends the name of such a file. */
export const SNAPSHOT_FILE_ENDING = ".holdfast.json";

const text = z.string();

/** What is said about the snapshot beside what was frozen. Times are ms since 1970 by the server's clock. */
export const snapshotFileMetaSchema = z.strictObject({
  id: text,
  conversationId: text,
  number: z.number(),
  title: text,
  note: text,
  tags: z.array(text),
  createdAt: z.number(),
  createdBy: text,
  /** the origin of the server it was taken on; "" where that has none */
  server: text,
});
export type SnapshotFileMeta = z.infer<typeof snapshotFileMetaSchema>;
export const fileKeysSchema = z.array(publishedKeySchema);

/** A file as JSON. What verifies it reads its lines: `readSnapshotFile`. */
export const snapshotFileSchema = z.object({
  format: z.literal(SNAPSHOT_FILE_FORMAT),
  meta: snapshotFileMetaSchema,
  manifest: manifestSchema,
  messages: z.array(frozenMessageSchema),
  keys: fileKeysSchema,
  /** a JWS in compact form */
  signature: text,
});

/** What the server signs of a file: through the manifest and its chain of hashes, every message of it. */
export interface SnapshotFileClaims {
  contentId: string;
  /** SHA-256 of `meta` in canonical JSON, hex */
  meta: string;
  /** SHA-256 of `keys` in canonical JSON, hex */
  keys: string;
}

const hash = z.string().check(z.regex(/^[0-9a-f]{64}$/));

/** `iat`: seconds since 1970; `iss`: the origin of the server, "" where it has none. */
export const signedFileSchema = z.strictObject({
  contentId: hash,
  meta: hash,
  keys: hash,
  iss: text,
  iat: z.int().check(z.nonnegative()),
});

export interface NewSnapshotFile {
  meta: SnapshotFileMeta;
  content: FrozenContent;
  /** all keys that the server publishes: receipts may be signed by retired ones */
  keys: readonly PublishedKey[];
  /** Answers a JWS of the type `SNAPSHOT_FILE_TYPE`. */
  sign: (claims: SnapshotFileClaims) => Promise<string>;
}

/** What stands before and after the parts of a file, line by line; messages come one a line, with commas between them. */
export const FILE_LINES = {
  format: `{"format":"${SNAPSHOT_FILE_FORMAT}",`,
  meta: ['"meta":', ","],
  manifest: ['"manifest":', ","],
  messages: '"messages":[',
  messagesEnd: "],",
  keys: ['"keys":', ","],
  signature: ['"signature":', "}"],
} as const;

const part = ([before, after]: readonly [string, string], value: unknown): string =>
  before + canonicalJson(value) + after;

/** Writes and signs a file. It is UTF-8, ends with one line feed, and the same snapshot gives the same lines before the last. */
export async function writeSnapshotFile({ meta, content, keys, sign }: NewSnapshotFile): Promise<string> {
  const { manifest, messages } = content;
  const signature = await sign({ contentId: contentIdOf(manifest), meta: hashOf(meta), keys: hashOf(keys) });
  return [
    FILE_LINES.format,
    part(FILE_LINES.meta, meta),
    part(FILE_LINES.manifest, manifest),
    FILE_LINES.messages,
    ...messages.map((message, index) => canonicalJson(message) + (index < messages.length - 1 ? "," : "")),
    FILE_LINES.messagesEnd,
    part(FILE_LINES.keys, keys),
    part(FILE_LINES.signature, signature),
    "",
  ].join("\n");
}
