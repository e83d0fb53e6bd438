import {
  changePasswordSchema,
  forgotPasswordSchema,
  methodsSchema,
  resetPasswordSchema,
  sessionsSchema,
  signInSchema,
  signUpSchema,
  verifyEmailSchema,
} from "#shared/protocol/account-bodies.ts";
import { auditPageSchema } from "#shared/protocol/audit-bodies.ts";
import { healthSchema, meSchema, modelsSchema } from "#shared/protocol/http-bodies.ts";
import { runSnapshotSchema, startRunSchema } from "#shared/protocol/run-bodies.ts";
import { addOidcSchema, credentialsSchema, oidcStartedSchema, startOidcSchema } from "#shared/protocol/oidc-bodies.ts";
import {
  addPasskeySchema,
  passkeyCreationSchema,
  passkeyRequestSchema,
  passkeySchema,
  passkeySignInSchema,
  passkeysSchema,
  renamePasskeySchema,
} from "#shared/protocol/passkey-bodies.ts";
import { jwksSchema } from "#shared/provenance/signing-keys.ts";
import { snapshotFileSchema } from "#shared/provenance/snapshot-file.ts";
import { feedSchema } from "#shared/protocol/feed-bodies.ts";
import { runEventsSchema } from "#shared/protocol/run-events.ts";
import {
  changeSnapshotSchema,
  duplicateSnapshotSchema,
  duplicatedSchema,
  frozenMessagesSchema,
  snapshotSchema,
  snapshotsSchema,
  takeSnapshotSchema,
  wantedMessagesSchema,
} from "#shared/protocol/snapshot-bodies.ts";
import { createTokenSchema, createdTokenSchema, tokensSchema } from "#shared/protocol/token-bodies.ts";
import {
  changeRoleSchema,
  createInviteSchema,
  createWorkspaceSchema,
  createdInviteSchema,
  invitationSchema,
  inviteTokenSchema,
  invitesSchema,
  joinedSchema,
  membersSchema,
  renameWorkspaceSchema,
  transferWorkspaceSchema,
  workspaceSchema,
  workspacesSchema,
} from "#shared/protocol/workspace-bodies.ts";

/** The schemas that the document names; a body or an answer refers to one of them. */
export const COMPONENTS = {
  AddOidc: addOidcSchema,
  AddPasskey: addPasskeySchema,
  AuditPage: auditPageSchema,
  ChangePassword: changePasswordSchema,
  ChangeRole: changeRoleSchema,
  ChangeSnapshot: changeSnapshotSchema,
  CreateInvite: createInviteSchema,
  CreateToken: createTokenSchema,
  CreateWorkspace: createWorkspaceSchema,
  CreatedInvite: createdInviteSchema,
  CreatedToken: createdTokenSchema,
  Credentials: credentialsSchema,
  DuplicateSnapshot: duplicateSnapshotSchema,
  Duplicated: duplicatedSchema,
  Feed: feedSchema,
  ForgotPassword: forgotPasswordSchema,
  FrozenMessages: frozenMessagesSchema,
  Health: healthSchema,
  Invitation: invitationSchema,
  InviteToken: inviteTokenSchema,
  Invites: invitesSchema,
  Joined: joinedSchema,
  Jwks: jwksSchema,
  Me: meSchema,
  Members: membersSchema,
  Methods: methodsSchema,
  Models: modelsSchema,
  OidcStarted: oidcStartedSchema,
  Passkey: passkeySchema,
  PasskeyCreation: passkeyCreationSchema,
  PasskeyRequest: passkeyRequestSchema,
  PasskeySignIn: passkeySignInSchema,
  Passkeys: passkeysSchema,
  RenamePasskey: renamePasskeySchema,
  RenameWorkspace: renameWorkspaceSchema,
  ResetPassword: resetPasswordSchema,
  RunEvents: runEventsSchema,
  RunSnapshot: runSnapshotSchema,
  Sessions: sessionsSchema,
  SignIn: signInSchema,
  SignUp: signUpSchema,
  Snapshot: snapshotSchema,
  SnapshotFile: snapshotFileSchema,
  Snapshots: snapshotsSchema,
  StartOidc: startOidcSchema,
  StartRun: startRunSchema,
  TakeSnapshot: takeSnapshotSchema,
  Tokens: tokensSchema,
  TransferWorkspace: transferWorkspaceSchema,
  VerifyEmail: verifyEmailSchema,
  WantedMessages: wantedMessagesSchema,
  Workspace: workspaceSchema,
  Workspaces: workspacesSchema,
} as const;
export type Component = keyof typeof COMPONENTS;
