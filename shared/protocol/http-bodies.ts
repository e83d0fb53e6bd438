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

/** What every entry of the feed says, whatever kind of document it is of. */
export const feedPlaceSchema = z.object({
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
});

/** A conversation in the feed. */
export const feedEntrySchema = z.extend(feedPlaceSchema, { kind: z.literal("conversation"), summary: summarySchema });
export type FeedEntry = z.infer<typeof feedEntrySchema>;

/** Of another kind, as it came: who knows the kind parses it, and others pass it by. */
const otherEntrySchema = z.looseObject({ kind: z.string().check(z.refine((kind) => kind !== "conversation")) });
type OtherEntry = z.infer<typeof otherEntrySchema>;

/** Answer of `GET /api/sync/feed`: documents changed after the cursor, each once, in order of change. */
export const feedSchema = z.object({
  entries: z.array(z.union([feedEntrySchema, otherEntrySchema])),
  /** hand this to the next request */
  cursor: z.number(),
  /** whether there is more to read right now */
  more: z.boolean(),
});
/** What of it is of conversations. */
export type Feed = Omit<z.infer<typeof feedSchema>, "entries"> & { entries: FeedEntry[] };

const isConversation = (entry: FeedEntry | OtherEntry): entry is FeedEntry => entry.kind === "conversation";

export const conversationsIn = (feed: z.infer<typeof feedSchema>): Feed => ({
  ...feed,
  entries: feed.entries.filter(isConversation),
});
