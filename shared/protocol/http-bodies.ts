import * as z from "zod/mini";
import { WORKSPACE_ROLES } from "#shared/domain/workspace.ts";
import { UUID_V7_PATTERN } from "#shared/lib/uuid.ts";

// Requests are strict: an unknown key is an error. Answers are open: an installed app must understand a
// newer server, so readers ignore what they do not know.

export const uuidV7 = z.string().check(z.regex(UUID_V7_PATTERN, "must be a UUIDv7 in lower case"));
/** Answer of `GET /api/me`. */
export const meSchema = z.object({
  accountId: z.string(),
  workspaceId: z.string(),
  kind: z.enum(["guest", "account"]),
  /** what they are in the workspace; `owner` where a server says nothing of roles */
  role: z.optional(z.enum(WORKSPACE_ROLES)),
  /** absent for their personal one */
  workspaceName: z.optional(z.string()),
  /** what they call themselves; absent for a guest */
  name: z.optional(z.string()),
  email: z.optional(z.string()),
  emailVerified: z.optional(z.boolean()),
  /** the session ends with the browser, and nothing is to be kept on the device */
  sharedDevice: z.optional(z.boolean()),
  /** guests who became this account: what a device still has of theirs belongs to it */
  merged: z.optional(z.array(z.object({ accountId: z.string(), workspaceId: z.string() }))),
});
export type Me = z.infer<typeof meSchema>;

export const modelSchema = z.object({
  /** `<provider>/<model>` */
  id: z.string(),
  name: z.string(),
  provider: z.object({ id: z.string(), name: z.string() }),
  /** `guide`: the built-in responder over the help pages; `local`: an endpoint found on this machine */
  kind: z.enum(["guide", "hosted", "local"]),
  contextTokens: z.optional(z.number()),
});
export type Model = z.infer<typeof modelSchema>;

/** Answer of `GET /api/models`. `defaultModel` is what a new chat starts with. */
export const modelsSchema = z.object({ models: z.array(modelSchema), defaultModel: z.string() });
export type Models = z.infer<typeof modelsSchema>;

/** Answer of `GET /healthz` and `GET /readyz`. */
export const healthSchema = z.object({ status: z.enum(["ok", "ready"]) });

/** Query of `GET /api/sync/feed`. */
export const feedQuerySchema = z.strictObject({
  cursor: z.optional(z.string().check(z.regex(/^\d{1,15}$/))),
  limit: z.optional(z.string().check(z.regex(/^[1-9]\d{0,3}$/))),
});

const summarySchema = z.object({
  title: z.string(),
  excerpt: z.string(),
  pinned: z.boolean(),
  archived: z.boolean(),
  deleted: z.boolean(),
  tags: z.array(z.string()),
  messageCount: z.number(),
});

/** Where an entry stands in the feed, whatever it is of. */
export const feedPlace = {
  id: z.string(),
  /** its place in the feed: of two entries of a document the later one has the higher */
  feedSeq: z.number(),
  epoch: z.number(),
  /** where the log ended that the summary was made from */
  headSeq: z.number(),
  /** ms since 1970 by the server's clock: when the last update was committed */
  activityAt: z.number(),
  /** ms since 1970 by the server's clock: since when it is in the trash; absent where it is not */
  deletedAt: z.optional(z.number()),
  /** where the log ended then: an edit that was acknowledged further on came after the deletion */
  deletedSeq: z.optional(z.number()),
  /** everything in it is erased, on the server for good: its summary says nothing, and devices forget it too */
  erased: z.optional(z.boolean()),
};

export const conversationEntrySchema = z.object({
  kind: z.literal("conversation"),
  ...feedPlace,
  summary: summarySchema,
});
export type ConversationEntry = z.infer<typeof conversationEntrySchema>;
