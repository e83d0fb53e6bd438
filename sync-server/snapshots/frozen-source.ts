import { createHash } from "node:crypto";
import type { ConversationDocument } from "#shared/documents/conversation.ts";
import { manifestOf, readToFreeze } from "#shared/documents/freeze-conversation.ts";
import type { FreezeFailure } from "#shared/documents/freeze-conversation.ts";
import { chainingMessages, checkingFrozen } from "#shared/domain/frozen-content.ts";
import type {
  FrozenContent,
  FrozenFault,
  FrozenMessage,
  HashText,
  Manifest,
  MessageHashes,
} from "#shared/domain/frozen-content.ts";
import type { ContentHash, ConversationId } from "#shared/domain/ids.ts";
import type { Message } from "#shared/domain/message.ts";
import { err, ok } from "#shared/lib/result.ts";
import type { Result } from "#shared/lib/result.ts";
import { frozenMessageSchema, manifestSchema } from "#shared/protocol/snapshot-bodies.ts";
import type { AccountPrincipal } from "#server/access/principal.ts";
import { openSnapshotTenant } from "#server/access/snapshot-tenant.ts";
import type { Rooms } from "#server/rooms/rooms.ts";
import type { Database } from "#server/storage/database.ts";
import { inSlices } from "#server/lib/in-slices.ts";

/** How long an edit may take that is to arrive by sync, in ms; as long as a run waits for its prompt. */
const ARRIVAL_MS = 5_000;

export interface SourceParts {
  database: Database;
  rooms: Pick<Rooms, "read" | "waitFor">;
  clock: { after(ms: number, run: () => void): () => void };
  /** `ARRIVAL_MS` where absent */
  arrivalMs?: number;
}

/** What is to be frozen: the branch that is shown, or up to `leaf`; with a manifest, exactly what that names. */
export interface Wish {
  conversationId: ConversationId;
  leaf: string | undefined;
  manifest: Manifest | undefined;
  /** sent along, in case the server has them not */
  messages: readonly FrozenMessage[] | undefined;
}

/** Content that is what its manifest says, with the hash and the canonical JSON of each message. */
export interface CheckedContent extends FrozenContent, MessageHashes {
  /** the title of the conversation, as far as it is here */
  title: string;
}

export type SourceFailure =
  | { code: "not_found" | "nothing_to_freeze" | "answer_unfinished" | "messages_missing" | "cannot_freeze" }
  /** `index`: which message; absent where their count is another */
  | { code: "content_differs"; index: number | undefined };

/** Finds what is to be frozen, reading nothing that is not the principal's own. */
export async function findContent(
  parts: SourceParts,
  principal: AccountPrincipal,
  wish: Wish,
): Promise<Result<CheckedContent, SourceFailure>> {
  const { manifest, messages } = wish;
  if (manifest === undefined) return await freezeOwnCopy(parts, principal, wish);
  const known =
    (await findInCopy(parts, principal, wish, manifest)) ?? (await findStored(parts, principal, wish, manifest));
  if (known) return ok(known);
  if (messages) return await check({ manifest, messages }, "");
  return (await arrives(parts, principal, wish, manifest)) ?? err({ code: "messages_missing" });
}

async function freezeOwnCopy(
  { rooms }: SourceParts,
  principal: AccountPrincipal,
  wish: Wish,
): Promise<Result<CheckedContent, SourceFailure>> {
  const frozen = await chainOwnCopy(rooms, principal, wish);
  if (frozen === undefined) return err({ code: "not_found" });
  if (!frozen.ok) return err({ code: frozen.failure === "empty" ? "nothing_to_freeze" : "answer_unfinished" });
  return (await inSlices(readable(frozen.value))) ? frozen : err({ code: "cannot_freeze" });
}

/** The messages up to the leaf in the server's own copy, where they are those that are named. */
async function findInCopy(
  { rooms }: SourceParts,
  principal: AccountPrincipal,
  wish: Wish,
  manifest: Manifest,
): Promise<CheckedContent | undefined> {
  const frozen = await chainOwnCopy(rooms, principal, wish);
  if (!frozen?.ok || frozen.value.manifest.messageCount !== manifest.messageCount) return undefined;
  const content = { ...frozen.value, manifest };
  if (frozen.value.manifest.head !== manifest.head) return undefined;
  return (await inSlices(readable(content))) ? content : undefined;
}

/** The server's own copy as it would be frozen now: what needs the document is read at once, the rest done in slices. */
async function chainOwnCopy(
  rooms: SourceParts["rooms"],
  principal: AccountPrincipal,
  { conversationId, leaf }: Wish,
): Promise<Result<CheckedContent, FreezeFailure> | undefined> {
  const found = await rooms.read(principal, conversationId, (conversation) => ({
    loose: readToFreeze(conversation, { author: principal.accountId, ...(leaf !== undefined && { leaf }) }),
    title: conversation.summary().title,
  }));
  if (found === undefined) return undefined;
  if (!found.loose.ok) return found.loose;
  const chained = await inSlices(chainingMessages(found.loose.value.messages, sha256));
  return ok({ ...chained, manifest: manifestOf(found.loose.value, chained.hashes), title: found.title });
}

/** The messages that snapshots of the same conversation hold already. */
async function findStored(
  { database }: SourceParts,
  principal: AccountPrincipal,
  { conversationId }: Wish,
  manifest: Manifest,
): Promise<CheckedContent | undefined> {
  if (manifest.head === null) return undefined;
  const rows = await openSnapshotTenant(database, principal).chain(conversationId, manifest.head);
  const messages = await inSlices(parsing(rows.map(({ body }) => body)));
  const checked = await check({ manifest, messages }, "");
  return checked.ok ? checked.value : undefined;
}

/** Waits for the edits that make the server's copy what is named: they may be on their way. */
async function arrives(
  parts: SourceParts,
  principal: AccountPrincipal,
  wish: Wish,
  manifest: Manifest,
): Promise<Result<CheckedContent, SourceFailure> | undefined> {
  const { rooms, clock, arrivalMs = ARRIVAL_MS } = parts;
  const { conversationId, leaf } = wish;
  const timeout = new AbortController();
  const cancel = clock.after(arrivalMs, () => timeout.abort());
  let looked: readonly Message[] = [];
  const mayBe = (conversation: ConversationDocument): boolean => {
    const branch = leaf === undefined ? conversation.branch() : conversation.pathTo(leaf);
    // Hashing it is for one that may be it, and is done in slices; a message that did not change is the same object.
    if (branch.length !== manifest.messageCount || branch.every((message, at) => message === looked[at])) return false;
    looked = branch;
    return true;
  };
  try {
    for (;;) {
      const isThere = await rooms.waitFor(principal, conversationId, mayBe, timeout.signal);
      const found = await findInCopy(parts, principal, wish, manifest);
      if (found || !isThere) return found && ok(found);
    }
  } finally {
    cancel();
  }
}

/** Whether readers will take it: devices write what they like into a conversation. */
function* readable({ manifest, messages }: FrozenContent): Generator<void, boolean> {
  if (!manifestSchema.safeParse(manifest).success) return false;
  for (const message of messages) {
    if (!frozenMessageSchema.safeParse(message).success) return false;
    yield;
  }
  return true;
}

function* parsing(stored: readonly string[]): Generator<void, FrozenMessage[]> {
  const messages: FrozenMessage[] = [];
  for (const body of stored) {
    messages.push(JSON.parse(body) as FrozenMessage);
    yield;
  }
  return messages;
}

async function check(content: FrozenContent, title: string): Promise<Result<CheckedContent, SourceFailure>> {
  const checked = await inSlices(checkingFrozen(content, sha256));
  return checked.ok ? ok({ ...content, ...checked.value, title }) : err(differs(checked.failure));
}

// The platform's takes a twentieth of the time of one in JavaScript.
const sha256: HashText = (text) => createHash("sha256").update(text).digest("hex") as ContentHash;

const differs = (fault: FrozenFault): SourceFailure => ({
  code: "content_differs",
  index: fault.type === "message" ? fault.index : undefined,
});
