import { rememberLast } from "./remember-last.ts";
import type { AuditActor, AuditEntry } from "#shared/domain/audit.ts";
import type { Audit } from "./audit.ts";
import type { AccountPrincipal } from "./principal.ts";

/** Of refusals that are all the same, one is written down in so long: whoever asks again and again fills no disk. */
const SAME_MS = 60_000;
/** And of all refusals of one caller so many in so long: nor does whoever asks for one thing after the other. */
const MOST_OF_ONE = 30;
const OF_ONE_MS = 5 * 60_000;
/** How many refusals, and how many callers, are remembered. */
const REMEMBERED = 5_000;

/** Writes down what was refused to somebody, once, however often they ask. */
export interface Refusals {
  /** Never waits for the store. */
  record(entry: AuditEntry & { outcome: "refused" }): void;
}

interface RefusalsOptions {
  audit: Pick<Audit, "record">;
  /** ms since 1970 */
  now: () => number;
}

/** One for a server, so that the bounds hold for every way of asking together. */
export function createRefusals({ audit, now }: RefusalsOptions): Refusals {
  const said = new Map<string, number>();
  const counts = new Map<string, { since: number; count: number }>();

  function isNew(name: string): boolean {
    const before = said.get(name);
    if (before !== undefined && Math.abs(now() - before) < SAME_MS) return false;
    rememberLast(said, name, now(), REMEMBERED);
    return true;
  }

  /** Whoever is nobody shares that name with everybody, and is held by the limits of requests alone. */
  function isWithinCount({ kind, id }: AuditActor): boolean {
    if (id === undefined) return true;
    const name = `${kind} ${id}`;
    const known = counts.get(name);
    const isOver = known === undefined || Math.abs(now() - known.since) >= OF_ONE_MS;
    const of = isOver ? { since: now(), count: 0 } : known;
    of.count += 1;
    rememberLast(counts, name, of, REMEMBERED);
    return of.count <= MOST_OF_ONE;
  }

  return {
    record(entry) {
      const { action, actor, reason, target, address } = entry;
      if (!isNew([action, actor.kind, actor.id, reason, target?.id, address].join(" "))) return;
      if (isWithinCount(actor)) void audit.record(entry);
    },
  };
}

/** Who asked, as the log names them, and who may read it there. */
export function auditedCaller(principal: AccountPrincipal): Pick<AuditEntry, "actor" | "accountId" | "workspaceId"> {
  const { kind, accountId, workspaceId, credential } = principal;
  const actor =
    credential.type === "token" ? { kind: credential.type, id: credential.tokenId } : { kind, id: accountId };
  return { actor, accountId, workspaceId };
}
