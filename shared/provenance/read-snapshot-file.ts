import type * as z from "zod/mini";
import type { FrozenContent, FrozenMessage } from "#shared/domain/frozen-content.ts";
import { canonicalJson } from "#shared/lib/canonical-json.ts";
import { err, ok } from "#shared/lib/result.ts";
import type { Result } from "#shared/lib/result.ts";
import { asFrozenMessage, asManifest, frozenMessageSchema, manifestSchema } from "#shared/protocol/snapshot-bodies.ts";
import type { PublishedKey } from "./signing-keys.ts";
import { FILE_LINES, fileKeysSchema, snapshotFileMetaSchema } from "./snapshot-file.ts";
import type { SnapshotFileMeta } from "./snapshot-file.ts";

/** A part of a file, as its reader would point at it. */
export type FilePart =
  /** what holds the parts together, or bytes that belong to none */
  | { type: "layout" }
  /** title, note, tags, number, times */
  | { type: "meta" }
  /** settings, and which messages there are */
  | { type: "manifest" }
  /** the message at a place, from 1; whose it is and when it was made, as far as that can be read */
  | {
      type: "message";
      place: number;
      role: FrozenMessage["role"] | undefined;
      createdAt: number | undefined;
    }
  /** whole messages were added or taken away */
  | { type: "count" }
  | { type: "keys" }
  | { type: "signature" };

export type FileFault =
  | { type: "damaged"; part: FilePart }
  | { type: "not-signed" }
  | { type: "not-a-snapshot-file" }
  | { type: "newer-format"; format: string };

/** What a file says; nothing of it was compared with its signature. */
export interface ReadFile {
  meta: SnapshotFileMeta;
  content: FrozenContent;
  keys: PublishedKey[];
  jws: string;
}

/** the line of the first message */
const FIRST_MESSAGE = 4;
const LINE_FEED = 10;
const damaged = (part: FilePart): { ok: false; failure: FileFault } => err({ type: "damaged", part });

/**
 * Reads a file whose every byte is as `writeSnapshotFile` would write it. Where one is not, names the first part that
 * is concerned, line by line: also where the whole is no JSON any more.
 */
export function readSnapshotFile(bytes: Uint8Array): Result<ReadFile, FileFault> {
  const lines = linesOf(bytes);
  if (lines[0] !== FILE_LINES.format) return err(whatElse(lines));
  const meta = readPart(lines[1], FILE_LINES.meta, snapshotFileMetaSchema);
  if (meta === undefined) return damaged({ type: "meta" });
  const manifest = readPart(lines[2], FILE_LINES.manifest, manifestSchema);
  if (manifest === undefined) return damaged({ type: "manifest" });
  if (lines[3] !== FILE_LINES.messages) return damaged({ type: "layout" });
  const found = lines.indexOf(FILE_LINES.messagesEnd, FIRST_MESSAGE);
  const end = found < 0 ? FIRST_MESSAGE + manifest.messageCount : found;
  const messages = readMessages(lines, end);
  if (!messages.ok) return damaged(messages.failure);
  if (lines[end] !== FILE_LINES.messagesEnd) return damaged({ type: "layout" });
  const [keysLine, signatureLine, ...rest] = lines.slice(end + 1);
  const keys = readPart(keysLine, FILE_LINES.keys, fileKeysSchema);
  if (keys === undefined) return damaged({ type: "keys" });
  const jws = readSignature(signatureLine);
  if (!jws.ok) return jws;
  if (rest.length !== 1 || rest[0] !== "") return damaged({ type: "layout" });
  return ok({ meta, content: { manifest: asManifest(manifest), messages: messages.value }, keys, jws: jws.value });
}

/** The lines of a file; `undefined` where one is no UTF-8. */
function linesOf(bytes: Uint8Array): (string | undefined)[] {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const lines: (string | undefined)[] = [];
  for (let from = 0; ;) {
    const to = bytes.indexOf(LINE_FEED, from);
    const line = bytes.subarray(from, to < 0 ? bytes.length : to);
    lines.push(decode(decoder, line));
    if (to < 0) return lines;
    from = to + 1;
  }
}

function decode(decoder: TextDecoder, bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined; // no UTF-8, and so nothing that was written here
  }
}

/** What a file is whose first line is not ours. */
function whatElse(lines: readonly (string | undefined)[]): FileFault {
  const [, version] = /^\{"format":"holdfast\.snapshot-file\.v(\d+)",\r?$/.exec(lines[0] ?? "") ?? [];
  if (Number(version) > 1) return { type: "newer-format", format: `holdfast.snapshot-file.v${version}` };
  const isOurs = lines.slice(0, 4).some((line) => line?.startsWith('"meta":{') || line?.startsWith('"manifest":{'));
  return isOurs ? { type: "damaged", part: { type: "layout" } } : { type: "not-a-snapshot-file" };
}

/** The value of a line, where the line is exactly how that value is written. */
function readPart<Schema extends z.ZodMiniType>(
  line: string | undefined,
  [before, after]: readonly [string, string],
  schema: Schema,
): z.infer<Schema> | undefined {
  if (line === undefined || !line.startsWith(before) || !line.endsWith(after)) return undefined;
  const json = line.slice(before.length, line.length - after.length);
  const parsed = schema.safeParse(parseJson(json));
  return parsed.success && canonicalJson(parsed.data) === json ? parsed.data : undefined;
}

function readMessages(lines: readonly (string | undefined)[], end: number): Result<FrozenMessage[], FilePart> {
  const messages: FrozenMessage[] = [];
  for (let at = FIRST_MESSAGE; at < end; at++) {
    const message = readPart(lines[at], ["", at < end - 1 ? "," : ""], frozenMessageSchema);
    if (message === undefined) return err({ type: "message", place: messages.length + 1, ...glimpse(lines[at]) });
    messages.push(asFrozenMessage(message));
  }
  return ok(messages);
}

/** Of a line that is no message any more, what can still be read. Keys inside of texts are escaped. */
function glimpse(line = ""): { role: FrozenMessage["role"] | undefined; createdAt: number | undefined } {
  const [, role] = /"role":"(user|assistant)"/.exec(line) ?? [];
  const [, createdAt] = /"createdAt":(\d{1,16})[,}]/.exec(line) ?? [];
  return {
    role: role === "user" || role === "assistant" ? role : undefined,
    createdAt: createdAt === undefined ? undefined : Number(createdAt),
  };
}

function readSignature(line: string | undefined): Result<string, FileFault> {
  const [, jws] = /^"signature":"([A-Za-z0-9_.-]*)"\}$/.exec(line ?? "") ?? [];
  if (jws !== undefined) return jws === "" ? err({ type: "not-signed" }) : ok(jws);
  return damaged({ type: "signature" });
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined; // damaged, which the schema says
  }
}
