import type { AccountPrincipal } from "#server/access/principal.ts";
import { authorize } from "#server/access/authorize.ts";
import { CommitError } from "#server/storage/database.ts";
import type { ConversationId, MessageId, RunId } from "#shared/domain/ids.ts";
import { isTerminal } from "#shared/domain/run.ts";
import { err, ok } from "#shared/lib/result.ts";
import type { Result } from "#shared/lib/result.ts";
import type { StartRun } from "#shared/protocol/http-bodies.ts";
import { placeAnswer } from "./checkpointer.ts";
import type { ChatMessage, ServedModel } from "./provider.ts";
import type { RunParts, RunPlan } from "./run-parts.ts";
import { buildPrompt } from "./run-prompt.ts";
import { finishRun } from "./run-recovery.ts";
import { createRunRow, fingerprintOf } from "./run-rows.ts";
import { TOMBSTONE, insertRun, readLiveRunOf, readRun, updateRun } from "./run-store.ts";
import type { StoredRun } from "./run-store.ts";

/** Why a start was refused. `not_found` also stands for "not yours". */
export type StartFailure =
  | {
      code:
        | "not_found"
        | "run_id_reused"
        | "parent_missing"
        | "message_written"
        | "conversation_deleted"
        | "model_unknown"
        | "draining"
        | "overloaded"
        | "storage_unavailable";
    }
  | { code: "message_busy"; runId: RunId | undefined };

/** `replayed`: the run was there before. */
export type Started = { type: "accepted"; plan: RunPlan } | { type: "replayed"; stored: StoredRun };
export type StartOutcome = Result<Started, StartFailure>;

/** Whether a run that is there answers a repeated start, a foreign one, or one with another body. */
export async function replay(
  { database }: Pick<RunParts, "database">,
  principal: AccountPrincipal,
  stored: StoredRun,
  request: StartRun,
): Promise<StartOutcome> {
  const owned = { kind: "run", ownerId: stored.accountId, workspaceId: stored.workspaceId } as const;
  if (!authorize(principal, "run.start", owned)) return err({ code: "not_found" });
  if (stored.fingerprint === TOMBSTONE) return ok({ type: "replayed", stored: await adopt(database, stored, request) });
  return stored.fingerprint === fingerprintOf(request)
    ? ok({ type: "replayed", stored })
    : err({ code: "run_id_reused" });
}

/** A start that arrives after its stop: from now on the tombstone is that run, stopped. */
async function adopt(database: RunParts["database"], stored: StoredRun, request: StartRun): Promise<StoredRun> {
  const facts = { ...stored.facts, model: request.model, parameters: request.parameters };
  const set = {
    conversation_id: request.conversationId,
    parent_message_id: request.parentMessageId,
    message_id: request.messageId,
    model: request.model,
    fingerprint: fingerprintOf(request),
    request: JSON.stringify(request),
    facts: JSON.stringify(facts),
  };
  await database.commit([updateRun(database, { id: stored.id, epoch: stored.leaseEpoch }, set)]);
  return (await readRun(database, stored.id)) ?? stored;
}

/**
 * Accepts a run nobody has seen before: waits briefly for its prompt to arrive by sync, builds the prompt
 * from the server's own copy, and makes the row and the placeholder durable. Calls no provider.
 * @param leaving aborts once the server takes no new runs; whoever waits for a prompt then is told so
 */
export async function acceptRun(
  parts: RunParts,
  principal: AccountPrincipal,
  id: RunId,
  request: StartRun,
  leaving: AbortSignal,
): Promise<StartOutcome> {
  const served = await parts.providers.find(request.model);
  if (served === undefined) return err({ code: "model_unknown" });
  const source = await readSource(parts, principal, request, leaving);
  if (!source.ok) return source;
  const row = createRunRow(principal, id, request, parts.clock.now(), parts.timers.lease);
  try {
    await parts.database.commit([insertRun(parts.database, row)]);
  } catch (error) {
    if (!(error instanceof CommitError) || error.failure === "unavailable") return err({ code: "storage_unavailable" });
    return explainConflict(parts, principal, id, request);
  }
  return place(parts, id, served, source.value);
}

interface Source {
  messages: ChatMessage[];
  carried: string;
}

async function readSource(
  parts: RunParts,
  principal: AccountPrincipal,
  request: StartRun,
  leaving: AbortSignal,
): Promise<Result<Source, StartFailure>> {
  const { rooms, clock, timers } = parts;
  const conversationId = request.conversationId as ConversationId;
  const timeout = new AbortController();
  const cancel = clock.after(timers.parentWait, () => timeout.abort());
  const arrived = await rooms
    .waitFor(
      principal,
      conversationId,
      (doc) => doc.message(request.parentMessageId) !== undefined,
      AbortSignal.any([timeout.signal, leaving]),
    )
    .finally(cancel);
  if (!arrived) return err({ code: leaving.aborted ? "draining" : "parent_missing" });
  const continued = await readContinued(parts, principal, request);
  if (!continued.ok) return continued;
  const found = await rooms.read(principal, conversationId, (doc) => {
    const taken = doc.message(request.messageId);
    const before = continued.value === undefined ? undefined : doc.message(continued.value);
    const carried = before?.role === "assistant" ? before.text : "";
    const deleted = doc.isDeleted();
    return { taken, carried, deleted, messages: buildPrompt(doc, request.parentMessageId, carried) };
  });
  if (found?.messages === undefined) return err({ code: "parent_missing" });
  // Deleted on a device the sender has not heard of yet: it asks again, and a restored one is answered then.
  if (found.deleted) return err({ code: "conversation_deleted" });
  if (found.taken !== undefined) {
    const run = found.taken.role === "assistant" ? found.taken.run : undefined;
    // An ended run gives its message back to nobody: waiting would never end.
    if (!run || isTerminal(run.status)) return err({ code: "message_written" });
    return err({ code: "message_busy", runId: run.runId as RunId });
  }
  return ok({ messages: found.messages, carried: found.carried });
}

/** The message whose text is carried on: that of an ended run of the same conversation. */
async function readContinued(
  { database }: RunParts,
  principal: AccountPrincipal,
  { continues, conversationId }: StartRun,
): Promise<Result<MessageId | undefined, StartFailure>> {
  if (continues === undefined) return ok(undefined);
  const stored = await readRun(database, continues as RunId);
  const owned = stored && ({ kind: "run", ownerId: stored.accountId, workspaceId: stored.workspaceId } as const);
  if (!stored || !authorize(principal, "run.read", owned) || stored.conversationId !== conversationId)
    return err({ code: "not_found" });
  // Until its end is in the document, its text there is not whole.
  if (!isTerminal(stored.state) || !stored.committed) return err({ code: "message_busy", runId: stored.id });
  return ok(stored.messageId);
}

async function explainConflict(
  { database }: RunParts,
  principal: AccountPrincipal,
  id: RunId,
  request: StartRun,
): Promise<StartOutcome> {
  const same = await readRun(database, id);
  if (same) return replay({ database }, principal, same, request);
  const live = await readLiveRunOf(database, principal.accountId, request.messageId as MessageId);
  const own = live !== undefined && live.accountId === principal.accountId;
  return err({ code: "message_busy", runId: own ? live.id : undefined });
}

async function place(parts: RunParts, id: RunId, served: ServedModel, source: Source): Promise<StartOutcome> {
  const stored = await readRun(parts.database, id);
  if (stored === undefined) return err({ code: "storage_unavailable" });
  const principal = { kind: "relay", accountId: stored.accountId, workspaceId: stored.workspaceId } as const;
  try {
    await placeAnswer(parts.rooms, { principal, ...stored }, stored.facts);
  } catch (error) {
    parts.log.error({ runId: id, err: error }, "the answer of a run could not be placed");
    // The row is durable, so somebody may follow it: it ends now, or by the sweeper where this fails too.
    void finishRun(parts, stored, "log_unavailable");
    return err({ code: "storage_unavailable" });
  }
  return ok({ type: "accepted", plan: { stored, served, ...source } });
}
