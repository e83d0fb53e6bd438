import { join } from "node:path";
import SqliteDatabase from "better-sqlite3";
import { afterAll, beforeAll, expect, test } from "vitest";
import WebSocket from "ws";
import * as Y from "yjs";
import type { ConversationId, MessageId } from "#shared/domain/ids.ts";
import { BULK_TYPE, encodePush } from "#shared/protocol/bulk-sync.ts";
import type { CreatedToken } from "#shared/protocol/token-bodies.ts";
import { SYNC_SUBPROTOCOL } from "#shared/protocol/sync-frames.ts";
import type { CreatedInvite } from "#shared/protocol/workspace-bodies.ts";
import { cookiesOf, postAuth } from "#tests/support/account.ts";
import { conversationRoom, newId } from "#tests/support/attacked-server.ts";
import { bytesOfDatabase, createCanaries } from "#tests/support/canaries.ts";
import { openPasskeyVisits, openProviderVisits } from "#tests/support/canary-sign-ins.ts";
import { sayNonsense } from "#tests/support/canary-nonsense.ts";
import type { CanaryAsker } from "#tests/support/canary-sign-ins.ts";
import { openMailServer } from "#tests/support/mail-server.ts";
import type { MailServer } from "#tests/support/mail-server.ts";
import { openNodeDevice } from "#tests/support/node-device.ts";
import { openOidcPeer } from "#tests/support/oidc-peer.ts";
import type { OidcPeer } from "#tests/support/oidc-peer.ts";
import { WAYS, quotingProvider } from "#tests/support/quoting-provider.ts";
import { openScriptedProvider } from "#tests/support/scripted-provider.ts";
import type { ScriptedProvider } from "#tests/support/scripted-provider.ts";
import { openServerProcess } from "#tests/support/server-process.ts";
import type { ServerProcess } from "#tests/support/server-process.ts";
import { anEdit, runBody } from "#tests/support/written-chat.ts";

const PROMPT = "canary-prompt-words";
const SYSTEM_PROMPT = "canary-system-prompt";
const ANSWER = "canary-answer-words";
const KEY = "sk-canary-provider-key";
const EMAIL = "canary-person@example.org";
const OTHER_EMAIL = "canary-friend@example.org";
const REFUSED_EMAIL = "canary-refused@example.org";
const RIGHT = "canary right password";
const WRONG = "canary wrong password";
const CHANGED = "canary changed password";
const RESET = "canary reset password";
/** too common, so refused: a password all the same */
const WEAK = "passwordpassword";

const canaries = createCanaries({
  prompt: PROMPT,
  "system prompt": SYSTEM_PROMPT,
  answer: ANSWER,
  "provider key": KEY,
  "e-mail": EMAIL,
});
for (const email of [OTHER_EMAIL, REFUSED_EMAIL]) canaries.add("e-mail", email);
for (const password of [RIGHT, WRONG, CHANGED, RESET, WEAK]) canaries.add("password", password);

interface Heard {
  what: string;
  status: number;
  text: string;
}

let mail: MailServer;
let peer: OidcPeer;
let provider: ScriptedProvider;
let server: ServerProcess;
/** every answer that says something went wrong, and every event stream */
const heard: Heard[] = [];
let asked = 0;

/** Asks as whoever has these headers, and keeps what is said where it is refused. */
async function ask(method: string, path: string, init: RequestInit & { cookie?: string; token?: string } = {}) {
  const { cookie, token, headers, ...rest } = init;
  const all = new Headers(headers);
  all.set("origin", server.url);
  if (cookie !== undefined) all.set("cookie", cookie);
  if (token !== undefined) all.set("authorization", `Bearer ${token}`);
  const response = await fetch(server.url + path, { method, headers: all, redirect: "manual", ...rest });
  asked += 1;
  const bytes = Buffer.from(await response.arrayBuffer());
  const says = response.headers.get("content-type") ?? "";
  const [what, text] = [`${method} ${path}`, bytes.toString()];
  if (response.status >= 400 || says.startsWith("text/event-stream"))
    heard.push({ what, status: response.status, text: `${text}\n${JSON.stringify([...response.headers])}` });
  return { status: response.status, text, response };
}

const json = (body: object, cookie?: string, token?: string) => ({
  body: JSON.stringify(body),
  headers: { "content-type": "application/json" },
  ...(cookie !== undefined && { cookie }),
  ...(token !== undefined && { token }),
});

/** A cookie, whose value is one of what must not turn up. */
function keepCookie(response: Response): string {
  const cookie = cookiesOf(response);
  const value = /session_token=([^;]+)/.exec(cookie)?.[1];
  if (value === undefined) throw new Error(`no session: ${response.status}`);
  canaries.add("session cookie", decodeURIComponent(value));
  canaries.add("session token", decodeURIComponent(value).split(".")[0] ?? "");
  return cookie;
}

async function signedIn(path: string, body: object, cookie = ""): Promise<string> {
  asked += 1;
  const response = await postAuth(server.url, path, body, cookie);
  if (response.status !== 204) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return keepCookie(response);
}

/** The token of the last link of a page that was mailed to somebody. */
async function mailedToken(page: string, to: string): Promise<string> {
  const links = new RegExp(`/${page}#([\\w.-]+)`, "g");
  for (let tries = 0; ; tries++) {
    const texts = mail.received.filter((one) => one.to.includes(to)).map(({ text }) => text);
    const token = [...texts.join("\n").matchAll(links)].at(-1)?.[1];
    if (token !== undefined) return canaries.add(`${page} token`, token);
    if (tries > 400) throw new Error(`no mail with a link to ${page}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function writeChat(cookie: string): Promise<{ conversationId: string; promptId: string }> {
  const [conversationId, promptId] = [newId(), newId()];
  const device = openNodeDevice(server.url, cookie, conversationRoom(conversationId));
  const token = device.edit((conversation) => {
    conversation.rename(PROMPT);
    conversation.setDraft(PROMPT);
    conversation.setSystemPrompt(SYSTEM_PROMPT);
    conversation.addPrompt({ id: promptId as MessageId, parentId: undefined, text: PROMPT, createdAt: 1 });
  });
  await device.until(() => device.settled() >= token);
  device.close();
  return { conversationId, promptId };
}

async function runs(cookie: string): Promise<void> {
  const chat = await writeChat(cookie);
  const events = { "content-type": "application/json", accept: "text/event-stream" };
  for (let way = 0; way < WAYS; way++) {
    const runId = newId();
    const body = JSON.stringify(runBody({ ...chat, answerId: newId() }));
    const { status } = await ask("PUT", `/api/runs/${runId}`, { cookie, body, headers: events });
    expect(status).toBe(201);
    await ask("GET", `/api/runs/${runId}`, { cookie });
  }
  const strange = { ...runBody({ ...chat, answerId: newId() }), model: `openai/${PROMPT}`, [PROMPT]: SYSTEM_PROMPT };
  await ask("PUT", `/api/runs/${newId()}`, json(strange, cookie));
  await ask("PUT", `/api/runs/${newId()}`, json({ ...runBody({ ...chat, answerId: newId() }), model: PROMPT }, cookie));
  await ask("PUT", `/api/runs/${PROMPT}`, json(runBody({ ...chat, answerId: newId() }), cookie));
  await ask("GET", `/api/runs/${newId()}/events?after=${PROMPT}`, { cookie });
}

/** Sends one message by a socket of its own; answers how the server closed it, or nothing after a while. */
async function say(room: string, cookie: string, message: string | Uint8Array): Promise<void> {
  const socket = new WebSocket(`${server.url.replace("http", "ws")}/sync/${room}`, [SYNC_SUBPROTOCOL], {
    headers: { cookie, origin: server.url },
  });
  socket.on("error", () => undefined); // being refused is an answer
  const ended = new Promise<[number, Buffer]>((resolve) => socket.on("close", (code, why) => resolve([code, why])));
  socket.once("open", () => {
    socket.send(message);
    socket.close(1000, PROMPT);
  });
  const [code, reason] = await ended;
  heard.push({ what: `socket ${room}`, status: code, text: code === 1000 ? "" : reason.toString() });
}

async function sync(cookie: string): Promise<void> {
  const room = conversationRoom(newId());
  const foreignRoot = new Y.Doc();
  foreignRoot.getMap(PROMPT).set(PROMPT, SYSTEM_PROMPT);
  for (const message of [
    PROMPT,
    Buffer.from(PROMPT),
    Buffer.from(`\0\x02${PROMPT}`),
    Y.encodeStateAsUpdate(foreignRoot),
  ])
    await say(room, cookie, message);
  await say(PROMPT, cookie, PROMPT);
  await say(`${room}?${PROMPT}=${PROMPT}`, cookie, PROMPT);
  await say(room, `holdfast.session_token=${PROMPT}`, PROMPT);
  const push = (body: Uint8Array, more: object = {}) =>
    ask("POST", "/api/sync/push", { cookie, body: body.slice(), headers: { "content-type": BULK_TYPE }, ...more });
  const id = newId() as ConversationId;
  await push(encodePush([{ id, epoch: 0, update: anEdit(PROMPT) }]));
  await push(encodePush([{ id, epoch: 0, update: Y.encodeStateAsUpdate(foreignRoot) }]));
  await push(encodePush([{ id, epoch: 7, update: Buffer.from(PROMPT) }]));
  await push(Buffer.from(PROMPT));
  await push(Buffer.from(PROMPT), { headers: { "content-type": PROMPT } });
  await ask("POST", "/api/sync/pull", { cookie, body: PROMPT, headers: { "content-type": BULK_TYPE } });
  await ask("GET", `/api/sync/feed?cursor=${PROMPT}&${PROMPT}=${PROMPT}`, { cookie });
}

/** Sign-up, a wrong sign-in, both kinds of link, a changed password; answers the cookie at the end. */
async function signIns(): Promise<string> {
  const guest = await signedIn("sign-in/anonymous", {});
  await ask("POST", "/api/auth/sign-up", json({ email: EMAIL, password: WEAK }));
  await signedIn("sign-up", { email: EMAIL, password: RIGHT, name: "Ada" }, guest);
  await ask("POST", "/api/auth/sign-up", json({ email: EMAIL, password: RIGHT }));
  await ask("POST", "/api/auth/sign-in", json({ email: EMAIL, password: WRONG }));
  await ask("POST", "/api/auth/sign-in", json({ email: OTHER_EMAIL, password: WRONG }));
  await ask("POST", "/api/auth/email/verify", json({ token: await mailedToken("account/verify", EMAIL) }));
  await ask("POST", "/api/auth/password/forgot", json({ email: EMAIL }));
  const token = await mailedToken("account/reset", EMAIL);
  await ask("POST", "/api/auth/password/reset", json({ token, password: WEAK }));
  for (let twice = 0; twice < 2; twice++)
    await ask("POST", "/api/auth/password/reset", json({ token, password: RESET }));
  const cookie = await signedIn("sign-in", { email: EMAIL, password: RESET });
  await ask("POST", "/api/account/password", json({ current: WRONG, next: CHANGED }, cookie));
  await ask("POST", "/api/account/password", json({ current: RESET, next: WEAK }, cookie));
  await ask("POST", "/api/account/password", json({ current: RESET, next: CHANGED }, cookie));
  const merging = await signedIn("sign-in/anonymous", {});
  return await signedIn("sign-in", { email: EMAIL, password: CHANGED }, merging);
}

async function invitations(cookie: string): Promise<void> {
  const team = newId();
  await ask("POST", "/api/workspaces", json({ id: team, name: "Kelp" }, cookie));
  const invite = async (email?: string): Promise<string> => {
    const { text } = await ask(
      "POST",
      `/api/workspaces/${team}/invites`,
      json({ id: newId(), role: "member", ...(email && { email }) }, cookie),
    );
    return canaries.add("invitation token", (JSON.parse(text) as CreatedInvite).token);
  };
  const [open, personal] = [await invite(), await invite(OTHER_EMAIL)];
  await invite(REFUSED_EMAIL);
  await mailedToken("join", OTHER_EMAIL);
  const friend = await signedIn("sign-up", { email: OTHER_EMAIL, password: RIGHT, invite: open });
  const stranger = await signedIn("sign-in/anonymous", {});
  for (const token of [open, personal, `${personal}x`]) {
    await ask("POST", "/api/invites/look", json({ token }));
    await ask("POST", "/api/invites/accept", json({ token }, stranger));
    await ask("POST", "/api/invites/accept", json({ token }));
  }
  for (let twice = 0; twice < 2; twice++) await ask("POST", "/api/invites/accept", json({ token: personal }, friend));
  await ask("POST", "/api/invites/look", json({ token: open, [open]: open }));
  await ask("GET", `/api/workspaces/${open}/members`, { cookie });
}

async function tokens(cookie: string): Promise<void> {
  const body = { id: newId(), name: "A program", scopes: ["chats:read"], days: 1 };
  const { text } = await ask("POST", "/api/tokens", json(body, cookie));
  const token = canaries.add("access token", (JSON.parse(text) as CreatedToken).token);
  await ask("GET", "/api/sync/feed", { token });
  await ask("POST", "/api/tokens", json(body, undefined, token));
  await ask(
    "PUT",
    `/api/runs/${newId()}`,
    json(runBody({ conversationId: newId(), promptId: newId(), answerId: newId() }), undefined, token),
  );
  await ask("DELETE", `/api/tokens/${token}`, { cookie });
  await ask("DELETE", `/api/tokens/${body.id}`, { cookie });
  await ask("GET", "/api/sync/feed", { token });
  await ask("GET", "/api/sync/feed", { token: `${token}x` });
}

/** How what is in `tests/support` asks. */
const asker = (): CanaryAsker => ({
  url: server.url,
  canaries,
  word: PROMPT,
  ask,
  hear: (what, status, text) => void heard.push({ what, status, text }),
  keepCookie,
});

/** Takes tables away behind the server's back, so that it has to say that it made a mistake. */
async function mistakes(cookie: string, token: string, doors: Doors): Promise<number> {
  const [back, shown] = [await doors.provider.comeBack(), await doors.passkeys.show()];
  const tables = ["access_token", "invite", "member", "run", "document", "user", "verification", "passkey", "account"];
  const database = new SqliteDatabase(join(server.dataDir, "holdfast.sqlite"), { timeout: 5_000 });
  for (const table of tables) database.exec(`alter table "${table}" rename to "${table}_gone"`);
  const before = heard.length;
  await ask("POST", "/api/auth/sign-in", json({ email: EMAIL, password: CHANGED }));
  await ask("POST", "/api/auth/sign-up", json({ email: `new-${EMAIL}`, password: RIGHT }));
  await ask("POST", "/api/auth/password/forgot", json({ email: EMAIL }));
  await ask("POST", "/api/auth/password/reset", json({ token: KEY, password: RESET }));
  await ask("POST", "/api/invites/look", json({ token: KEY }));
  await doors.provider.enter(back);
  await doors.passkeys.signIn(shown, undefined);
  await ask("POST", "/api/auth/passkey/options", json({}));
  await ask("POST", "/api/auth/oidc/start", json({}));
  await ask("GET", "/api/sync/feed", { token });
  await ask("GET", "/api/sync/feed", { cookie });
  await ask("GET", "/api/workspaces", { cookie });
  await ask("POST", "/api/invites/accept", json({ token: KEY }, cookie));
  await say(conversationRoom(newId()), cookie, PROMPT);
  const push = encodePush([{ id: newId() as ConversationId, epoch: 0, update: anEdit(PROMPT) }]);
  await ask("POST", "/api/sync/push", { cookie, body: push.slice(), headers: { "content-type": BULK_TYPE } });
  for (const table of tables) database.exec(`alter table "${table}_gone" rename to "${table}"`);
  database.close();
  return heard.slice(before).filter(({ status }) => status >= 500).length;
}

interface Doors {
  provider: ReturnType<typeof openProviderVisits>;
  passkeys: ReturnType<typeof openPasskeyVisits>;
}

let failures = 0;
beforeAll(async () => {
  mail = await openMailServer({
    refusal: (to) => (to === REFUSED_EMAIL ? { code: 550, words: `nobody here is called ${to}` } : undefined),
  });
  provider = await openScriptedProvider({ otherwise: quotingProvider({ answer: ANSWER, word: PROMPT }) });
  const env = { LIMITS: "off", LOG_LEVEL: "trace", OPENAI_BASE_URL: provider.baseUrl, OPENAI_API_KEY: KEY };
  server = await openServerProcess({ env });
  // Only now is it known where people reach it, which links in mails need.
  await server.kill("SIGTERM");
  peer = await openOidcPeer({ redirectUri: `${server.url}/api/auth/callback/oidc` });
  await server.restart({ PUBLIC_URL: server.url, SMTP_URL: `smtp://127.0.0.1:${mail.port}`, ...peer.env });
  const cookie = await signIns();
  const doors = { provider: openProviderVisits(asker(), peer), passkeys: openPasskeyVisits(asker()) };
  await doors.provider.all({ email: EMAIL, cookie });
  await doors.passkeys.all(cookie);
  await invitations(cookie);
  await tokens(cookie);
  await runs(cookie);
  await sync(cookie);
  await sayNonsense(
    asker(),
    { prompt: PROMPT, systemPrompt: SYSTEM_PROMPT, email: EMAIL, password: RIGHT, key: KEY },
    cookie,
  );
  failures = await mistakes(cookie, canaries.add("access token", `hft_${"canary".repeat(8)}`), doors);
  // Everything that was to be written down is, once it has ended.
  server.signal("SIGTERM");
  await server.exited();
}, 180_000);
afterAll(async () => {
  await server?.close();
  await provider?.close();
  await mail?.close();
  await peer?.close();
});

const audit = (): unknown[] => {
  const database = new SqliteDatabase(join(server.dataDir, "holdfast.sqlite"), { readonly: true });
  const rows = database.prepare("select * from audit").all();
  database.close();
  return rows;
};

test("what people write, what they sign in with and where they are written to is in no line of the server's output", () => {
  expect(canaries.foundIn(server.output())).toEqual([]);
  const lines = server.output().split("\n").length;
  expect(lines).toBeGreaterThan(20);
  process.stdout.write(
    `Canaries: ${canaries.count()} of ${canaries.names().length} kinds, ${asked} requests, ${lines} lines of output, ${heard.length} error bodies, ${failures} of them 5xx, ${audit().length} audit rows\n`,
  );
});

test("no refusal, no failure and no event of a failed run says anything of them back", () => {
  // An event stream is the answer itself, to whoever asked for it.
  const said = canaries.names().filter((name) => name !== "answer");
  const told = heard
    .map(({ what, text, status }) => ({ what, status, found: canaries.foundIn(text, said) }))
    .filter(({ found }) => found.length > 0);
  expect(told).toEqual([]);
  expect(heard.length).toBeGreaterThan(80);
  expect(failures).toBeGreaterThan(3);
  // Each way in was gone, and each that leads nowhere.
  const kinds = ["OIDC code", "OIDC state", "PKCE verifier", "ID token", "client secret", "challenge", "credential id"];
  for (const kind of kinds) expect(canaries.names()).toContain(kind);
  // The provider quoted all of it.
  expect(provider.requests.length).toBeGreaterThanOrEqual(WAYS);
});

test("the audit log holds none of them", () => {
  expect(canaries.foundIn(JSON.stringify(audit()))).toEqual([]);
  expect(audit().length).toBeGreaterThan(20);
});

/** What a ceremony is known by is there until it is over: of those that were left in the middle. */
const UNFINISHED = ["OIDC state", "OIDC nonce", "challenge"];

// better-auth keeps the token of a session and the e-mail address of an account as they are; chats are kept to be read.
test("the database holds no password, no token, invitation, link, code or signature, and no key, in no byte", () => {
  const bytes = bytesOfDatabase(server.dataDir);
  const kept = ["prompt", "system prompt", "answer", "e-mail", "session token", "credential id", ...UNFINISHED];
  expect(
    canaries.foundIn(
      bytes,
      canaries.names().filter((name) => !kept.includes(name)),
    ),
  ).toEqual([]);
  // Whoever looks the right way finds what is there.
  for (const name of kept) expect(canaries.foundIn(bytes, [name]), name).not.toEqual([]);
  for (const name of UNFINISHED) expect(canaries.foundIn(bytes, [name]).length, name).toBeLessThanOrEqual(2);
});
