import type { IncomingMessage } from "node:http";
import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import type { AuditEntry } from "#shared/domain/audit.ts";
import type { AccountId, DocumentId, WorkspaceId } from "#shared/domain/ids.ts";
import type { Audit } from "#server/access/audit.ts";
import type { Action } from "#server/access/authorize.ts";
import type { AccountPrincipal } from "#server/access/principal.ts";
import { auditedCaller } from "#server/access/refusals.ts";
import type { Refusals } from "#server/access/refusals.ts";
import type { AppEnv } from "./app-env.ts";
import { auditAddress, clientAddress } from "./client-address.ts";
import type { AuditedAs, Operation } from "./operation.ts";

/** What a caller may meet without trying anything. */
const HARMLESS = new Set([400, 408, 410, 413, 415, 429]);

interface AuditOptions {
  audit: Pick<Audit, "record">;
  refusals: Refusals;
  trustedProxies: number;
}

/** Writes down what the table of operations says is to be, and what was refused to somebody. Never waits for the store. */
export const auditRequests = ({ audit, refusals, trustedProxies }: AuditOptions) =>
  createMiddleware<AppEnv>(async (c, next) => {
    await next();
    const entry = entryOf(c, c.res.status);
    if (entry === undefined) return;
    const from = auditAddress(clientAddress(c.env?.incoming, trustedProxies));
    const { outcome } = entry;
    if (outcome === "refused") refusals.record({ ...entry, outcome, address: from });
    else void audit.record({ ...entry, address: from });
  });

/** The same for sockets: which document was refused to whom, or an edit of it. */
export const auditSockets =
  ({ refusals, trustedProxies }: Pick<AuditOptions, "refusals" | "trustedProxies">) =>
  (
    request: IncomingMessage,
    principal: AccountPrincipal,
    { document, action }: { document: DocumentId; action: Action },
  ): void =>
    refusals.record({
      ...auditedCaller(principal),
      action: "resource.access",
      outcome: "refused",
      reason: action,
      target: { kind: "document", id: document },
      address: auditAddress(clientAddress(request, trustedProxies)),
    });

function entryOf(c: Context<AppEnv>, status: number): AuditEntry | undefined {
  const { operation, subject } = c.var;
  // Nobody was asked who they are where anybody may.
  const principal: AccountPrincipal | undefined = c.var.principal;
  if (operation === undefined || isHarmless(c, status)) return undefined;
  const audited = auditedAs(operation, c.var.outcome);
  const reason = reasonOf(c, operation, status);
  const common = { ...whoOf(principal, subject), ...(audited?.method && { method: audited.method }) };
  if (reason === undefined)
    return audited && { ...common, action: audited.action, outcome: "ok", ...placeOf(c, audited, principal) };
  if (audited === undefined && principal === undefined) return undefined;
  return {
    ...common,
    action: audited?.action ?? "resource.access",
    outcome: "refused",
    reason,
    ...targetOf(c, audited),
  };
}

const isHarmless = (c: Context<AppEnv>, status: number): boolean =>
  status >= 500 || HARMLESS.has(status) || (c.var.outcome !== undefined && "nothing" in c.var.outcome);

function whoOf(
  principal: AccountPrincipal | undefined,
  subject: AccountId | undefined,
): ReturnType<typeof auditedCaller> {
  if (principal) return auditedCaller(principal);
  if (subject === undefined) return { actor: { kind: "nobody" } };
  return { actor: { kind: "account", id: subject }, accountId: subject };
}

/** Why somebody was refused it; `undefined` where it was done. */
function reasonOf(c: Context<AppEnv>, { action }: Operation, status: number): string | undefined {
  const { outcome } = c.var;
  if (outcome && "refused" in outcome) return outcome.refused;
  if (status < 400) return undefined;
  return action === "anybody" ? `status-${status}` : action;
}

function auditedAs({ audit }: Operation, outcome: AppEnv["Variables"]["outcome"]): AuditedAs | undefined {
  if (audit && outcome && "done" in outcome) return { ...audit, action: outcome.done };
  return audit?.onlyAsTold ? undefined : audit;
}

/** In which workspace it was done, and to what. */
function placeOf(c: Context<AppEnv>, audited: AuditedAs, principal: AccountPrincipal | undefined) {
  const id = c.var.workspaceId ?? (audited.inWorkspace ? (c.req.param("id") as WorkspaceId) : principal?.workspaceId);
  return { ...(id !== undefined && { workspaceId: id }), ...targetOf(c, audited) };
}

function targetOf(c: Context<AppEnv>, audited: AuditedAs | undefined): Pick<AuditEntry, "target"> {
  if (audited?.target === undefined) return {};
  const { kind, param } = audited.target;
  const id = c.req.param(param);
  return id === undefined ? {} : { target: { kind, id } };
}
