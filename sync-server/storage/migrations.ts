import { sql } from "kysely";
import type { Kysely, RawBuilder } from "kysely";
import type { Schema } from "./schema.ts";

/** The statements of each version of the tables, in order. One that was released is never changed. */
const MIGRATIONS: readonly (readonly RawBuilder<unknown>[])[] = [
  [
    sql`create table workspace (
      id text primary key,
      kind text not null check (kind in ('personal', 'team')),
      owner_id text not null,
      created_at integer not null
    )`,
    sql`create unique index workspace_personal on workspace (owner_id) where kind = 'personal'`,

    sql`create table document (
      id text primary key,
      kind text not null,
      workspace_id text not null,
      owner_id text not null,
      epoch integer not null default 0,
      head_seq integer not null default 0,
      checkpoint_seq integer not null default 0,
      summary_seq integer not null default 0,
      summary text not null,
      activity_at integer not null,
      created_at integer not null
    )`,
    sql`create index document_owner on document (owner_id, workspace_id)`,

    sql`create table doc_update (
      gseq integer primary key autoincrement,
      document_id text not null references document (id) on delete cascade,
      epoch integer not null,
      seq integer not null,
      bytes blob not null,
      actor_id text not null,
      created_at integer not null,
      unique (document_id, epoch, seq)
    )`,
    sql`create table doc_checkpoint (
      document_id text not null references document (id) on delete cascade,
      epoch integer not null,
      through_seq integer not null,
      bytes blob not null,
      sha256 blob not null,
      created_at integer not null,
      primary key (document_id, epoch, through_seq)
    )`,
    // The one before the newest is kept for repair; older ones would only hold what people deleted.
    sql`create trigger doc_checkpoint_keeps_two after insert on doc_checkpoint begin
      delete from doc_checkpoint where document_id = new.document_id and (epoch, through_seq) not in (
        select epoch, through_seq from doc_checkpoint where document_id = new.document_id
        order by epoch desc, through_seq desc limit 2
      );
    end`,
    sql`create table doc_client (
      document_id text not null references document (id) on delete cascade,
      epoch integer not null,
      client_id integer not null,
      actor_id text not null,
      primary key (document_id, epoch, client_id)
    ) without rowid`,

    sql`create table feed (
      account_id text not null,
      workspace_id text not null,
      document_id text not null references document (id) on delete cascade,
      feed_seq integer not null,
      primary key (account_id, workspace_id, document_id)
    ) without rowid`,
    sql`create unique index feed_order on feed (account_id, workspace_id, feed_seq)`,
    sql`create table feed_counter (
      account_id text not null,
      workspace_id text not null,
      last integer not null,
      primary key (account_id, workspace_id)
    ) without rowid`,

    sql`create table run (
      id text primary key,
      account_id text not null,
      workspace_id text not null,
      conversation_id text not null,
      parent_message_id text not null,
      message_id text not null,
      model text not null,
      fingerprint text not null,
      request text not null,
      state text not null,
      attempt integer not null,
      lease_epoch integer not null,
      lease_until integer not null,
      seq integer not null,
      facts text not null,
      committed integer not null default 0,
      created_at integer not null,
      ended_at integer
    )`,
    sql`create index run_conversation on run (conversation_id)`,
    sql`create index run_message on run (message_id)`,
    sql`create index run_state on run (state, lease_until)`,
    sql`create index run_uncommitted on run (committed) where committed = 0`,
    // A run that has ended still has its message until its end is there: another would be paid for and not shown.
    sql`create unique index run_open_message on run (account_id, message_id) where committed = 0`,
    sql`create table run_frame (
      run_id text not null references run (id) on delete cascade,
      seq integer not null,
      kind text not null,
      data text not null,
      primary key (run_id, seq)
    ) without rowid`,
    sql`create table usage (
      run_id text not null,
      attempt integer not null,
      account_id text not null,
      workspace_id text not null,
      provider text not null,
      model text not null,
      input_tokens integer,
      output_tokens integer,
      cached_tokens integer,
      reasoning_tokens integer,
      source text not null,
      cost_micro_usd integer,
      outcome text not null,
      created_at integer not null,
      primary key (run_id, attempt)
    ) without rowid`,
    sql`create index usage_account on usage (account_id, workspace_id, created_at)`,
  ],
  // CRC-32 of `bytes`; rows written before have none. SQLite itself checks no byte of what it holds.
  [sql`alter table doc_update add column crc integer`],
  // The trash. What was deleted before there was one has its 30 days from now on.
  [
    sql`alter table document add column deleted_at integer`,
    sql`alter table document add column deleted_seq integer`,
    sql`alter table document add column erased_at integer`,
    sql`update document set deleted_at = unixepoch() * 1000 where json_extract(summary, '$.deleted') = 1`,
    sql`create index document_trash on document (deleted_at) where deleted_at is not null and erased_at is null`,
  ],
  // Accounts and teams. Whoever has a personal workspace is its owner.
  [
    sql`alter table workspace add column name text not null default ''`,
    sql`create table member (
      workspace_id text not null references workspace (id) on delete cascade,
      account_id text not null,
      role text not null check (role in ('owner', 'admin', 'member', 'guest')),
      joined_at integer not null,
      primary key (workspace_id, account_id)
    ) without rowid`,
    sql`create index member_account on member (account_id)`,
    sql`create unique index member_owner on member (workspace_id) where role = 'owner'`,
    sql`insert into member select id, owner_id, 'owner', created_at from workspace`,
    sql`create table invite (
      id text primary key,
      workspace_id text not null references workspace (id) on delete cascade,
      role text not null check (role in ('admin', 'member', 'guest')),
      token_hash text not null unique,
      email text,
      created_by text not null,
      created_at integer not null,
      expires_at integer not null
    )`,
    sql`create index invite_workspace on invite (workspace_id)`,
    sql`create table access_token (
      id text primary key,
      account_id text not null,
      workspace_id text not null references workspace (id) on delete cascade,
      name text not null,
      token_hash text not null unique,
      scopes text not null,
      created_at integer not null,
      expires_at integer not null,
      last_used_at integer
    )`,
    sql`create index access_token_account on access_token (account_id)`,
    sql`create table guest_merge (
      guest_id text primary key,
      guest_workspace_id text not null,
      account_id text not null,
      workspace_id text not null,
      started_at integer not null,
      done_at integer
    )`,
    sql`create index guest_merge_open on guest_merge (started_at) where done_at is null`,
    sql`create table audit (
      seq integer primary key,
      at integer not null,
      workspace_id text,
      account_id text,
      entry text not null,
      hash text not null
    )`,
    sql`create table audit_head (
      id integer primary key check (id = 1),
      seq integer not null,
      hash text not null,
      mac text not null
    )`,
    sql`create index audit_account on audit (account_id, seq)`,
    sql`create index audit_workspace on audit (workspace_id, seq)`,
    sql`create trigger audit_never_changes before update on audit begin
      select raise(abort, 'audit rows never change');
    end`,
    sql`create trigger audit_never_shrinks before delete on audit begin
      select raise(abort, 'audit rows are never deleted');
    end`,
  ],
  // Provenance: what answers are signed with, and what was asked for them.
  [
    sql`create table signing_key (
      kid text primary key,
      public_jwk text not null,
      private_jwe text not null,
      created_at integer not null,
      retired_at integer
    ) without rowid`,
    sql`create trigger signing_key_never_shrinks before delete on signing_key begin
      select raise(abort, 'signing keys are kept for ever');
    end`,
    sql`alter table run add column asked text`,
  ],
  // Snapshots. What was frozen changes by nothing but erasure, and its number only where somebody else's becomes one's own.
  [
    sql`create table snapshot (
      id text primary key references document (id) on delete cascade,
      owner_id text not null,
      workspace_id text not null,
      conversation_id text not null,
      number integer not null check (number > 0),
      fingerprint text not null,
      content_id text not null,
      manifest text not null,
      head text,
      created_at integer not null,
      created_by text not null,
      unique (owner_id, workspace_id, conversation_id, number)
    ) without rowid`,
    sql`create index snapshot_time on snapshot (owner_id, workspace_id, created_at, id)`,
    sql`create table frozen_message (
      seq integer primary key autoincrement,
      owner_id text not null,
      workspace_id text not null,
      conversation_id text not null,
      hash text not null,
      body text not null,
      unique (owner_id, workspace_id, conversation_id, hash)
    )`,
    sql`create trigger snapshot_is_frozen before update on snapshot
    when new.id <> old.id or new.conversation_id <> old.conversation_id
      or new.created_at <> old.created_at or new.created_by <> old.created_by
      or new.fingerprint not in (old.fingerprint, '') or new.content_id not in (old.content_id, '')
      or new.manifest not in (old.manifest, '') or (new.head is not null and new.head is not old.head)
      or (new.number <> old.number and new.owner_id = old.owner_id)
    begin
      select raise(abort, 'a snapshot never changes');
    end`,
    sql`create trigger frozen_message_is_frozen before update on frozen_message begin
      select raise(abort, 'a frozen message never changes');
    end`,
  ],
  // Signing keys end. Those that are here get their end from whoever opens them, by the server's clock.
  [sql`alter table signing_key add column expires_at integer`],
];

/**
 * Brings the tables to the newest version, which the file remembers as `user_version`. Each version is one
 * transaction, so a process killed on the way leaves a whole version behind; running again changes nothing.
 * Rejects where a newer version of Holdfast wrote the file.
 */
export async function migrateToLatest(kysely: Kysely<Schema>): Promise<void> {
  const { rows } = await sql<{ user_version: number }>`pragma user_version`.execute(kysely);
  const version = rows[0]?.user_version ?? 0;
  if (version > MIGRATIONS.length)
    throw new Error(
      `it was written by a newer version of Holdfast (tables ${version}, this version knows ${MIGRATIONS.length}). ` +
        "Start the newer version, or restore a backup made before the update.",
    );
  for (const [index, statements] of MIGRATIONS.entries()) {
    if (index < version) continue;
    await kysely.transaction().execute(async (transaction) => {
      for (const statement of statements) await statement.execute(transaction);
      await sql`pragma user_version = ${sql.lit(index + 1)}`.execute(transaction);
    });
  }
}
