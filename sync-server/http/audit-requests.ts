import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import type { AuditActor, AuditEntry } from "#shared/domain/audit.ts";
import type { AccountId, WorkspaceId } from "#shared/domain/ids.ts";
import type { Audit } from "#server/access/audit.ts";
import type { AccountPrincipal } from "#server/access/principal.ts";
import type { AppEnv } from "./app-env.ts";
import { auditAddress, clientAddress } from "./client-address.ts";
import type { AuditedAs, Operation } from "./operation.ts";

/** Of refusals that are all the same, one is written down in so long: whoever asks again and again fills no disk. */
const SAME_REFUSAL_MS = 60_000;
const REMEMBERED = 5_000;
/** What a caller may meet without trying anything. */
const HARMLESS = new Set([400, 408, 410, 413, 415, 429]);

interface AuditOptions {
  audit: Pick<Audit, "record">;
  trustedProxies: number;
  /** ms since 1970 */
  now: () => number;
}

/** Writes down what the table of operations says is to be, and what was refused to somebody. Never waits for the store. */
export function auditRequests({ audit, trustedProxies, now }: AuditOptions) {
  const refusals = new Map<string, number>();

  /** Whether a refusal is a new one. */
  function isNew(name: string): boolean {
    const before = refusals.get(name);
    if (before !== undefined && Math.abs(now() - before) < SAME_REFUSAL_MS) return false;
    refusals.delete(name);
    refusals.set(name, now());
    const [oldest] = refusals.keys();
    if (refusals.size > REMEMBERED && oldest !== undefined) refusals.delete(oldest);
    return true;
  }

  return createMiddleware<AppEnv>(async (c, next) => {
    await next();
    const entry = entryOf(c, c.res.status);
    if (entry === undefined) return;
    const from = auditAddress(clientAddress(c.env?.incoming, trustedProxies));
    const { outcome, action, actor, reason, target } = entry;
    if (outcome === "refused" && !isNew([action, actor.kind, actor.id, reason, target?.id, from].join(" "))) return;
    void audit.record({ ...entry, address: from });
  });
}

function entryOf(c: Context<AppEnv>, status: number): AuditEntry | undefined {
  const { operation, subject } = c.var;
  // Nobody was asked who they are where anybody may.
  const principal: AccountPrincipal | undefined = c.var.principal;
  if (operation === undefined || status >= 500 || HARMLESS.has(status)) return undefined;
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

function whoOf(principal: AccountPrincipal | undefined, subject: AccountId | undefined) {
  const actor = actorOf(principal, subject);
  if (principal) return { actor, accountId: principal.accountId, workspaceId: principal.workspaceId };
  return { actor, ...(subject !== undefined && { accountId: subject }) };
}

/** Why somebody was refused it; `undefined` where it was done. */
function reasonOf(c: Context<AppEnv>, { action }: Operation, status: number): string | undefined {
  const { outcome } = c.var;
  if (outcome && "refused" in outcome) return outcome.refused;
  if (status < 400) return undefined;
  return action === "anybody" ? `status-${status}` : action;
}

function auditedAs({ audit }: Operation, outcome: AppEnv["Variables"]["outcome"]): AuditedAs | undefined {
  return audit && outcome && "done" in outcome ? { ...audit, action: outcome.done } : audit;
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

function actorOf(principal: AccountPrincipal | undefined, subject: string | undefined): AuditActor {
  if (principal?.credential.type === "token") return { kind: "token", id: principal.credential.tokenId };
  if (principal) return { kind: principal.kind, id: principal.accountId };
  return subject === undefined ? { kind: "nobody" } : { kind: "account", id: subject };
}
