import { FROZEN_FORMAT, chainMessages } from "#shared/domain/frozen-content.ts";
import type { FrozenContent, FrozenRun, LooseMessage, Manifest } from "#shared/domain/frozen-content.ts";
import type { ContentHash } from "#shared/domain/ids.ts";
import type { Message } from "#shared/domain/message.ts";
import { isTerminal } from "#shared/domain/run.ts";
import type { RunFacts } from "#shared/domain/run.ts";
import { err, ok } from "#shared/lib/result.ts";
import type { Result } from "#shared/lib/result.ts";
import type { ConversationDocument } from "./conversation.ts";

/** Why there is nothing to freeze: no message, or an answer that is still being written. */
export type FreezeFailure = "empty" | "unfinished";

export interface FreezeOptions {
  /** the account that wrote the prompts: the owner of the conversation */
  author: string;
  /** the last message of the branch to freeze, instead of the one that is shown */
  leaf?: string;
  /** `keep` to read an answer that is still being written as it is now: to be compared, never to be stored */
  unfinished?: "refuse" | "keep";
}

/** What is to be frozen, before its messages are chained. */
export interface LooseContent extends Pick<Manifest, "settings" | "origin"> {
  /** first to last; at least one */
  messages: readonly LooseMessage[];
}

/**
 * The shown branch of a conversation with its settings, as a snapshot holds it. The same on every device and on the
 * server, whatever else is in their copies.
 */
export function freezeConversation(
  conversation: ConversationDocument,
  options: FreezeOptions,
): Result<FrozenContent, FreezeFailure> {
  const loose = readToFreeze(conversation, options);
  if (!loose.ok) return loose;
  const { messages, hashes } = chainMessages(loose.value.messages);
  return ok({ manifest: manifestOf(loose.value, hashes), messages });
}

/** As much of `freezeConversation` as needs the conversation. */
export function readToFreeze(
  conversation: ConversationDocument,
  { author, leaf, unfinished = "refuse" }: FreezeOptions,
): Result<LooseContent, FreezeFailure> {
  const branch = leaf === undefined ? conversation.branch() : conversation.pathTo(leaf);
  if (branch.length === 0) return err("empty");
  if (unfinished === "refuse" && branch.some(isUnfinished)) return err("unfinished");
  const { model, systemPrompt, parameters } = conversation.settings();
  const origin = conversation.origin();
  return ok({
    settings: { model: model.toWellFormed(), systemPrompt: systemPrompt.toWellFormed(), parameters },
    ...(origin && { origin }),
    messages: branch.map((message) => frozenMessage(message, author)),
  });
}

/** The rest of it. @param hashes of the messages, chained */
export const manifestOf = ({ settings, origin }: LooseContent, hashes: readonly ContentHash[]): Manifest => ({
  format: FROZEN_FORMAT,
  settings,
  messageCount: hashes.length,
  head: hashes.at(-1) ?? null,
  ...(origin && { origin }),
});

const isUnfinished = (message: Message): boolean =>
  message.role === "assistant" && message.run !== undefined && !isTerminal(message.run.status);

function frozenMessage(message: Message, author: string): LooseMessage {
  const { id, role, createdAt } = message;
  const base = { id, role, createdAt, text: message.text.toWellFormed() };
  if (message.role === "user") return { ...base, author };
  const { reasoning, run } = message;
  return {
    ...base,
    ...(reasoning !== "" && { reasoning: reasoning.toWellFormed() }),
    ...(run && { run: frozenRun(run) }),
  };
}

function frozenRun(run: RunFacts): FrozenRun {
  const { runId, model, resolvedModel, systemFingerprint, parameters, status, finish, failure, usage, receipt } = run;
  const { queuedAt, startedAt, firstTokenAt, endedAt } = run;
  return present({
    id: runId,
    model,
    provider: model.slice(0, Math.max(0, model.indexOf("/"))),
    resolvedModel,
    systemFingerprint,
    parameters: present(parameters),
    status,
    finish,
    failure: failure?.code,
    usage: usage && present(usage),
    queuedAt,
    startedAt,
    firstTokenAt,
    endedAt,
    receipt,
  });
}

/** Without fields that are absent, so that what is compared, stored and sent has one form. */
const present = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as T;
