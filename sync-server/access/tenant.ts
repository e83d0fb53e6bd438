import { sql } from "kysely";
import type { Selectable } from "kysely";
import type { AccountId, WorkspaceId } from "#shared/domain/ids.ts";
import type { DocumentKind } from "#shared/domain/room-name.ts";
import type { Database } from "#server/storage/database.ts";
import type { DocumentTable, RunTable } from "#server/storage/schema.ts";
import { systemTables } from "#server/storage/system-tables.ts";
import type { Resource } from "./authorize.ts";
import type { Principal } from "./principal.ts";

export type DocumentRow = Selectable<DocumentTable>;
export type RunRow = Selectable<RunTable>;

/** A document as its place in a feed shows it. */
export interface FeedRow {
  feedSeq: number;
  kind: DocumentKind;
  id: string;
  epoch: number;
  /** where the log ended that the summary was made from; the log may be further by now */
  summarySeq: number;
  activityAt: number;
  /** JSON of a ConversationSummary, or of a SnapshotSummary */
  summary: string;
  deletedAt: number | null;
  deletedSeq: number | null;
  erasedAt: number | null;
  /** of a snapshot, in canonical JSON: "" once it is erased, and null where it is long */
  manifest: string | null;
}

/** The longest manifest that comes with the feed, in characters: most of one is the system prompt. */
const FED_MANIFEST_LENGTH = 4_096;

/** How a document stands that is the principal's own; of any other only that it is not. */
export type OwnRoom = { kind: DocumentKind; epoch: number; erased: boolean } | "foreign" | "unclaimed";

/**
 * The database as one principal sees it: every query of documents, feed and runs is bound to their account
 * and workspace here, and nowhere else. `documentResource` tells `authorize` whose a thing is, and nothing more.
 */
export function openTenant(database: Database, { accountId, workspaceId }: Principal) {
  const kysely = systemTables<"document" | "run" | "feed" | "snapshot">(database);
  /** Those of the documents that are the principal's own. */
  const documents = (ids: readonly string[]): Promise<DocumentRow[]> =>
    kysely
      .selectFrom("document")
      .selectAll()
      .where("id", "in", ids)
      .where("owner_id", "=", accountId)
      .where("workspace_id", "=", workspaceId)
      .execute();

  return {
    async documentResource(id: string): Promise<Resource | undefined> {
      const row = await kysely
        .selectFrom("document")
        .select(["owner_id", "workspace_id"])
        .where("id", "=", id)
        .executeTakeFirst();
      if (row === undefined) return undefined;
      // Written by the server itself, as what they are.
      const [ownerId, inWorkspace] = [row.owner_id as AccountId, row.workspace_id as WorkspaceId];
      return { kind: "document", ownerId, workspaceId: inWorkspace };
    },
    /** What somebody who wants into the room of a document has to know of it. */
    async room(id: string): Promise<OwnRoom> {
      const row = await kysely
        .selectFrom("document")
        .select(["owner_id", "workspace_id", "kind", "epoch", "erased_at"])
        .where("id", "=", id)
        .executeTakeFirst();
      if (row === undefined) return "unclaimed";
      const isOwn = row.owner_id === accountId && row.workspace_id === workspaceId;
      return isOwn ? { kind: row.kind, epoch: row.epoch, erased: row.erased_at !== null } : "foreign";
    },
    documents,
    /** The principal's own document. */
    document: async (id: string): Promise<DocumentRow | undefined> => (await documents([id]))[0],
    /** The principal's own run. */
    run: (id: string): Promise<RunRow | undefined> =>
      kysely
        .selectFrom("run")
        .selectAll()
        .where("id", "=", id)
        .where("account_id", "=", accountId)
        .where("workspace_id", "=", workspaceId)
        .executeTakeFirst(),
    /** Documents that changed after a place in the feed, each once, in order of change. */
    feedAfter: (cursor: number, limit: number): Promise<FeedRow[]> =>
      kysely
        .selectFrom("feed")
        .innerJoin("document", "document.id", "feed.document_id")
        .leftJoin("snapshot", "snapshot.id", "document.id")
        .where("feed.account_id", "=", accountId)
        .where("feed.workspace_id", "=", workspaceId)
        .where("document.owner_id", "=", accountId)
        .where("document.workspace_id", "=", workspaceId)
        .where("feed.feed_seq", ">", cursor)
        .orderBy("feed.feed_seq")
        .limit(limit)
        .select([
          "feed.feed_seq as feedSeq",
          "document.kind as kind",
          "document.id as id",
          "document.epoch as epoch",
          "document.summary_seq as summarySeq",
          "document.activity_at as activityAt",
          "document.summary as summary",
          "document.deleted_at as deletedAt",
          "document.deleted_seq as deletedSeq",
          "document.erased_at as erasedAt",
          // A page may have a thousand entries: a device asks for a long one by itself.
          sql<
            string | null
          >`case when length(snapshot.manifest) <= ${FED_MANIFEST_LENGTH} then snapshot.manifest end`.as("manifest"),
        ])
        .execute(),
  };
}
