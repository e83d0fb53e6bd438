import * as sha256 from "lib0/hash/sha256";
import { canonicalJson } from "#shared/lib/canonical-json.ts";
import { err, ok } from "#shared/lib/result.ts";
import type { Result } from "#shared/lib/result.ts";
import type { ContentHash } from "./ids.ts";
import type { RunParameters } from "./parameters.ts";
import type { FinishReason, RunFailureCode, RunStatus, RunUsage } from "./run.ts";

// What a snapshot holds, and what it is identified by. Messages form a chain: each names the hash of the one before it,
// so that the hash of the last one stands for all of them, and snapshots of one conversation share what they share. The
// manifest names that hash; its own hash is the id of the content. All hashes are SHA-256 of canonical JSON (RFC 8785).

/** The form of a manifest and of the messages it names. A reader that does not know it shows nothing of it. */
export const FROZEN_FORMAT = "holdfast.snapshot.v1";

/** Everything about the run that wrote an answer. Times are ms since 1970 by the server's clock. */
export interface FrozenRun {
  id: string;
  /** `<provider>/<model>` as it was asked for */
  model: string;
  provider: string;
  /** what the provider says answered, e.g. a dated version of `model` */
  resolvedModel?: string | undefined;
  /** the provider's name for the state of the system that answered */
  systemFingerprint?: string | undefined;
  parameters: RunParameters;
  status: RunStatus;
  finish?: FinishReason | undefined;
  failure?: RunFailureCode | undefined;
  usage?: RunUsage | undefined;
  queuedAt: number;
  startedAt?: number | undefined;
  firstTokenAt?: number | undefined;
  endedAt?: number | undefined;
  /** what the relay signed about this answer: a JWS in compact form */
  receipt?: string | undefined;
}

export interface FrozenMessage {
  /** the hash of the message before it; `null` for the first */
  previous: ContentHash | null;
  id: string;
  role: "user" | "assistant";
  /** the account that wrote it; absent where a model did */
  author?: string | undefined;
  text: string;
  reasoning?: string | undefined;
  /** ms since 1970 by the clock of the device that made it */
  createdAt: number;
  run?: FrozenRun | undefined;
}

export interface FrozenSettings {
  /** "" where none was chosen */
  model: string;
  systemPrompt: string;
  parameters: RunParameters;
}

/** From which snapshot a conversation was duplicated or restored. */
export interface FrozenOrigin {
  snapshotId: string;
  contentId: string;
}

export interface Manifest {
  format: typeof FROZEN_FORMAT;
  settings: FrozenSettings;
  /** how many messages there are */
  messageCount: number;
  /** the hash of the last message; `null` where there is none */
  head: ContentHash | null;
  origin?: FrozenOrigin | undefined;
}

/** All of a snapshot that never changes. */
export interface FrozenContent {
  manifest: Manifest;
  /** first to last */
  messages: readonly FrozenMessage[];
}

/** The model that was chosen; where none was, the one that wrote the last answer; "" where there is neither. */
export const modelOf = ({ manifest, messages }: FrozenContent): string =>
  manifest.settings.model || (messages.findLast(({ run }) => run !== undefined)?.run?.model ?? "");

/** SHA-256 (FIPS 180-4) of a text in UTF-8, in lower-case hex. */
export type HashText = (text: string) => ContentHash;

const hashText: HashText = (text) =>
  Array.from(sha256.digest(new TextEncoder().encode(text)), (byte) => byte.toString(16).padStart(2, "0")).join(
    "",
  ) as ContentHash;

/** SHA-256 (FIPS 180-4) of a value in canonical JSON, in hex. */
export const hashOf = (value: unknown): ContentHash => hashText(canonicalJson(value));

/** The id of what is frozen: equal exactly where everything frozen is. */
export const contentIdOf = (manifest: Manifest): ContentHash => hashOf(manifest);

/** What chaining or checking messages finds out of each, in their order. */
export interface MessageHashes {
  hashes: ContentHash[];
  /** the canonical JSON that the hash is of */
  texts: string[];
}

/** Chains messages: answers them with `previous` set, and the hash of each. */
export const chainMessages = (messages: readonly LooseMessage[]): MessageHashes & { messages: FrozenMessage[] } =>
  finished(chainingMessages(messages));

/** A message that names none before it yet. */
export type LooseMessage = Omit<FrozenMessage, "previous">;

/** As `chainMessages`, in steps of a message at most, between which others may have their turn. */
export function* chainingMessages(
  messages: readonly LooseMessage[],
  hash: HashText = hashText,
): Generator<void, MessageHashes & { messages: FrozenMessage[] }> {
  const hashes: ContentHash[] = [];
  const texts: string[] = [];
  const chained: FrozenMessage[] = [];
  for (const message of messages) {
    const link: FrozenMessage = { ...message, previous: hashes.at(-1) ?? null };
    const text = canonicalJson(link);
    chained.push(link);
    texts.push(text);
    hashes.push(hash(text));
    yield;
  }
  return { messages: chained, hashes, texts };
}

/** Where content is not what its manifest says: the place of a message, or the messages as a whole. */
export type FrozenFault = { type: "message"; index: number } | { type: "count" };

/**
 * Checks messages against their manifest, last to first, so that the message that was changed is the one that is named.
 * No two have the same id.
 * Answers the hash of each message.
 * @param hash of one message; whoever checks many snapshots of a conversation may know those that they share
 */
export function checkFrozen(
  { manifest, messages }: FrozenContent,
  hash: (message: FrozenMessage) => ContentHash = hashOf,
): Result<ContentHash[], FrozenFault> {
  if (messages.length !== manifest.messageCount) return err({ type: "count" });
  const hashes = messages.map((message) => hash(message));
  const fault = faultOf(manifest, messages, hashes);
  return fault ? err(fault) : ok(hashes);
}

/** As `checkFrozen`, in steps of a message at most, between which others may have their turn. */
export function* checkingFrozen(
  { manifest, messages }: FrozenContent,
  hash: HashText = hashText,
): Generator<void, Result<MessageHashes, FrozenFault>> {
  if (messages.length !== manifest.messageCount) return err({ type: "count" });
  const texts: string[] = [];
  const hashes: ContentHash[] = [];
  for (const message of messages) {
    const text = canonicalJson(message);
    texts.push(text);
    // A long message takes its time for both.
    yield;
    hashes.push(hash(text));
    yield;
  }
  const fault = faultOf(manifest, messages, hashes);
  return fault ? err(fault) : ok({ hashes, texts });
}

function faultOf(
  { head }: Manifest,
  messages: readonly FrozenMessage[],
  hashes: readonly ContentHash[],
): FrozenFault | undefined {
  let expected = head;
  for (let index = messages.length - 1; index >= 0; index--) {
    if (hashes[index] !== expected) return { type: "message", index };
    expected = messages[index]?.previous ?? null;
  }
  if (expected !== null) return { type: "count" };
  const seen = new Set<string>();
  const repeated = messages.findIndex(({ id }) => seen.size === seen.add(id).size);
  return repeated >= 0 ? { type: "message", index: repeated } : undefined;
}

/** What steps come to, taken one right after the other. */
function finished<T>(steps: Generator<void, T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}
