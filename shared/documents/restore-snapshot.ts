import { ROOT, createMessageTree } from "#shared/domain/branch.ts";
import type {
  FrozenContent,
  FrozenMessage,
  FrozenOrigin,
  FrozenRun,
  FrozenSettings,
} from "#shared/domain/frozen-content.ts";
import type { MessageId } from "#shared/domain/ids.ts";
import type { Message } from "#shared/domain/message.ts";
import type { RunFacts } from "#shared/domain/run.ts";
import type { ConversationDocument } from "./conversation.ts";

export interface RestoreOptions {
  /** the snapshot it is restored from, which the conversation then names as its origin */
  origin: FrozenOrigin;
  newId: () => string;
  /** `taken-over`: model, system prompt and parameters become those of the snapshot */
  settings: "taken-over" | "kept";
  /**
   * `closed`: the branch that is shown then ends as the snapshot does, for which its last message is copied where
   * something follows it. `open`: it is to go on, so that may be reused as well.
   */
  end?: "closed" | "open";
}

export interface Restored {
  /** the last message of the branch; absent where there is none */
  leaf: MessageId | undefined;
  /** how many messages were added */
  added: number;
}

/**
 * Brings a frozen branch back into a conversation, and shows it. Nothing is overwritten or removed: what is there as it
 * was is reused, and from the first message on that is not, copies are added beside what is there now, under the ids they
 * had unless those are taken. Doing it again adds nothing. Each message is an edit of its own, so that a long branch fits
 * into frames; what makes it visible is one more.
 */
export function restoreSnapshot(
  conversation: ConversationDocument,
  { manifest, messages }: FrozenContent,
  { origin, newId, settings, end = "closed" }: RestoreOptions,
): Restored {
  const path: MessageId[] = [];
  const before = childrenIn(conversation);
  let added = 0;
  for (const [index, message] of messages.entries()) {
    const parentId = path.at(-1);
    const ends = end === "closed" && index === messages.length - 1;
    // What hangs below a message that was added just now was not there before.
    const known = added === 0 ? findKnown(before, message, parentId, ends) : undefined;
    if (known === undefined) added++;
    path.push(known ?? addCopy(conversation, message, parentId, newId));
  }
  const children = childrenIn(conversation);
  conversation.together(() => {
    for (const [index, id] of path.entries()) {
      const parentId = path[index - 1];
      // A choice is needed only where there is one.
      if (children(parentId).length > 1) conversation.chooseBranch(parentId, id);
    }
    if (settings === "taken-over") takeOverSettings(conversation, manifest.settings);
    if (path.length > 0) conversation.setOrigin(origin);
  });
  return { leaf: path.at(-1), added };
}

/** What follows a message, or stands first where none is named; oldest first. */
type Children = (id: string | undefined) => readonly Message[];

function childrenIn(conversation: ConversationDocument): Children {
  const { children } = createMessageTree(conversation.messages());
  return (id = ROOT) => children.get(id) ?? [];
}

/** The message in this place that is as it was frozen; the one of its own id before copies of it. */
function findKnown(
  children: Children,
  frozen: FrozenMessage,
  parentId: MessageId | undefined,
  ends: boolean,
): MessageId | undefined {
  const here = children(parentId).filter(
    (message) => isSame(message, frozen) && !(ends && isFollowed(children, message)),
  );
  return (here.find(({ id }) => id === frozen.id) ?? here[0])?.id;
}

function isSame(message: Message, frozen: FrozenMessage): boolean {
  const { role, text, createdAt } = frozen;
  if (message.role !== role || message.createdAt !== createdAt || message.text.toWellFormed() !== text) return false;
  if (message.role === "user") return true;
  return message.run?.runId === frozen.run?.id && message.reasoning.toWellFormed() === (frozen.reasoning ?? "");
}

/** Whether something follows a message, or was asked for and will. */
const isFollowed = (children: Children, message: Message): boolean =>
  children(message.id).length > 0 || (message.role === "user" && message.plannedRun !== undefined);

function addCopy(
  conversation: ConversationDocument,
  frozen: FrozenMessage,
  parentId: MessageId | undefined,
  newId: () => string,
): MessageId {
  const id = (conversation.message(frozen.id) === undefined ? frozen.id : newId()) as MessageId;
  conversation.restoreMessage(thawMessage(frozen, id, parentId));
  return id;
}

function takeOverSettings(
  conversation: ConversationDocument,
  { model, systemPrompt, parameters }: FrozenSettings,
): void {
  conversation.chooseModel(model);
  conversation.setSystemPrompt(systemPrompt);
  for (const name of ["temperature", "topP", "maxOutputTokens"] as const)
    conversation.setParameter(name, parameters[name]);
}

/** A frozen message as it stands in a conversation. Nobody is asked to answer it, and nobody writes on in it. */
function thawMessage(frozen: FrozenMessage, id: MessageId, parentId: MessageId | undefined): Message {
  const { role, text, createdAt } = frozen;
  const base = { id, parentId, text, createdAt };
  if (role === "user") return { ...base, role, plannedRun: undefined };
  return { ...base, role, reasoning: frozen.reasoning ?? "", run: frozen.run && thawRun(frozen.run) };
}

/** All that was frozen of a run. The frame says that nothing of it is still to come. */
function thawRun({ id, failure, ...frozen }: FrozenRun): RunFacts {
  const { provider: _provider, ...facts } = frozen;
  return { ...facts, runId: id, frame: 0, ...(failure && { failure: { code: failure, retryable: false } }) };
}
