import { relayOf } from "#server/access/principal.ts";
import type { AccountPrincipal } from "#server/access/principal.ts";
import { authorize } from "#server/access/authorize.ts";
import { RoomsCrowded } from "#server/rooms/rooms.ts";
import { CommitError } from "#server/storage/database.ts";
import type { ConversationDocument } from "#shared/documents/conversation.ts";
import type { ConversationId, RunId } from "#shared/domain/ids.ts";
import type { Message } from "#shared/domain/message.ts";
import { isTerminal } from "#shared/domain/run.ts";
import { err, ok } from "#shared/lib/result.ts";
import type { Result } from "#shared/lib/result.ts";
import type { StartRun } from "#shared/protocol/run-bodies.ts";
import type { ChatMessage } from "#shared/domain/prompt.ts";
import type { RunParts } from "./run-parts.ts";
import { buildPrompt } from "./run-prompt.ts";
import { contextHash, hashText, ownReceipt } from "./run-receipt.ts";
import { repairMessage } from "./run-recovery.ts";
import { readOwnRun } from "./run-store.ts";
import type { StoredRun } from "./run-store.ts";

/** What a run answers, from the server's own copy of the conversation. */
export interface Source {
  messages: ChatMessage[];
  /** what the run carries on; "" for one that begins anew */
  carried: string;
  /** the run that wrote what is carried on, when asked the same; `undefined` where none is known to */
  vouchedBy: RunId | undefined;
}

export type SourceFailure =
  | { code: "not_found" | "parent_missing" | "message_written" | "conversation_deleted" }
  | { code: "message_busy"; runId: RunId | undefined };

/** Reads the source of a run as it is stored now. Rejects with `CommitError` where it cannot be read. */
export async function readSource(
  parts: RunParts,
  principal: AccountPrincipal,
  request: StartRun,
): Promise<Result<Source, SourceFailure>> {
  const continued = await readContinued(parts, principal, request);
  if (!continued.ok) return continued;
  // What a run reads is no right of the token that starts it.
  const found = await parts.rooms.read(relayOf(principal), request.conversationId as ConversationId, (doc) => {
    const taken = doc.message(request.messageId);
    const before = continued.value === undefined ? undefined : doc.message(continued.value.messageId);
    const carried = before?.role === "assistant" ? before.text : "";
    const deleted = doc.isDeleted();
    const vouchedBy =
      continued.value && isVouchedFor(doc, continued.value, request, carried) ? continued.value.id : undefined;
    return { taken, deleted, carried, vouchedBy, messages: buildPrompt(doc, request.parentMessageId, carried) };
  });
  if (found?.messages === undefined) return err({ code: "parent_missing" });
  // Deleted on a device the sender has not heard of yet: it asks again, and a restored one is answered then.
  if (found.deleted) return err({ code: "conversation_deleted" });
  if (found.taken !== undefined) return err(await explainTaken(parts, principal, request, found.taken));
  return ok({ messages: found.messages, carried: found.carried, vouchedBy: found.vouchedBy });
}

/**
 * As `readSource`, but waits briefly for a prompt that has yet to arrive by sync.
 * @param leaving aborts once the server takes no new runs
 */
export async function waitForSource(
  parts: RunParts,
  principal: AccountPrincipal,
  request: StartRun,
  leaving: AbortSignal,
): Promise<Result<Source, SourceFailure | { code: "draining" }>> {
  const { rooms, clock, timers } = parts;
  const timeout = new AbortController();
  const cancel = clock.after(timers.parentWait, () => timeout.abort());
  const arrived = await rooms
    .waitFor(
      relayOf(principal),
      request.conversationId as ConversationId,
      (doc) => doc.message(request.parentMessageId) !== undefined,
      AbortSignal.any([timeout.signal, leaving]),
    )
    .finally(cancel);
  if (!arrived) return err({ code: leaving.aborted ? "draining" : "parent_missing" });
  return readSource(parts, principal, request);
}

/** As `readSource`; a document that cannot be read now is one whose prompt has yet to arrive, unless memory is short. */
export async function peekSource(
  parts: RunParts,
  principal: AccountPrincipal,
  request: StartRun,
): Promise<Result<Source, SourceFailure | { code: "overloaded" }>> {
  try {
    return await readSource(parts, principal, request);
  } catch (error) {
    if (error instanceof RoomsCrowded) return err({ code: "overloaded" });
    if (error instanceof CommitError) return err({ code: "parent_missing" });
    throw error;
  }
}

/**
 * Whether the words to be carried on are those that a run wrote when it was asked the very same: the document, which
 * devices write, may say anything.
 */
function isVouchedFor(doc: ConversationDocument, before: StoredRun, request: StartRun, carried: string): boolean {
  const receipt = ownReceipt(before);
  if (receipt === undefined || hashText(carried) !== receipt.output) return false;
  const asked = buildPrompt(doc, request.parentMessageId, carried.slice(0, receipt.carried ?? 0));
  return asked !== undefined && contextHash(asked, request.model, request.parameters) === receipt.context;
}

/** The run whose text is carried on: an ended one of the same conversation. */
async function readContinued(
  { database }: RunParts,
  principal: AccountPrincipal,
  { continues, conversationId }: StartRun,
): Promise<Result<StoredRun | undefined, SourceFailure>> {
  if (continues === undefined) return ok(undefined);
  const stored = await readOwnRun(database, principal, continues as RunId);
  if (!stored || !mayRead(principal, stored) || stored.conversationId !== conversationId)
    return err({ code: "not_found" });
  // Until its end is in the document, its text there is not whole.
  if (!isTerminal(stored.state) || !stored.committed) return err({ code: "message_busy", runId: stored.id });
  return ok(stored);
}

/**
 * Why the message of a run cannot be written: somebody does so now, or it is written for good. Devices write
 * documents, so the run that one names is believed only where it is the caller's and answers this very message.
 */
async function explainTaken(
  parts: RunParts,
  principal: AccountPrincipal,
  request: StartRun,
  taken: Message,
): Promise<SourceFailure> {
  const run = taken.role === "assistant" ? taken.run : undefined;
  // An ended run gives its message back to nobody: waiting would never end.
  if (!run || isTerminal(run.status)) return { code: "message_written" };
  const stored = await readOwnRun(parts.database, principal, run.runId as RunId);
  // A document may also come from elsewhere, with a run this server never had.
  if (stored === undefined || !writes(principal, stored, request)) return { code: "message_written" };
  const busy = { code: "message_busy", runId: stored.id } as const;
  if (!isTerminal(stored.state) || !stored.committed) return busy;
  // The run is settled and its message does not say so: nobody else will ever bring it there.
  return (await repairMessage(parts, stored)) ? { code: "message_written" } : busy;
}

/** Whether a run is one the caller may read, and the one that writes the message of this request. */
const writes = (principal: AccountPrincipal, stored: StoredRun, { conversationId, messageId }: StartRun): boolean =>
  mayRead(principal, stored) && stored.conversationId === conversationId && stored.messageId === messageId;

const mayRead = (principal: AccountPrincipal, { accountId, workspaceId }: StoredRun): boolean =>
  authorize(principal, "run.read", { kind: "run", ownerId: accountId, workspaceId });
