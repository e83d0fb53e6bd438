import { freezeConversation } from "#shared/documents/freeze-conversation.ts";
import { checkFrozen } from "#shared/domain/frozen-content.ts";
import type { FrozenContent, FrozenFault, FrozenMessage, Manifest } from "#shared/domain/frozen-content.ts";
import type { ContentHash, ConversationId } from "#shared/domain/ids.ts";
import { err, ok } from "#shared/lib/result.ts";
import type { Result } from "#shared/lib/result.ts";
import { frozenMessageSchema, manifestSchema } from "#shared/protocol/snapshot-bodies.ts";
import type { AccountPrincipal } from "#server/access/principal.ts";
import { openSnapshotTenant } from "#server/access/snapshot-tenant.ts";
import type { Rooms } from "#server/rooms/rooms.ts";
import type { Database } from "#server/storage/database.ts";

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

/** Content that is what its manifest says, with the hash of each message. */
export interface CheckedContent extends FrozenContent {
  hashes: readonly ContentHash[];
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
  if (messages) return check({ manifest, messages }, "");
  return (await arrives(parts, principal, wish, manifest)) ?? err({ code: "messages_missing" });
}

async function freezeOwnCopy(
  { rooms }: SourceParts,
  principal: AccountPrincipal,
  { conversationId, leaf }: Wish,
): Promise<Result<CheckedContent, SourceFailure>> {
  const found = await rooms.read(principal, conversationId, (conversation) => ({
    frozen: freezeConversation(conversation, { author: principal.accountId, ...(leaf !== undefined && { leaf }) }),
    title: conversation.summary().title,
  }));
  if (found === undefined) return err({ code: "not_found" });
  const { frozen, title } = found;
  if (frozen.ok) return isReadable(frozen.value) ? check(frozen.value, title) : err({ code: "cannot_freeze" });
  return err({ code: frozen.failure === "empty" ? "nothing_to_freeze" : "answer_unfinished" });
}

/** The messages up to the leaf in the server's own copy, where they are those that are named. */
async function findInCopy(
  { rooms }: SourceParts,
  principal: AccountPrincipal,
  { conversationId, leaf }: Wish,
  manifest: Manifest,
): Promise<CheckedContent | undefined> {
  const found = await rooms.read(principal, conversationId, (conversation) => {
    const frozen = freezeConversation(conversation, {
      author: principal.accountId,
      ...(leaf !== undefined && { leaf }),
    });
    return frozen.ok && { messages: frozen.value.messages, title: conversation.summary().title };
  });
  const content = found && { manifest, messages: found.messages };
  return content && isReadable(content) ? contentIfRight(content, found.title) : undefined;
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
  const messages = rows.map(({ body }) => JSON.parse(body) as FrozenMessage);
  return messages.length > 0 ? contentIfRight({ manifest, messages }, "") : undefined;
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
  const options = { author: principal.accountId, ...(leaf !== undefined && { leaf }) };
  await rooms
    .waitFor(
      principal,
      conversationId,
      (conversation) => {
        // Hashing a branch after each edit is for one that may be it.
        const branch = leaf === undefined ? conversation.branch() : conversation.pathTo(leaf);
        if (branch.length !== manifest.messageCount) return false;
        const frozen = freezeConversation(conversation, options);
        return frozen.ok && frozen.value.manifest.head === manifest.head;
      },
      timeout.signal,
    )
    .finally(cancel);
  const found = await findInCopy(parts, principal, wish, manifest);
  return found && ok(found);
}

/** Whether readers will take it: devices write what they like into a conversation. */
const isReadable = ({ manifest, messages }: FrozenContent): boolean =>
  manifestSchema.safeParse(manifest).success &&
  messages.every((message) => frozenMessageSchema.safeParse(message).success);

function contentIfRight(content: FrozenContent, title: string): CheckedContent | undefined {
  const checked = check(content, title);
  return checked.ok ? checked.value : undefined;
}

function check(content: FrozenContent, title: string): Result<CheckedContent, SourceFailure> {
  const checked = checkFrozen(content);
  return checked.ok ? ok({ ...content, hashes: checked.value, title }) : err(differs(checked.failure));
}

const differs = (fault: FrozenFault): SourceFailure => ({
  code: "content_differs",
  index: fault.type === "message" ? fault.index : undefined,
});
