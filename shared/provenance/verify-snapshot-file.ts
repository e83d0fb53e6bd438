import { checkFrozen, contentIdOf, hashOf } from "#shared/domain/frozen-content.ts";
import type { FrozenContent } from "#shared/domain/frozen-content.ts";
import { err, ok } from "#shared/lib/result.ts";
import type { Result } from "#shared/lib/result.ts";
import { readSnapshotFile } from "./read-snapshot-file.ts";
import type { FileFault, FilePart, ReadFile } from "./read-snapshot-file.ts";
import { readSigned } from "./signed-text.ts";
import { endBefore, openKeyring } from "./signing-keys.ts";
import type { Jwks, PublishedKey } from "./signing-keys.ts";
import { SNAPSHOT_FILE_TYPE, signedFileSchema } from "./snapshot-file.ts";
import type { SnapshotFileMeta } from "./snapshot-file.ts";

/** All that an intact file says. */
export interface SnapshotFile {
  meta: SnapshotFileMeta;
  content: FrozenContent;
  /** the keys that came with it: trust them no further than the file */
  keys: Jwks;
}

/** Who vouches for a file, as far as that was asked. */
export type FileTrust =
  /** a key that is trusted and in use */
  | "trusted"
  /** a key that is trusted and was retired later than it signed this */
  | "rotated"
  /** nobody was asked: the file agrees with the keys that it brings along itself */
  | "self-claimed";

/** Whether a file is what its server signed. `kid` is the fingerprint of the key; times are ms since 1970. */
export type FileVerdict =
  | { type: "intact"; trust: FileTrust; kid: string; signedAt: number; server: string; file: SnapshotFile }
  | { type: "changed"; part: FilePart }
  /** whole, but signed by a key that is not among those trusted */
  | { type: "other-server"; kid: string; server: string }
  /** whole, but signed after its key was retired */
  | { type: "key-retired"; kid: string; signedAt: number; retiredAt: number }
  /** whole, but signed when the time of its key was over */
  | { type: "key-expired"; kid: string; signedAt: number; expiredAt: number }
  | { type: "not-signed" }
  | { type: "not-a-snapshot-file" }
  | { type: "newer-format"; format: string }
  /** this browser lends no cryptography to this page */
  | { type: "cannot-check" };

interface FileSignature {
  kid: string;
  /** seconds since 1970 */
  iat: number;
  server: string;
}

/**
 * Verifies a file, byte by byte, without asking anybody: the same bytes and keys give the same verdict anywhere.
 * @param trusted the keys of the server that is believed; without them the file can only agree with itself
 */
export async function verifySnapshotFile(bytes: Uint8Array, trusted: Jwks | undefined): Promise<FileVerdict> {
  const read = readSnapshotFile(bytes);
  if (!read.ok) return verdictOf(read.failure);
  const signed = await checkSignature(read.value);
  if (!signed.ok) return signed.failure;
  const { meta, content, keys } = read.value;
  const wrong = wrongMessage(content);
  if (wrong) return { type: "changed", part: wrong };
  return judge({ meta, content, keys: { keys } }, signed.value, trusted);
}

function verdictOf(fault: FileFault): FileVerdict {
  return fault.type === "damaged" ? { type: "changed", part: fault.part } : fault;
}

const changed = (type: "meta" | "manifest" | "keys" | "signature"): { ok: false; failure: FileVerdict } =>
  err({ type: "changed", part: { type } });

/** Whether the file's own keys signed its parts, and these parts. */
async function checkSignature({ meta, content, keys, jws }: ReadFile): Promise<Result<FileSignature, FileVerdict>> {
  const read = readSigned(jws, SNAPSHOT_FILE_TYPE);
  if (!read.ok) return read.failure === "alg-none" ? err({ type: "not-signed" }) : changed("signature");
  const { kid, payload } = read.value;
  const keyring = openKeyring({ keys });
  const fault = await keyring.check(jws, kid);
  if (fault === "cannot-check") return err({ type: "cannot-check" });
  if (!(await keyring.isSound())) return changed("keys");
  const claims = signedFileSchema.safeParse(payload);
  if (fault !== undefined || !claims.success) return changed("signature");
  if (claims.data.meta !== hashOf(meta)) return changed("meta");
  if (claims.data.contentId !== contentIdOf(content.manifest)) return changed("manifest");
  if (claims.data.keys !== hashOf(keys)) return changed("keys");
  return ok({ kid, iat: claims.data.iat, server: claims.data.iss });
}

function wrongMessage(content: FrozenContent): FilePart | undefined {
  const checked = checkFrozen(content);
  if (checked.ok) return undefined;
  if (checked.failure.type === "count") return { type: "count" };
  const { index } = checked.failure;
  const { role, createdAt } = content.messages[index] ?? {};
  return { type: "message", place: index + 1, role, createdAt };
}

function judge(file: SnapshotFile, { kid, iat, server }: FileSignature, trusted: Jwks | undefined): FileVerdict {
  const key = (trusted ?? file.keys).keys.find((one) => one.kid === kid);
  if (key === undefined) return { type: "other-server", kid, server };
  const signedAt = iat * 1000;
  const end = endBefore(key, iat);
  if (end?.type === "key-retired") return { type: end.type, kid, signedAt, retiredAt: end.at };
  if (end?.type === "key-expired") return { type: end.type, kid, signedAt, expiredAt: end.at };
  return { type: "intact", trust: trustIn(key, trusted), kid, signedAt, server, file };
}

function trustIn({ retiredAt }: PublishedKey, trusted: Jwks | undefined): FileTrust {
  if (trusted === undefined) return "self-claimed";
  return retiredAt === undefined ? "trusted" : "rotated";
}
