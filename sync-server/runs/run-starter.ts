import type { AccountPrincipal } from "#server/access/principal.ts";
import { authorize } from "#server/access/authorize.ts";
import { CommitError } from "#server/storage/database.ts";
import type { MessageId, RunId } from "#shared/domain/ids.ts";
import { err, ok } from "#shared/lib/result.ts";
import type { Result } from "#shared/lib/result.ts";
import type { StartRun } from "#shared/protocol/run-bodies.ts";
import type { ServedModel } from "./provider.ts";
import type { RunParts, RunPlan } from "./run-parts.ts";
import { beginRow } from "./run-opening.ts";
import { createRunRow, fingerprintOf } from "./run-rows.ts";
import { peekSource, waitForSource } from "./run-source.ts";
import type { Source, SourceFailure } from "./run-source.ts";
import { TOMBSTONE, insertFrames, insertRun, readOpenRunOf, readRun, storedRun, updateRun } from "./run-store.ts";
import type { StoredRun } from "./run-store.ts";

/** Why a start was refused. `not_found` also stands for "not yours". */
export type StartFailure =
  | SourceFailure
  | { code: "run_id_reused" | "model_unknown" | "draining" | "overloaded" | "storage_busy" | "storage_unavailable" };

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
 * Judges a start. A run that is there is replayed. One nobody has seen before waits briefly for its prompt to
 * arrive by sync, gets its prompt from the server's own copy, and is stored: together with its first attempt
 * where the provider has room for it, so that no second commit stands before the call. Calls no provider.
 * @param leaving aborts once the server takes no new runs; whoever waits for a prompt then is told so
 */
export async function acceptRun(
  parts: RunParts,
  principal: AccountPrincipal,
  id: RunId,
  request: StartRun,
  leaving: AbortSignal,
): Promise<StartOutcome> {
  const [served, now] = await Promise.all([parts.providers.find(request.model), peekSource(parts, principal, request)]);
  const isEarly = !now.ok && now.failure.code === "parent_missing";
  if (served === undefined || !now.ok) {
    // A run that is there has taken its message; where it has not, storing the row finds it.
    const stored = await readRun(parts.database, id);
    if (stored) return replay(parts, principal, stored, request);
  }
  if (leaving.aborted) return err({ code: "draining" });
  if (served === undefined) return err({ code: "model_unknown" });
  const source = isEarly ? await waitForSource(parts, principal, request, leaving) : now;
  return source.ok ? storeRun(parts, principal, id, request, served, source.value) : source;
}

async function storeRun(
  parts: RunParts,
  principal: AccountPrincipal,
  id: RunId,
  request: StartRun,
  served: ServedModel,
  source: Source,
): Promise<StartOutcome> {
  const { database, clock, timers, slots } = parts;
  const queued = createRunRow(principal, id, request, clock.now(), timers.lease);
  const releaseSlot = slots.takeNow(served.provider.id, served.provider.concurrency);
  const { row, frames } = releaseSlot ? beginRow(queued, source.carried, clock.now()) : { row: queued, frames: [] };
  try {
    await database.commit([insertRun(database, row), ...(releaseSlot ? insertFrames(database, id, frames) : [])]);
  } catch (error) {
    releaseSlot?.();
    if (error instanceof CommitError && error.busy) return err({ code: "storage_busy" });
    if (!(error instanceof CommitError) || error.failure === "unavailable") return err({ code: "storage_unavailable" });
    return explainConflict(parts, principal, id, request);
  }
  const begun = releaseSlot && { frames, releaseSlot };
  return ok({ type: "accepted", plan: { stored: storedRun(row), begun, served, ...source } });
}

async function explainConflict(
  { database }: RunParts,
  principal: AccountPrincipal,
  id: RunId,
  request: StartRun,
): Promise<StartOutcome> {
  const same = await readRun(database, id);
  if (same) return replay({ database }, principal, same, request);
  const open = await readOpenRunOf(database, principal.accountId, request.messageId as MessageId);
  return err({ code: "message_busy", runId: open?.id });
}
