import * as z from "zod/mini";
import { GIVEN_ROLES, WORKSPACE_NAME_LENGTH, WORKSPACE_ROLES } from "#shared/domain/workspace.ts";
import { emailSchema } from "./account-bodies.ts";
import { uuidV7 } from "./http-bodies.ts";

// Bodies about workspaces and who belongs to them. Requests are strict, answers are open. Times are ms since 1970.

const workspaceName = z
  .string()
  .check(z.trim(), z.minLength(1), z.maxLength(WORKSPACE_NAME_LENGTH), z.regex(/^[^\p{Cc}]*$/u));

export const workspaceSchema = z.object({
  id: z.string(),
  kind: z.enum(["personal", "team"]),
  /** "" for a personal one */
  name: z.string(),
  /** what the caller is in it */
  role: z.enum(WORKSPACE_ROLES),
});
export type WorkspaceEntry = z.infer<typeof workspaceSchema>;

/** Answer of `GET /api/workspaces`. */
export const workspacesSchema = z.object({ workspaces: z.array(workspaceSchema) });
export type Workspaces = z.infer<typeof workspacesSchema>;

/** Body of `POST /api/workspaces`: the id is made by the device, so that a repeated request makes no second one. */
export const createWorkspaceSchema = z.strictObject({ id: uuidV7, name: workspaceName });

/** Body of `PATCH /api/workspaces/:id`. */
export const renameWorkspaceSchema = z.strictObject({ name: workspaceName });

/** Body of `POST /api/workspaces/:id/transfer`. */
export const transferWorkspaceSchema = z.strictObject({ accountId: z.string().check(z.minLength(1), z.maxLength(64)) });

/** Answer of `GET /api/workspaces/:id/members`. */
export const membersSchema = z.object({
  members: z.array(
    z.object({
      accountId: z.string(),
      name: z.string(),
      /** shown to whoever runs the workspace, and of oneself */
      email: z.optional(z.string()),
      role: z.enum(WORKSPACE_ROLES),
      joinedAt: z.number(),
    }),
  ),
});
export type Members = z.infer<typeof membersSchema>;

/** Body of `PATCH /api/workspaces/:id/members/:accountId`. */
export const changeRoleSchema = z.strictObject({ role: z.enum(GIVEN_ROLES) });

/** Body of `POST /api/workspaces/:id/invites`. */
export const createInviteSchema = z.strictObject({
  id: uuidV7,
  role: z.enum(GIVEN_ROLES),
  /** only this person may use it, once; they are sent it. Without one everybody may who has the link. */
  email: z.optional(emailSchema),
});

const inviteSchema = z.object({
  id: z.string(),
  role: z.enum(WORKSPACE_ROLES),
  email: z.optional(z.string()),
  createdAt: z.number(),
  expiresAt: z.number(),
});

/** Answer of `POST /api/workspaces/:id/invites`: the only time its token is shown. */
export const createdInviteSchema = z.extend(inviteSchema, { token: z.string() });
export type CreatedInvite = z.infer<typeof createdInviteSchema>;

/** Answer of `GET /api/workspaces/:id/invites`: those that may still be used. */
export const invitesSchema = z.object({ invites: z.array(inviteSchema) });
export type Invites = z.infer<typeof invitesSchema>;

/** Body of `POST /api/invites/look` and `/accept`. */
export const inviteTokenSchema = z.strictObject({ token: z.string().check(z.regex(/^[\w-]{20,100}$/)) });

/** Answer of `POST /api/invites/look`: where an invitation leads to. */
export const invitationSchema = z.object({ workspaceName: z.string(), role: z.enum(WORKSPACE_ROLES) });
export type Invitation = z.infer<typeof invitationSchema>;

/** Answer of `POST /api/invites/accept`. */
export const joinedSchema = z.object({ workspaceId: z.string() });
