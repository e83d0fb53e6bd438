import { createHash } from "node:crypto";
import type { AccountPrincipal } from "#server/access/principal.ts";
import type { RunTable } from "#server/storage/schema.ts";
import type { RunId } from "#shared/domain/ids.ts";
import type { RunFacts } from "#shared/domain/run.ts";
import { canonicalJson } from "#shared/lib/canonical-json.ts";
import type { StartRun } from "#shared/protocol/run-bodies.ts";
import { TOMBSTONE } from "./run-store.ts";

/** SHA-256 of a request in canonical JSON, hex: whether a repeated start is the same one. */
export const fingerprintOf = (request: StartRun): string =>
  createHash("sha256").update(canonicalJson(request)).digest("hex");

/** The row of a run that was accepted just now. */
export function createRunRow(
  { accountId, workspaceId }: AccountPrincipal,
  id: RunId,
  request: StartRun,
  now: number,
  leaseMs: number,
): RunTable {
  const { conversationId, parentMessageId, messageId, model, parameters } = request;
  const facts: RunFacts = { runId: id, model, parameters, status: "queued", frame: 0, queuedAt: now };
  return {
    id,
    account_id: accountId,
    workspace_id: workspaceId,
    conversation_id: conversationId,
    parent_message_id: parentMessageId,
    message_id: messageId,
    model,
    fingerprint: fingerprintOf(request),
    request: JSON.stringify(request),
    state: "queued",
    attempt: 0,
    lease_epoch: 1,
    lease_until: now + leaseMs,
    seq: 0,
    facts: JSON.stringify(facts),
    asked: null,
    committed: 0,
    created_at: now,
    ended_at: null,
  };
}

/** The row that keeps a run stopped before it was started from ever starting. */
export function createTombstone({ accountId, workspaceId }: AccountPrincipal, id: RunId, now: number): RunTable {
  const facts: RunFacts = {
    runId: id,
    model: "",
    parameters: {},
    status: "stopped",
    frame: 0,
    queuedAt: now,
    endedAt: now,
  };
  return {
    id,
    account_id: accountId,
    workspace_id: workspaceId,
    conversation_id: "",
    parent_message_id: "",
    message_id: "",
    model: "",
    fingerprint: TOMBSTONE,
    request: "",
    state: "stopped",
    attempt: 0,
    lease_epoch: 1,
    lease_until: 0,
    seq: 1,
    facts: JSON.stringify(facts),
    asked: null,
    committed: 1,
    created_at: now,
    ended_at: now,
  };
}
