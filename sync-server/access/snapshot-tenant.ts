import { sql } from "kysely";
import type { Selectable } from "kysely";
import type { Database } from "#server/storage/database.ts";
import type { SnapshotTable } from "#server/storage/schema.ts";
import { systemTables } from "#server/storage/system-tables.ts";
import type { Principal } from "./principal.ts";

export interface SnapshotRow extends Pick<
  Selectable<SnapshotTable>,
  "id" | "conversation_id" | "number" | "fingerprint" | "content_id" | "manifest" | "head" | "created_at"
> {
  /** JSON of a SnapshotSummary */
  summary: string;
  /** where the document's log ended that the summary was made from */
  summary_seq: number;
  erased_at: number | null;
}

/** Which snapshots a list shows. Times are ms since 1970, of being taken. */
export interface SnapshotFilters {
  conversation?: string | undefined;
  tag?: string | undefined;
  creator?: string | undefined;
  model?: string | undefined;
  from?: number | undefined;
  until?: number | undefined;
  deleted: boolean;
}

/** A place in a list: what comes after it is older, or as old and of a smaller id. */
export interface SnapshotPlace {
  createdAt: number;
  id: string;
}

/** A frozen message as it is stored. */
interface FrozenRow {
  hash: string;
  /** canonical JSON of a FrozenMessage */
  body: string;
}

/**
 * Snapshots and frozen messages as one principal sees them: every query is bound to their account and workspace here,
 * and nowhere else.
 */
export function openSnapshotTenant(database: Database, { accountId, workspaceId }: Principal) {
  const kysely = systemTables<"snapshot" | "frozen_message" | "document">(database);
  const own = () =>
    kysely
      .selectFrom("snapshot")
      .innerJoin("document", "document.id", "snapshot.id")
      .where("snapshot.owner_id", "=", accountId)
      .where("snapshot.workspace_id", "=", workspaceId)
      .where("document.owner_id", "=", accountId)
      .where("document.workspace_id", "=", workspaceId)
      .select([
        "snapshot.id",
        "snapshot.conversation_id",
        "snapshot.number",
        "snapshot.fingerprint",
        "snapshot.content_id",
        "snapshot.manifest",
        "snapshot.head",
        "snapshot.created_at",
        "document.summary",
        "document.summary_seq",
        "document.erased_at",
      ]);
  const frozen = (conversationId: string) =>
    kysely
      .selectFrom("frozen_message")
      .where("frozen_message.owner_id", "=", accountId)
      .where("frozen_message.workspace_id", "=", workspaceId)
      .where("frozen_message.conversation_id", "=", conversationId);

  return {
    /** Also one that is erased. */
    snapshot: (id: string): Promise<SnapshotRow | undefined> => own().where("snapshot.id", "=", id).executeTakeFirst(),
    /** JSON of summaries, newest first. */
    async summaries(filters: SnapshotFilters, after: SnapshotPlace | undefined, limit: number) {
      const { conversation, tag, creator, model, from, until, deleted } = filters;
      let query = own()
        .where("document.erased_at", "is", null)
        .where("document.deleted_at", deleted ? "is not" : "is", null);
      if (conversation !== undefined) query = query.where("snapshot.conversation_id", "=", conversation);
      if (creator !== undefined) query = query.where("snapshot.created_by", "=", creator);
      if (from !== undefined) query = query.where("snapshot.created_at", ">=", from);
      if (until !== undefined) query = query.where("snapshot.created_at", "<", until);
      if (model !== undefined)
        query = query.where(({ eb, ref }) => eb(sql`json_extract(${ref("document.summary")}, '$.model')`, "=", model));
      if (tag !== undefined)
        query = query.where(
          ({ ref }) =>
            sql<boolean>`exists (select 1 from json_each(${ref("document.summary")}, '$.tags') as tag where tag.value = ${tag})`,
        );
      if (after !== undefined)
        query = query.where(({ eb, refTuple, tuple }) =>
          eb(refTuple("snapshot.created_at", "snapshot.id"), "<", tuple(after.createdAt, after.id)),
        );
      return await query.orderBy("snapshot.created_at", "desc").orderBy("snapshot.id", "desc").limit(limit).execute();
    },
    /** The highest number that was given in a conversation; 0 where there is none. */
    async lastNumber(conversationId: string): Promise<number> {
      const row = await kysely
        .selectFrom("snapshot")
        .where("owner_id", "=", accountId)
        .where("workspace_id", "=", workspaceId)
        .where("conversation_id", "=", conversationId)
        .orderBy("number", "desc")
        .select("number")
        .limit(1)
        .executeTakeFirst();
      return row?.number ?? 0;
    },
    async hasNumber(conversationId: string, number: number): Promise<boolean> {
      const query = kysely
        .selectFrom("snapshot")
        .where("owner_id", "=", accountId)
        .where("workspace_id", "=", workspaceId)
        .where("conversation_id", "=", conversationId)
        .where("number", "=", number)
        .select("id");
      return (await query.executeTakeFirst()) !== undefined;
    },
    /** The frozen messages up to one, first to last, as far back as they are stored. */
    chain: (conversationId: string, head: string): Promise<FrozenRow[]> =>
      kysely
        .withRecursive("chain", (db) =>
          db
            .selectFrom("frozen_message")
            .where("frozen_message.owner_id", "=", accountId)
            .where("frozen_message.workspace_id", "=", workspaceId)
            .where("frozen_message.conversation_id", "=", conversationId)
            .where("frozen_message.hash", "=", head)
            .select(({ ref }) => ["seq", previousIn(ref("body")).as("previous"), sql<number>`0`.as("depth")])
            .unionAll(
              db
                .selectFrom("chain")
                // Not an inner join, which SQLite may turn round: it would read all messages for each of them.
                .crossJoin("frozen_message")
                .whereRef("frozen_message.hash", "=", "chain.previous")
                .where("frozen_message.owner_id", "=", accountId)
                .where("frozen_message.workspace_id", "=", workspaceId)
                .where("frozen_message.conversation_id", "=", conversationId)
                .select(({ ref }) => [
                  sql<number>`${ref("frozen_message.seq")}`.as("seq"),
                  previousIn(ref("body")).as("previous"),
                  sql<number>`${ref("depth")} + 1`.as("depth"),
                ]),
            ),
        )
        .selectFrom("chain")
        .crossJoin("frozen_message")
        .whereRef("frozen_message.seq", "=", "chain.seq")
        .orderBy("chain.depth", "desc")
        .select(["hash", "body"])
        .execute(),
    /** How many bytes each frozen message after a place takes, in order of places. */
    sizesAfter: (conversationId: string, after: number, limit: number): Promise<{ seq: number; bytes: number }[]> =>
      frozen(conversationId)
        .where("seq", ">", after)
        .orderBy("seq")
        .limit(limit)
        .select(({ ref }) => ["seq", sql<number>`octet_length(${ref("body")})`.as("bytes")])
        .execute(),
    /** The frozen messages after a place and up to another one, in order of places. */
    messagesBetween: (conversationId: string, after: number, last: number): Promise<FrozenRow[]> =>
      frozen(conversationId)
        .where("seq", ">", after)
        .where("seq", "<=", last)
        .orderBy("seq")
        .select(["hash", "body"])
        .execute(),
  };
}

/** The hash of the message before one. */
const previousIn = (body: unknown) => sql<string | null>`json_extract(${body}, '$.previous')`;
