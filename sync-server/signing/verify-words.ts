import { contentIdOf } from "#shared/domain/frozen-content.ts";
import type { FrozenMessage } from "#shared/domain/frozen-content.ts";
import type { FilePart } from "#shared/provenance/read-snapshot-file.ts";
import type { AnswerMark, Unverified } from "#shared/provenance/verify-answer.ts";
import type { FileTrust, FileVerdict } from "#shared/provenance/verify-snapshot-file.ts";

// What `npm run verify` says. Everything that comes out of a file may have been written by anybody, so it is quoted:
// a control character in a title would otherwise speak to the terminal.

const timeOf = (ms: number): string =>
  Number.isFinite(ms) && Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : "an unknown time";
const quoted = (text: string): string =>
  JSON.stringify(text).replace(
    /[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/gu,
    (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
const serverOf = (server: string): string => (server === "" ? "a server without an address" : quoted(server));

/** The verdict, as one sentence and what it means. */
export function verdictWords(verdict: FileVerdict): string {
  switch (verdict.type) {
    case "intact":
      return `${HEADLINES[verdict.trust]} ${intactWords(verdict)}`;
    case "changed":
      return `CHANGED. ${partWords(verdict.part)} This file is not what was signed.`;
    case "other-server":
      return `OTHER SERVER. The file says it is from ${serverOf(verdict.server)}, but it is signed with key ${verdict.kid}, which is not among the keys you gave.`;
    case "key-retired":
      return `RETIRED KEY. The file says it was signed at ${timeOf(verdict.signedAt)} with key ${verdict.kid}, but that key was retired at ${timeOf(verdict.retiredAt)}.`;
    case "key-expired":
      return `EXPIRED KEY. The file says it was signed at ${timeOf(verdict.signedAt)} with key ${verdict.kid}, but that key expired at ${timeOf(verdict.expiredAt)}.`;
    case "not-signed":
      return "NOT SIGNED. The file has no signature: anybody may have written it.";
    case "not-a-snapshot-file":
      return "NOT A SNAPSHOT FILE. This is not a Holdfast snapshot file, or its beginning is damaged.";
    case "newer-format":
      return `NEWER FORMAT. The file is in the format ${verdict.format}, which this version of Holdfast does not know.`;
    case "cannot-check":
      return "CANNOT CHECK. This version of Node cannot check Ed25519 signatures.";
  }
}

function intactWords({ trust, kid, signedAt, server, file }: Extract<FileVerdict, { type: "intact" }>): string {
  const { number, title } = file.meta;
  return [
    `Nothing in this file was changed since it was signed at ${timeOf(signedAt)} by ${serverOf(server)}.`,
    `Snapshot ${number}, ${quoted(title)}: ${file.content.messages.length} messages, content id ${contentIdOf(file.content.manifest)}.`,
    TRUST[trust],
    `Fingerprint of the key: ${kid}`,
  ].join("\n");
}

const HEADLINES: Record<FileTrust, string> = {
  trusted: "INTACT.",
  rotated: "INTACT.",
  "self-claimed": "INTACT, BUT NOBODY VOUCHES FOR ITS KEY.",
};

const TRUST: Record<FileTrust, string> = {
  trusted: "The key is one of those you gave.",
  rotated: "The key is one of those you gave. It was retired since, and signed this before.",
  "self-claimed":
    "You gave no keys, so the file was checked with the keys inside it: it agrees with itself, but anybody can make such a file with a key of their own. " +
    "Compare the fingerprint with that of the server, or give its keys: --keys FILE (from its address /.well-known/jwks.json).",
};

function partWords(part: FilePart): string {
  switch (part.type) {
    case "layout":
      return "The layout is damaged, or something was added to the file or cut off it.";
    case "meta":
      return "The title, note, tags, number or times were changed.";
    case "manifest":
      return "The settings, or the list of the messages, were changed.";
    case "message":
      return `Message ${part.place}${glimpseWords(part)} was changed.`;
    case "count":
      return "Whole messages were added or removed.";
    case "keys":
      return "The keys in the file were changed.";
    case "signature":
      return "The signature was changed, or is of something else.";
  }
}

function glimpseWords({
  role,
  createdAt,
}: {
  role: FrozenMessage["role"] | undefined;
  createdAt: number | undefined;
}): string {
  const who = role && (role === "user" ? "a prompt" : "an answer");
  const when = createdAt === undefined ? undefined : `of ${timeOf(createdAt)}`;
  const known = [who, when].filter((one) => one !== undefined);
  return known.length > 0 ? ` (${known.join(" ")})` : "";
}

/** What is said of one answer. */
export function markWords(mark: AnswerMark): string {
  switch (mark.type) {
    case "verified":
      return `verified: these are the words of ${modelOf(mark)}, asked exactly what stands before them`;
    case "verified-other-context":
      return `verified, but asked something else: these are the words of ${modelOf(mark)}; what stands before them here is not what it was asked`;
    case "edited":
      return `edited: ${modelOf(mark)} wrote an answer here, but not these words`;
    case "unverified":
      return `unverified: ${reasonWords(mark)}`;
  }
}

const modelOf = ({ receipt: { model, resolvedModel } }: Exclude<AnswerMark, { type: "unverified" }>): string =>
  resolvedModel === undefined || model.endsWith(`/${resolvedModel}`)
    ? quoted(model)
    : `${quoted(model)} (${quoted(resolvedModel)})`;

function reasonWords(mark: Unverified): string {
  if (!("endedAt" in mark)) return REASONS[mark.reason];
  const end = mark.reason === "key-retired" ? "was retired" : "expired";
  return `its receipt says it was signed at ${timeOf(mark.signedAt)}, but its key ${end} at ${timeOf(mark.endedAt)}`;
}

const REASONS: Record<Exclude<Unverified, { endedAt: number }>["reason"], string> = {
  "no-receipt": "no server vouches for it",
  "other-server": "its receipt is of another server than the keys",
  "bad-signature": "its receipt was changed",
  "alg-none": "its receipt is not signed",
  "wrong-alg": "its receipt is signed by another method than ours",
  malformed: "its receipt cannot be read",
  "cannot-check": "this version of Node cannot check Ed25519 signatures",
  "other-message": "its receipt is of another run",
  "other-facts": "model, version, times or ending are not those that were signed",
};
