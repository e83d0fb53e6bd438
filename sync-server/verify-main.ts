import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import * as z from "zod/mini";
import { publishedKeySchema } from "#shared/provenance/signing-keys.ts";
import type { Jwks } from "#shared/provenance/signing-keys.ts";
import { verifyAnswers } from "#shared/provenance/verify-answer.ts";
import { verifySnapshotFile } from "#shared/provenance/verify-snapshot-file.ts";
import type { SnapshotFile } from "#shared/provenance/verify-snapshot-file.ts";
import { markWords, verdictWords } from "./signing/verify-words.ts";

// Says whether a snapshot file is what its server signed, and what can be said of each answer in it. Needs no server, no
// database and no network. Ends with 0 if the file is intact, with 1 if not, and with 2 where there was nothing to verify.

const USAGE = `Usage: npm run verify -- FILE [--keys JWKS_FILE]

FILE       a snapshot file (.holdfast.json)
JWKS_FILE  the keys of the server you believe, from its address /.well-known/jwks.json
`;

/** What a server answers at that address, and nothing else: a snapshot file brings keys along too, and must not vouch for itself. */
const keysFileSchema = z.strictObject({ keys: z.array(publishedKeySchema) });

/** Why there was nothing to verify, in words. */
class Unusable extends Error {}

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  if (!(error instanceof Unusable)) throw error;
  process.stderr.write(`${error.message}\n`);
  return 2;
});

async function main(args: string[]): Promise<number> {
  const { file, keysFile } = argumentsOf(args);
  const trusted = keysFile === undefined ? undefined : readKeys(keysFile);
  const verdict = await verifySnapshotFile(read(file), trusted);
  process.stdout.write(`${verdictWords(verdict)}\n`);
  if (verdict.type !== "intact") return 1;
  for (const line of await markLines(verdict.file, trusted)) process.stdout.write(`${line}\n`);
  return 0;
}

function argumentsOf(args: string[]): { file: string; keysFile: string | undefined } {
  try {
    const { values, positionals } = parseArgs({ args, options: { keys: { type: "string" } }, allowPositionals: true });
    const [file, ...more] = positionals;
    if (file !== undefined && more.length === 0) return { file, keysFile: values.keys };
  } catch (error) {
    throw new Unusable(`${messageOf(error)}\n${USAGE}`);
  }
  throw new Unusable(USAGE);
}

async function markLines({ content, keys }: SnapshotFile, trusted: Jwks | undefined): Promise<string[]> {
  const marks = await verifyAnswers(content, trusted ?? keys, async (bytes) =>
    createHash("sha256").update(bytes).digest(),
  );
  const by = trusted === undefined ? "by the file's own keys, " : "";
  return marks.flatMap((mark, index) => (mark ? [`Message ${index + 1}: ${by}${markWords(mark)}.`] : []));
}

function read(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new Unusable(`Cannot read ${file}: ${messageOf(error)}`);
  }
}

function readKeys(file: string): Jwks {
  const text = new TextDecoder().decode(read(file));
  const parsed = keysFileSchema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  throw new Unusable(`${file} holds no keys of a Holdfast server (what it answers at /.well-known/jwks.json)`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // no JSON, which the schema says
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
