import type { FrozenContent, FrozenMessage, FrozenRun } from "#shared/domain/frozen-content.ts";
import type { RunParameters } from "#shared/domain/parameters.ts";
import { askedParts, promptOf, promptPiece } from "#shared/domain/prompt.ts";
import type { ChatMessage } from "#shared/domain/prompt.ts";
import { canonicalJson } from "#shared/lib/canonical-json.ts";
import { err, ok } from "#shared/lib/result.ts";
import type { Result } from "#shared/lib/result.ts";
import { RECEIPT_TYPE, endingOf, receiptSchema } from "./receipt.ts";
import type { Receipt } from "./receipt.ts";
import { readSigned } from "./signed-text.ts";
import type { SignedFault } from "./signed-text.ts";
import { endBefore, openKeyring } from "./signing-keys.ts";
import type { Jwks, KeyEnd, Keyring } from "./signing-keys.ts";

/** Why nothing can be said of who wrote an answer. */
export type UnverifiedReason =
  | SignedFault
  | "no-receipt"
  /** no key that is known here signed it */
  | "other-server"
  /** it says that it was signed when its key was retired, or over */
  | KeyEnd["type"]
  | "bad-signature"
  | "cannot-check"
  /** the receipt is that of another run, which wrote another message */
  | "other-message"
  /** model, version, times or ending are not those that were signed */
  | "other-facts";

/** What can be said of one answer. `receipt` is what the server signed. */
export type AnswerMark =
  /** these words, by this model, asked exactly what stands before them */
  | { type: "verified"; receipt: Receipt; kid: string }
  /** these words, by this model, but it was asked something else than what stands before them here */
  | { type: "verified-other-context"; receipt: Receipt; kid: string }
  /** the model wrote an answer here, but not these words */
  | { type: "edited"; receipt: Receipt; kid: string }
  | Unverified;

/** `signedAt`: when it says that it was signed, `endedAt`: when its key was retired or over, both in ms since 1970 */
export type Unverified =
  | { type: "unverified"; reason: Exclude<UnverifiedReason, KeyEnd["type"]> }
  | { type: "unverified"; reason: KeyEnd["type"]; signedAt: number; endedAt: number };

/** SHA-256 of bytes: of the browser or of Node, which are quicker than any of ours. */
export type Sha256 = (bytes: Uint8Array<ArrayBuffer>) => Promise<Uint8Array>;

/**
 * What can be said of each message; `undefined` for those that people wrote. Trusts the keys it is handed, and no key
 * that comes with the content.
 */
export async function verifyAnswers(
  content: FrozenContent,
  keys: Jwks,
  sha256: Sha256,
): Promise<(AnswerMark | undefined)[]> {
  const checker = createChecker(content, openKeyring(keys), sha256);
  return Promise.all(content.messages.map((_, index) => checker.markOf(index)));
}

/** As `verifyAnswers`, for the message at one place. */
export const verifyAnswer = (
  content: FrozenContent,
  index: number,
  keys: Jwks,
  sha256: Sha256,
): Promise<AnswerMark | undefined> => createChecker(content, openKeyring(keys), sha256).markOf(index);

interface Signed {
  receipt: Receipt;
  kid: string;
}

function createChecker({ manifest, messages }: FrozenContent, keyring: Keyring, sha256: Sha256) {
  const known = rememberMessages();
  const hash = async (bytes: Uint8Array<ArrayBuffer>): Promise<string> => hexOf(await sha256(bytes));
  const hashText = (text: string): Promise<string> => hash(new TextEncoder().encode(text));

  async function markOf(index: number): Promise<AnswerMark | undefined> {
    const message = messages[index];
    if (message?.role !== "assistant") return undefined;
    const { run } = message;
    if (run?.receipt === undefined) return unverified("no-receipt");
    const signed = await readReceipt(run.receipt, keyring);
    if (!signed.ok) return signed.failure;
    const { receipt } = signed.value;
    // Not by the message's id: whoever duplicates or restores a snapshot gives its messages ids of their own.
    if (receipt.run !== run.id) return unverified("other-message");
    if (!areFacts(receipt, run)) return unverified("other-facts");
    if (!(await isOutput(message, receipt))) return { type: "edited", ...signed.value };
    const isContext = (await hash(askedBefore(index, message, run, receipt.carried ?? 0))) === receipt.context;
    return { type: isContext ? "verified" : "verified-other-context", ...signed.value };
  }

  async function isOutput({ text, reasoning }: FrozenMessage, receipt: Receipt): Promise<boolean> {
    const thought = reasoning === undefined ? undefined : await hashText(reasoning);
    return (await hashText(text)) === receipt.output && thought === receipt.reasoning;
  }

  /** What the model was asked, if it was asked what stands before its answer here. */
  function askedBefore(index: number, { text }: FrozenMessage, run: FrozenRun, carried: number) {
    const prompt = promptOf(manifest.settings.systemPrompt, messages.slice(0, index), text.slice(0, carried));
    return known.asked(prompt, run.model, run.parameters);
  }

  return { markOf };
}

/** Whether model, version, times and ending of a run are those that were signed. */
const areFacts = (receipt: Receipt, run: FrozenRun): boolean =>
  (run.provider === "" || receipt.model.startsWith(`${run.provider}/`)) &&
  canonicalJson(endingOf(receipt)) === canonicalJson(endingOf({ ...run }));

const unverified = (reason: Exclude<UnverifiedReason, KeyEnd["type"]>): Unverified => ({ type: "unverified", reason });

async function readReceipt(jws: string, keyring: Keyring): Promise<Result<Signed, Unverified>> {
  const read = readSigned(jws, RECEIPT_TYPE);
  if (!read.ok) return err(unverified(read.failure));
  const { kid, payload } = read.value;
  const fault = await keyring.check(jws, kid);
  const key = keyring.find(kid);
  if (key === undefined || fault === "unknown-key") return err(unverified("other-server"));
  if (fault !== undefined) return err(unverified(fault));
  const parsed = receiptSchema.safeParse(payload);
  if (!parsed.success) return err(unverified("malformed"));
  const { iat } = parsed.data;
  const end = endBefore(key, iat);
  return end === undefined
    ? ok({ receipt: parsed.data, kid })
    : err({ type: "unverified", reason: end.type, signedAt: iat * 1000, endedAt: end.at });
}

/** Writes and encodes each message once, as the prompts of a conversation share them: most of the work is there. */
function rememberMessages() {
  const pieces = {
    system: new Map<string, string>(),
    user: new Map<string, string>(),
    assistant: new Map<string, string>(),
  };
  const encoded = new Map<string, Uint8Array>();
  const encoder = new TextEncoder();
  const pieceOf = ({ role, text }: ChatMessage): string =>
    remembered(pieces[role], text, () => promptPiece({ role, text }));
  return {
    asked(messages: readonly ChatMessage[], model: string, parameters: RunParameters): Uint8Array<ArrayBuffer> {
      const parts = askedParts(messages.map(pieceOf), model, parameters);
      return joined(parts.map((part) => remembered(encoded, part, () => encoder.encode(part))));
    },
  };
}

function remembered<T>(known: Map<string, T>, key: string, make: () => T): T {
  const found = known.get(key);
  if (found !== undefined) return found;
  const made = make();
  known.set(key, made);
  return made;
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

const hexOf = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
