import { BULK_TYPE, encodePull, encodePush, parsePulled, parsePushAnswers } from "#shared/protocol/bulk-sync.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import { SHARE_PATH } from "#shared/protocol/share-target.ts";
import { MULTIPLEX_SUBPROTOCOL, encodeChannelMessage, parseChannelMessage } from "#shared/protocol/multiplex.ts";
import { encodeFrame, parseFrame } from "#shared/protocol/sync-frames.ts";
import type { ServerFrame } from "#shared/protocol/sync-frames.ts";
import type { Operation } from "#server/http/operation.ts";
import { PASSWORD, accountAt, createTeam, joinTeam, signIn } from "./account.ts";
import { conversationRoom, newId, problemOf, send } from "./attacked-server.ts";
import type { Answer } from "./attacked-server.ts";
import { signInGuest } from "./guest.ts";
import { knock } from "./knock.ts";
import { linkProvider, newInvite, newPasskey, newToken } from "./policy-cast.ts";
import type { Caller, PolicyCast } from "./policy-cast.ts";
import type { Place } from "./policy-ids.ts";
import { MODEL, aWrittenChat, anEdit, inWorkspace, pushEdit } from "./written-chat.ts";

/** What an id in a request names. `new-…`: what is to be made, by an id that whoever asks makes up. */
export type IdKind =
  | "conversation"
  | "second-conversation"
  /** one that who may write claims where nobody has it */
  | "claimed-conversation"
  | "second-claimed-conversation"
  /** one that nobody has yet */
  | "new-conversation"
  | "snapshot"
  | "new-snapshot"
  | "prompt"
  | "run"
  /** one that is over from the start where nobody has it */
  | "stopped-run"
  | "new-run"
  | "new-answer"
  | "continued-run"
  | "session"
  | "token"
  | "passkey"
  | "new-token"
  | "workspace"
  | "new-workspace"
  | "member"
  | "invite"
  | "new-invite"
  | "invite-token"
  /** whoever has it may look, whomever it is for */
  | "shown-invite-token";

/** The ids of one request, by where they stand: a parameter of the path, or a place in the body. */
export type Ids = Readonly<Record<string, string | undefined>>;

export interface Fresh {
  ids?: Ids;
  headers?: Record<string, string>;
  /** their own, where they are somebody else than the caller */
  workspaceId?: string;
}

/** How an operation is asked so that nothing but the policy could refuse it. */
export interface Recipe {
  ids?: Readonly<Record<string, IdKind>>;
  body?: (ids: Ids, cast: PolicyCast) => object | string;
  /** of several ways of asking, each is a request of its own */
  queries?: readonly string[];
  /** made for a request that will be taken: what it names is used up by it, or whoever asks is somebody else after it */
  fresh?: (cast: PolicyCast, caller: Caller, place: Place | undefined) => Promise<Fresh>;
}

const pulls = (...ids: readonly (string | undefined)[]): Uint8Array =>
  encodePull(ids.map((id) => ({ id: id as ConversationId, epoch: 0, haveSeq: 0, stateVector: undefined })));
const pushes = (...ids: readonly (string | undefined)[]): Uint8Array =>
  encodePush(ids.map((id) => ({ id: id as ConversationId, epoch: 0, update: anEdit("pushed") })));

const TWO_CHATS = { first: "conversation", second: "second-conversation" } as const;
const TWO_ROOMS = { first: "claimed-conversation", second: "second-claimed-conversation" } as const;
/** A credential that nobody made. */
const A_KEY = { id: "AAAA", rawId: "AAAA", type: "public-key" };
const A_CLIENT = { clientDataJSON: "AAAA" };
const A_TEAM = { id: "workspace" } as const;
const A_MEMBER = { id: "workspace", accountId: "member" } as const;

/** One for each operation, and for the two doors of sockets. */
export const RECIPES: Readonly<Record<string, Recipe>> = {
  "GET /api/auth/methods": {},
  "POST /api/auth/sign-in/anonymous": { body: () => ({}) },
  "POST /api/auth/sign-in": {
    body: (_, { people }) => ({ email: people.victim.me.email, password: "not the password" }),
  },
  "POST /api/auth/sign-up": { body: (_, { people }) => ({ email: people.victim.me.email, password: PASSWORD }) },
  "POST /api/auth/sign-out": {
    body: () => ({}),
    fresh: async (cast, caller) => ({ headers: await anotherSession(cast, caller) }),
  },
  "POST /api/auth/passkey/options": { body: () => ({}) },
  "POST /api/auth/passkey/sign-in": {
    body: () => ({ credential: { ...A_KEY, response: { ...A_CLIENT, authenticatorData: "AAAA", signature: "AAAA" } } }),
  },
  "POST /api/auth/oidc/start": { body: () => ({}) },
  "GET /api/auth/callback/oidc": { queries: ["?code=made-up&state=made-up"] },
  "POST /api/auth/password/forgot": { body: (_, { people }) => ({ email: people.victim.me.email }) },
  "POST /api/auth/password/reset": { body: () => ({ token: "t".repeat(24), password: "a long new password" }) },
  "POST /api/auth/email/verify": { body: () => ({ token: "t".repeat(24) }) },
  "POST /api/account/password": { body: () => ({ current: "not the password", next: "a long new password" }) },
  "POST /api/account/email/verification": {},
  "GET /api/account/credentials": {},
  "POST /api/account/oidc": { body: () => ({}) },
  "DELETE /api/account/oidc": {
    fresh: async (cast, { person }) => {
      if (person) linkProvider(cast, person);
      return {};
    },
  },
  "GET /api/passkeys": {},
  "POST /api/passkeys/options": { body: () => ({}) },
  "POST /api/passkeys": {
    body: () => ({ name: "Key", credential: { ...A_KEY, response: { ...A_CLIENT, attestationObject: "AAAA" } } }),
  },
  "PATCH /api/passkeys/:id": { ids: { id: "passkey" }, body: () => ({ name: "Key" }) },
  "DELETE /api/passkeys/:id": {
    ids: { id: "passkey" },
    fresh: async (_, { person }) => ({ ids: { id: person && (await newPasskey(person)) } }),
  },
  "GET /api/sessions": {},
  "DELETE /api/sessions": {},
  "DELETE /api/sessions/:id": {
    ids: { id: "session" },
    fresh: async (cast, caller) => {
      const headers = await anotherSession(cast, caller);
      const { me, fetch: asThem } = await accountAt(cast.url, headers["cookie"] ?? "");
      const { sessions } = (await (await asThem("/api/sessions")).json()) as {
        sessions: { id: string; current: boolean }[];
      };
      // A guest has one session, and so ends the one that asks.
      const asks = me.kind === "guest" && { headers, workspaceId: me.workspaceId };
      return { ids: { id: sessions.find(({ current }) => current)?.id }, ...asks };
    },
  },
  "GET /api/tokens": {},
  "POST /api/tokens": {
    ids: { id: "new-token" },
    body: ({ id }) => ({ id, name: "script", scopes: ["chats:read"], days: 1 }),
  },
  "DELETE /api/tokens/:id": {
    ids: { id: "token" },
    fresh: async (_, { person }) => ({ ids: { id: person && (await newToken(person, undefined, ["runs"])).id } }),
  },
  "GET /api/workspaces": {},
  "POST /api/workspaces": { ids: { id: "new-workspace" }, body: ({ id }) => ({ id, name: "Reef" }) },
  "PATCH /api/workspaces/:id": { ids: A_TEAM, body: () => ({ name: "Kelp" }) },
  "POST /api/workspaces/:id/leave": {
    ids: A_TEAM,
    fresh: async ({ pawn }, { name, person }) => {
      const id = await createTeam(pawn, "Left");
      if (person) await joinTeam(pawn, id, person, name === "team guest" ? "guest" : name);
      return { ids: { id } };
    },
  },
  "POST /api/workspaces/:id/transfer": {
    ids: A_MEMBER,
    body: ({ accountId }) => ({ accountId }),
    fresh: async ({ pawn }, { person }) => {
      if (person === undefined) return {};
      const id = await createTeam(person, "Handed over");
      await joinTeam(person, id, pawn, "member");
      return { ids: { id, accountId: pawn.me.accountId } };
    },
  },
  "GET /api/workspaces/:id/members": { ids: A_TEAM },
  "PATCH /api/workspaces/:id/members/:accountId": { ids: A_MEMBER, body: () => ({ role: "member" }) },
  "DELETE /api/workspaces/:id/members/:accountId": {
    ids: A_MEMBER,
    fresh: async ({ people, team, pawn }) => {
      await joinTeam(people.owner, team, pawn, "member");
      return {};
    },
  },
  "GET /api/workspaces/:id/invites": { ids: A_TEAM },
  "POST /api/workspaces/:id/invites": {
    ids: { id: "workspace", inviteId: "new-invite" },
    body: ({ inviteId }) => ({ id: inviteId, role: "guest" }),
  },
  "DELETE /api/workspaces/:id/invites/:inviteId": {
    ids: { id: "workspace", inviteId: "invite" },
    fresh: async ({ people, team }) => ({ ids: { inviteId: (await newInvite(people.owner, team)).id } }),
  },
  "POST /api/invites/look": { ids: { token: "shown-invite-token" }, body: ({ token }) => ({ token }) },
  "POST /api/invites/accept": { ids: { token: "invite-token" }, body: ({ token }) => ({ token }) },
  "GET /api/audit": {},
  "GET /api/workspaces/:id/audit": { ids: A_TEAM },
  "POST /share": { body: () => "text=tides" },
  "GET /api/openapi.json": {},
  "GET /.well-known/jwks.json": {},
  "GET /api/me": {},
  "GET /api/sync/feed": {},
  "POST /api/sync/pull": { ids: TWO_CHATS, body: ({ first, second }) => pulls(first, second) },
  "POST /api/sync/push": { ids: TWO_ROOMS, body: ({ first, second }) => pushes(first, second) },
  "DELETE /api/conversations/:id": { ids: { id: "conversation" } },
  "POST /api/snapshots": {
    ids: { id: "new-snapshot", conversationId: "conversation" },
    body: ({ id, conversationId }) => ({ id, conversationId }),
  },
  "GET /api/snapshots": {},
  "POST /api/snapshots/messages": {
    ids: { conversationId: "conversation" },
    body: ({ conversationId }) => ({ wanted: [{ conversationId, after: 0 }] }),
  },
  "GET /api/snapshots/:id": { ids: { id: "snapshot" } },
  "GET /api/snapshots/:id/file": { ids: { id: "snapshot" } },
  "PATCH /api/snapshots/:id": { ids: { id: "snapshot" }, body: () => ({ note: "Noted" }) },
  "DELETE /api/snapshots/:id": { ids: { id: "snapshot" } },
  "POST /api/snapshots/:id/duplicate": {
    ids: { id: "snapshot", conversationId: "new-conversation" },
    body: ({ conversationId }) => ({ conversationId }),
  },
  "PUT /api/runs/:id": {
    ids: {
      id: "new-run",
      conversationId: "conversation",
      parentMessageId: "prompt",
      messageId: "new-answer",
      continues: "continued-run",
    },
    body: ({ conversationId, parentMessageId, messageId, continues }) => ({
      conversationId,
      parentMessageId,
      messageId,
      continues,
      model: MODEL,
      parameters: {},
    }),
    fresh: async ({ team }, { person }, place) => {
      const [id, promptId] = [newId(), newId()];
      const acting = inWorkspace(place === "team" ? team : undefined);
      if (person) await pushEdit(person, id, aWrittenChat(promptId, person.canary), acting);
      return { ids: { conversationId: id, parentMessageId: promptId } };
    },
  },
  "GET /api/runs/:id": { ids: { id: "run" } },
  "GET /api/runs/:id/events": { ids: { id: "run" }, queries: ["?wait=0", ""] },
  "POST /api/runs/:id/stop": { ids: { id: "stopped-run" } },
  "GET /api/models": {},
  "GET /healthz": {},
  "GET /readyz": {},
  "GET /metrics": {},
  "SOCKET /sync/:room": { ids: { first: "claimed-conversation" } },
  "SOCKET /sync": { ids: TWO_ROOMS },
};

/** Another session of the same account, which may be ended; a guest of its own where the caller is one. */
async function anotherSession({ url }: PolicyCast, { name, person }: Caller): Promise<Record<string, string>> {
  if (name === "lone guest") return { cookie: (await signInGuest(url)).cookie };
  const email = person?.me.email;
  return name === "nobody" || email === undefined ? {} : { cookie: (await signIn(url, email)).cookie };
}

export interface Asking {
  /** one that is `undefined` is left out, also where it would be sent otherwise */
  headers: Readonly<Record<string, string | undefined>>;
  ids: Ids;
  query?: string;
  /** sent instead of the body of the recipe */
  body?: string;
}

/** The address of an operation, with the ids that stand in its path. */
export const addressOf = ({ path }: Operation, ids: Ids): string =>
  path.replace(/:(\w+)/g, (_, name: string) => ids[name] ?? "-");

/** Asks an operation; nothing is added that a program would not send. */
export function ask(
  cast: PolicyCast & { port: number },
  operation: Operation,
  recipe: Recipe,
  { headers, ids, query = "", ...over }: Asking,
): Promise<Answer> {
  const body = over.body ?? bytesOf(recipe.body?.(ids, cast));
  const type = body === undefined ? undefined : typeOf(operation);
  return send(cast.port, {
    method: operation.method.toUpperCase(),
    path: addressOf(operation, ids) + query,
    headers: setOf({ origin: cast.url, "content-type": type, ...headers }),
    ...(body !== undefined && { body }),
  });
}

export const setOf = (headers: Asking["headers"]): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));

const bytesOf = (body: object | string | undefined): string | Buffer | undefined =>
  body instanceof Uint8Array ? Buffer.from(body) : typeof body === "object" ? JSON.stringify(body) : body;

/** The content type of what an operation takes. */
export function typeOf({ path, body }: Operation): string {
  if (path === SHARE_PATH) return "application/x-www-form-urlencoded";
  return body?.bytes === undefined ? "application/json" : BULK_TYPE;
}

/** What an answer comes to, in a few words: its status and code, or what it says of each document. */
export function outcomeOf(operation: Operation, answer: Answer): string {
  const { status } = answer;
  if (status >= 400) return `${status} ${problemOf(answer)}`;
  if (status !== 200 || operation.body?.bytes === undefined) return `${status}`;
  const bytes = new Uint8Array(answer.bytes ?? []);
  const read = operation.path.endsWith("push") ? parsePushAnswers(bytes) : parsePulled(bytes);
  return read.ok ? read.value.map(({ type }) => type).join() : "malformed";
}

/** What a device says to a room at once: that it has nothing, that it asks who is there, and an edit. */
const SAID = [
  encodeFrame({ type: "step1", stateVector: new Uint8Array([0]) }),
  encodeFrame({ type: "query-awareness" }),
  encodeFrame({ type: "update", update: anEdit("said on a socket") }),
];

export interface Opened {
  /** the status of the refusal, or for each room `open`, `read-only` or the code it was closed with */
  outcome: string;
  /** everything that was heard */
  heard: Buffer;
}

/** Knocks at the door of one room, or of many on one socket, and speaks at once where `speaks`. */
export async function askSocket(
  { url }: Pick<PolicyCast, "url">,
  { headers, ids, query = "" }: Asking,
  speaks: boolean,
): Promise<Opened> {
  const rooms = Object.values(ids).map((id) => conversationRoom(id ?? ""));
  const isShared = "second" in ids;
  const words = speaks ? SAID : [];
  const said = rooms.flatMap((room, channel) => [
    encodeChannelMessage({ type: "open", channel, room }),
    ...words.map((frame) => encodeChannelMessage({ type: "frame", channel, frame })),
  ]);
  const read = (heard: readonly Buffer[]): (string | undefined)[] =>
    rooms.map((_, channel) => (isShared ? channelOutcome(heard, channel) : frameOutcome(heard.map(frameOf))));
  const knocked = await knock(url, {
    path: isShared ? `/sync${query}` : `/sync/${rooms[0]}${query}`,
    headers: setOf(headers),
    ...(isShared && { protocols: [MULTIPLEX_SUBPROTOCOL] }),
    say: isShared ? said : words,
    until: (heard) => read(heard).every((one) => one !== undefined),
  });
  const { refused, closed, heard } = knocked;
  const outcome =
    refused ??
    read(heard)
      .map((one) => one ?? `closed ${closed}`)
      .join();
  return { outcome: `${outcome}`, heard: Buffer.concat(heard) };
}

const frameOf = (bytes: Uint8Array): ServerFrame | undefined => {
  const frame = parseFrame(bytes);
  return frame.ok ? frame.value : undefined;
};

function frameOutcome(frames: readonly (ServerFrame | undefined)[]): string | undefined {
  const hello = frames.find((frame) => frame?.type === "hello");
  return hello && (hello.mayWrite ? "open" : "read-only");
}

function channelOutcome(heard: readonly Buffer[], channel: number): string | undefined {
  const mine = heard.flatMap((bytes) => {
    const message = parseChannelMessage(bytes);
    return message.ok && message.value.channel === channel ? [message.value] : [];
  });
  const closed = mine.find((message) => message.type === "close");
  if (closed) return `closed ${closed.code}`;
  return frameOutcome(mine.map((message) => (message.type === "frame" ? frameOf(message.frame) : undefined)));
}
