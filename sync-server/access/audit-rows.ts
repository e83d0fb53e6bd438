import type { AuditEntry, LoggedAuditEntry } from "#shared/domain/audit.ts";
import type { AccountId, WorkspaceId } from "#shared/domain/ids.ts";
import type { Database } from "#server/storage/database.ts";
import { openAccountTenant } from "./account-tenant.ts";
import type { AuditRow } from "./audit-chain.ts";
import { openMemberTenant } from "./member-tenant.ts";

export interface AuditPageQuery {
  /** only what is older than this place in the log */
  before?: number | undefined;
  limit: number;
}

export interface AuditPage {
  /** the newest first */
  entries: LoggedAuditEntry[];
  /** hand this to the next query as `before`; absent where there is nothing older */
  before?: number;
}

/** What the log says about an account, for itself. */
export const readAccountAudit = (database: Database, accountId: AccountId, page: AuditPageQuery): Promise<AuditPage> =>
  readPage(page, openAccountTenant(database, { accountId }).auditRows);

/** What the log says about a workspace, for its admins: whoever asks has to belong to it. */
export const readWorkspaceAudit = (
  database: Database,
  member: { accountId: AccountId },
  workspaceId: WorkspaceId,
  page: AuditPageQuery,
): Promise<AuditPage> =>
  readPage(page, (before, limit) => openMemberTenant(database, member).auditRows(workspaceId, before, limit));

async function readPage(
  { before = Number.MAX_SAFE_INTEGER, limit }: AuditPageQuery,
  read: (before: number, limit: number) => Promise<AuditRow[]>,
): Promise<AuditPage> {
  // One row more than asked for tells whether there is more.
  const rows = await read(before, limit + 1);
  const entries = rows.slice(0, limit).map(entryOf);
  const oldest = entries.at(-1);
  return { entries, ...(rows.length > limit && oldest && { before: oldest.seq }) };
}

const entryOf = ({ seq, at, account_id, workspace_id, entry }: AuditRow): LoggedAuditEntry => ({
  // Written by the server itself in this shape.
  ...(JSON.parse(entry) as AuditEntry),
  ...(account_id !== null && { accountId: account_id as AccountId }),
  ...(workspace_id !== null && { workspaceId: workspace_id as WorkspaceId }),
  seq,
  at,
});
