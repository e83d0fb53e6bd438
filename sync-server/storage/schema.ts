import type { ColumnType, Generated } from "kysely";
import type { DocumentKind } from "#shared/domain/room-name.ts";
import type { WorkspaceRole } from "#shared/domain/workspace.ts";

// The tables, as Kysely sees them. Migrations in `migrations.ts` make them; better-auth makes its own
// (`user`, `session`, `account`, `passkey`, `verification`). Times are ms since 1970; booleans are 0 or 1.

export interface WorkspaceTable {
  id: string;
  kind: "personal" | "team";
  /** who made it; who owns it now says `member` */
  owner_id: string;
  /** "" for a personal one */
  name: ColumnType<string, string | undefined, string>;
  created_at: number;
}

/** Who belongs to a workspace, as what. Exactly one member of each is its owner. */
export interface MemberTable {
  workspace_id: string;
  account_id: string;
  role: WorkspaceRole;
  joined_at: number;
}

/** A link that lets people join; the link itself is only known to whoever holds it. */
export interface InviteTable {
  id: string;
  workspace_id: string;
  role: WorkspaceRole;
  /** SHA-256 of the link's token, hex */
  token_hash: string;
  /** for whom it is; null where everybody who has the link may use it */
  email: string | null;
  created_by: string;
  created_at: number;
  expires_at: number;
}

/** A personal access token: what a program signs in with, in the name of its account, in one workspace. */
export interface AccessTokenTable {
  id: string;
  account_id: string;
  workspace_id: string;
  name: string;
  /** SHA-256 of the token, hex */
  token_hash: string;
  /** JSON of its scopes */
  scopes: string;
  created_at: number;
  expires_at: number;
  last_used_at: ColumnType<number | null, undefined, number>;
}

/** A guest who signed in to an account: what was the guest's becomes the account's, until `done_at`. */
export interface GuestMergeTable {
  guest_id: string;
  guest_workspace_id: string;
  account_id: string;
  /** the personal one of the account */
  workspace_id: string;
  started_at: number;
  done_at: ColumnType<number | null, undefined, number>;
}

/** Append-only: triggers refuse changes, and each row's hash covers the one before. */
export interface AuditTable {
  seq: number;
  at: number;
  workspace_id: string | null;
  account_id: string | null;
  /** JSON of an AuditEntry without the columns above */
  entry: string;
  /** HMAC-SHA-256 over the hash before and this row, hex */
  hash: string;
}

/** Where the chain of `audit` ends: what is cut off at its end is missed by this. */
export interface AuditHeadTable {
  id: number;
  seq: number;
  hash: string;
  mac: string;
}

/** better-auth's own, as far as a session is checked by it. Its dates are ISO 8601 text in SQLite. */
export interface SessionTable {
  id: string;
  token: string;
  userId: string;
  expiresAt: string;
  createdAt: string;
  updatedAt: string;
  userAgent: string | null;
}

/** better-auth's own. */
export interface UserTable {
  id: string;
  name: string;
  email: string;
  emailVerified: number;
  isAnonymous: number | null;
  createdAt: string;
}

/** better-auth's own: a way to sign in that is no passkey. */
export interface CredentialTable {
  id: string;
  userId: string;
  /** `credential` for a password, else a provider */
  providerId: string;
  accountId: string;
  password: string | null;
}

/** better-auth's own. */
export interface PasskeyTable {
  id: string;
  userId: string;
  name: string | null;
  credentialID: string;
  backedUp: number;
  createdAt: string | null;
  aaguid: string | null;
}

/** better-auth's own: challenges and links that are good for a while. */
export interface VerificationTable {
  id: string;
  expiresAt: string;
}

export interface DocumentTable {
  id: string;
  kind: DocumentKind;
  workspace_id: string;
  owner_id: string;
  epoch: number;
  /** the last committed sequence number; 0 when the log is empty */
  head_seq: number;
  /** the log up to and including this is folded into `doc_checkpoint` */
  checkpoint_seq: number;
  /** `summary` shows the document as of this sequence number */
  summary_seq: number;
  /** JSON of a ConversationSummary, or of a SnapshotSummary */
  summary: string;
  activity_at: number;
  created_at: number;
  /** since when the conversation is in the trash, as far as `summary` shows it; null while it is not */
  deleted_at: ColumnType<number | null, number | null | undefined, number | null>;
  /** where its log ended then; null while it is not, and for what was deleted before this was noted */
  deleted_seq: ColumnType<number | null, number | null | undefined, number | null>;
  /** when everything in it was erased; the row stays, so that the id is never anybody's again */
  erased_at: ColumnType<number | null, number | null | undefined, number | null>;
}

export interface DocUpdateTable {
  /** AUTOINCREMENT: compaction must never let a number come back */
  gseq: Generated<number>;
  document_id: string;
  epoch: number;
  /** gapless per document, from 1 */
  seq: number;
  bytes: Uint8Array;
  /** CRC-32 of `bytes`; null in rows written before there was one */
  crc: ColumnType<number | null, number | undefined, never>;
  actor_id: string;
  created_at: number;
}

export interface DocCheckpointTable {
  document_id: string;
  epoch: number;
  through_seq: number;
  bytes: Uint8Array;
  sha256: Uint8Array;
  created_at: number;
}

/** Which actor first wrote under a Yjs clientID of a document. */
export interface DocClientTable {
  document_id: string;
  epoch: number;
  client_id: number;
  actor_id: string;
}

/** What was frozen, beside the document of the same id. Triggers refuse every change but another owner and erasure. */
export interface SnapshotTable {
  id: string;
  owner_id: string;
  workspace_id: string;
  /** the conversation it was taken of, by which snapshots are numbered; it need not be here */
  conversation_id: string;
  /** from 1, without gaps but for what was erased */
  number: number;
  /** SHA-256 of the command that made it, hex; "" once it is erased, as the next two */
  fingerprint: string;
  content_id: string;
  /** canonical JSON */
  manifest: string;
  /** the hash of the last message; null where there is none, and once it is erased */
  head: string | null;
  created_at: number;
  created_by: string;
}

/** A frozen message, once for all snapshots of a conversation that hold it. Triggers refuse every change. */
export interface FrozenMessageTable {
  /** AUTOINCREMENT: devices ask for what comes after a place, so no place may come back */
  seq: Generated<number>;
  owner_id: string;
  workspace_id: string;
  conversation_id: string;
  /** SHA-256 of `body`, hex */
  hash: string;
  /** canonical JSON; names the hash of the message before it */
  body: string;
}

export interface FeedTable {
  account_id: string;
  workspace_id: string;
  document_id: string;
  feed_seq: number;
}

export interface FeedCounterTable {
  account_id: string;
  workspace_id: string;
  last: number;
}

export interface RunTable {
  id: string;
  account_id: string;
  workspace_id: string;
  conversation_id: string;
  parent_message_id: string;
  message_id: string;
  model: string;
  /** SHA-256 of the canonical request, hex; `tombstone` for a run stopped before it was started */
  fingerprint: string;
  /** JSON of the request */
  request: string;
  state: string;
  attempt: number;
  /** raised whenever another writer takes over; an append of an older epoch is refused */
  lease_epoch: number;
  lease_until: number;
  /** the last frame appended */
  seq: number;
  /** JSON of RunFacts, final once the state is terminal */
  facts: string;
  /** JSON of Asked, once the provider was asked; null where its answer gets no receipt */
  asked: string | null;
  /** 1 once the document holds the run's final text and facts */
  committed: number;
  created_at: number;
  ended_at: number | null;
}

export interface RunFrameTable {
  run_id: string;
  seq: number;
  /** the SSE event: `s`, `d` or `end` */
  kind: string;
  /** the SSE data: JSON */
  data: string;
}

/** A key that receipts and files are signed with. Rows are never deleted: what was signed stays verifiable. */
export interface SigningKeyTable {
  /** thumbprint of the public key (RFC 7638) */
  kid: string;
  /** JSON of `kty`, `crv`, `x` */
  public_jwk: string;
  /** the private JWK as a JWE, under a key that is not in the database */
  private_jwe: string;
  created_at: number;
  /** from when on nothing is signed with it; null until the first start of a version that gives keys an end */
  expires_at: number | null;
  /** since when nothing is signed with it; null while it is in use */
  retired_at: number | null;
}

/** One row for each call of a provider, whatever its ending. */
export interface UsageTable {
  run_id: string;
  attempt: number;
  account_id: string;
  workspace_id: string;
  provider: string;
  model: string;
  input_tokens: number | null;
  output_tokens: number | null;
  cached_tokens: number | null;
  reasoning_tokens: number | null;
  source: "provider" | "estimated";
  cost_micro_usd: number | null;
  /** how the attempt ended: a terminal state, or the class of the failure that led to a retry */
  outcome: string;
  created_at: number;
}

/**
 * Every table, and each is scoped: none is reached but through a handle that binds to whom its rows belong, or by
 * `systemTables`. A new one is too. Should a table ever be nobody's, give `Database` a handle that names it alone.
 */
export interface Schema {
  // An account's own: who holds such a row is signed in as it, or knows who it is.
  session: SessionTable;
  user: UserTable;
  account: CredentialTable;
  passkey: PasskeyTable;
  access_token: AccessTokenTable;
  // Names no account in the columns we read, but its rows are what people are signed in by for a moment.
  verification: VerificationTable;
  // Seen by members alone, changed by some of them.
  workspace: WorkspaceTable;
  member: MemberTable;
  invite: InviteTable;
  // Names two accounts; what was the one's is the other's from then on.
  guest_merge: GuestMergeTable;
  // Tells of accounts and workspaces. The head tells of nobody, but whoever can write it can hide rows.
  audit: AuditTable;
  audit_head: AuditHeadTable;
  // Of an account in a workspace, by the columns of `document`, on which the next three hang; snapshots name theirs.
  document: DocumentTable;
  doc_update: DocUpdateTable;
  doc_checkpoint: DocCheckpointTable;
  doc_client: DocClientTable;
  snapshot: SnapshotTable;
  frozen_message: FrozenMessageTable;
  feed: FeedTable;
  feed_counter: FeedCounterTable;
  // Of an account in a workspace as well; frames hang on their run.
  run: RunTable;
  run_frame: RunFrameTable;
  usage: UsageTable;
  // The server's own, and nobody's among those who use it.
  signing_key: SigningKeyTable;
}
