import { once } from "node:events";
import { request as httpRequest } from "node:http";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { setImmediate } from "node:timers/promises";
import SqliteDatabase from "better-sqlite3";
import { afterAll, beforeAll, expect, test } from "vitest";
import * as Y from "yjs";
import { openConversation } from "#shared/documents/conversation.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import { BULK_TYPE, encodePush, parsePushAnswers } from "#shared/protocol/bulk-sync.ts";
import { runSnapshotSchema } from "#shared/protocol/run-bodies.ts";
import type { RunSnapshot } from "#shared/protocol/run-bodies.ts";
import { PASSWORD, accountAt, newEmail, postAuth, saidBy, signIn, signUp } from "#tests/support/account.ts";
import type { Account } from "#tests/support/account.ts";
import { conversationRoom, newId } from "#tests/support/attacked-server.ts";
import { signInGuest } from "#tests/support/guest.ts";
import { openNodeDevice } from "#tests/support/node-device.ts";
import { answer } from "#tests/support/provider-behaviour.ts";
import type { Pace } from "#tests/support/provider-behaviour.ts";
import { openScriptedProvider } from "#tests/support/scripted-provider.ts";
import type { ScriptedProvider } from "#tests/support/scripted-provider.ts";
import { createSeededRandom, seedOfThisRun } from "#tests/support/seeded-random.ts";
import { openServerProcess } from "#tests/support/server-process.ts";
import type { ServerProcess } from "#tests/support/server-process.ts";
import { HOOK_MS, pause, readFrom } from "./fault-scene.ts";
import { SLOWLY, aMergingGuest, contentAt, feedOf, pushAll, putRun, writeOwn } from "./merging-guest.ts";
import type { MergingGuest } from "./merging-guest.ts";

const KILLS = Number(process.env["MERGE_KILLS"] ?? 3);
/** of the guest; more than the server moves in one commit of the merge */
const DOCUMENTS = 80;
const OWN = 3;
const AT_ONCE = 8;
const words = Array.from({ length: 300 }, (_, index) => `word${index} ünï🎉 `).join("");
const random = createSeededRandom(seedOfThisRun());

/** how the answer comes that is not to be over when the guest signs in */
let pace: Pace = { everyMs: 6 };
let provider: ScriptedProvider;
let server: ServerProcess;
beforeAll(async () => {
  provider = await openScriptedProvider({
    otherwise: ({ body }) =>
      JSON.stringify(body.messages).includes(SLOWLY) ? answer(words, { pace }) : answer("Shortly."),
  });
  const env = { LIMITS: "off", OPENAI_BASE_URL: provider.baseUrl, OPENAI_API_KEY: "test" };
  server = await openServerProcess({ env });
}, HOOK_MS);
afterAll(async () => {
  await server?.close();
  await provider?.close();
});

interface Scene extends MergingGuest {
  email: string;
  account: Account;
  own: ReadonlyMap<string, string>;
}

/** An account with chats of its own, and a guest whose answer is being written just now. */
async function aScene(): Promise<Scene> {
  const email = newEmail();
  const account = await signUp(server.url, email);
  const own = await writeOwn(account, OWN);
  const guest = await aMergingGuest(server.url, DOCUMENTS);
  expect(await saidBy(await putRun(guest.who, guest.streaming))).toBe("201");
  return { ...guest, email, account, own };
}

/** Every row that names the guest as the one whose it is, or who did it. */
const NAMING = `
  select 'document' as place, id as name from document where owner_id = :guest or workspace_id = :workspace
  union all select 'feed', document_id from feed where account_id = :guest or workspace_id = :workspace
  union all select 'run', id from run where account_id = :guest or workspace_id = :workspace
  union all select 'usage', run_id from usage where account_id = :guest or workspace_id = :workspace
  union all select 'doc_client', document_id from doc_client where instr(actor_id, :guest)
  union all select 'doc_update', document_id from doc_update where instr(actor_id, :guest)`;
const namesOf = ({ me }: Account): object => ({ guest: me.accountId, workspace: me.workspaceId });

interface MergeRow {
  started_at: number;
  done_at: number | null;
}
const mergeOf = ({ me }: Account): MergeRow | undefined =>
  readFrom<MergeRow>(server.dataDir, "select * from guest_merge where guest_id = ?", [me.accountId])[0];

/** What every row of the guest and the account says of whose it is. */
const ownership = (): unknown[] =>
  [
    "select id, owner_id, workspace_id, epoch, erased_at from document order by id",
    "select account_id, workspace_id, document_id from feed order by 1, 2, 3",
    "select id, account_id, workspace_id, conversation_id, state from run order by id",
    "select run_id, attempt, account_id, workspace_id from usage order by 1, 2",
    "select document_id, client_id, actor_id from doc_client order by 1, 2",
    "select * from guest_merge order by guest_id",
  ].map((sql) => readFrom(server.dataDir, sql));

/** How far a merge had come when its process died. */
function stageOf({ who }: Scene): "not begun" | "begun" | "some moved" | "all moved" | "done" {
  const row = mergeOf(who);
  if (row === undefined) return "not begun";
  if (row.done_at !== null) return "done";
  const sql = "select count(*) as left from document where owner_id = ?";
  const left = readFrom<{ left: number }>(server.dataDir, sql, [who.me.accountId])[0]?.left ?? 0;
  if (left === DOCUMENTS) return "begun";
  return left === 0 ? "all moved" : "some moved";
}

/** What the log of a run holds. */
const loggedText = (runId: string): string =>
  readFrom<{ data: string }>(
    server.dataDir,
    "select data from run_frame where run_id = ? and kind = 'd' order by seq",
    [runId],
  )
    .map(({ data }) => (JSON.parse(data) as { t: string }).t)
    .join("");

/** Resolves once the merge of a guest has begun, by the file; or when the sign-in is over. */
async function begun({ who }: Scene, signing: Promise<unknown>): Promise<void> {
  const database = new SqliteDatabase(join(server.dataDir, "holdfast.sqlite"), { readonly: true });
  const look = database.prepare("select 1 from guest_merge where guest_id = ?");
  const state = { over: false };
  void signing.then(() => (state.over = true));
  while (look.get(who.me.accountId) === undefined && !state.over) await setImmediate();
  database.close();
}

interface Duration {
  /** from the request to its answer, in ms */
  signIn: number;
  /** from the row that begins a merge to the one that ends it */
  merge: number;
}

/** Kills the server at a moment of a sign-in: anywhere, as soon as the merge began, or while documents move. */
async function killIn(scene: Scene, round: number, duration: Duration): Promise<void> {
  const signing = postAuth(server.url, "sign-in", credentialsOf(scene), scene.who.cookie).catch(() => undefined);
  if (round % 3 === 0) await pause(random.below(duration.signIn * 1.1));
  else await begun(scene, signing);
  if (round % 3 === 2) await pause(random.next() * duration.merge);
  await server.kill("SIGKILL");
  await signing;
}

const credentialsOf = ({ email }: Scene): object => ({ email, password: PASSWORD });

const totals = { kills: 0, documents: 0, lost: 0, doubled: 0 };
const stages = new Map<string, number>();
let streamed = 0;

/** Every document of both is in the account's feed once, and holds what it held. */
async function expectAllOnce(scene: Scene, account: Account, where: string): Promise<void> {
  const listed = (await feedOf(account)).map(({ id }) => id);
  const wanted = [...scene.copies.keys(), scene.erased, ...scene.own.keys()];
  const lost = wanted.filter((id) => !listed.includes(id));
  const doubled = listed.filter((id, at) => listed.indexOf(id) !== at);
  totals.documents += wanted.length;
  totals.doubled += doubled.length;
  const contents = [...scene.contents, ...scene.own];
  for (let at = 0; at < contents.length; at += AT_ONCE) {
    const some = contents.slice(at, at + AT_ONCE);
    const read = await Promise.all(some.map(([id]) => contentAt(server.url, account, id)));
    lost.push(...some.filter(([, content], index) => read[index] !== content).map(([id]) => id));
  }
  totals.lost += lost.length;
  expect({ lost, doubled, listed: listed.length }, where).toEqual({ lost: [], doubled: [], listed: wanted.length });
  const erased = (await feedOf(account)).find(({ id }) => id === scene.erased);
  expect(erased, where).toMatchObject({ erased: true });
}

function expectNobodyElse({ who }: Scene, where: string): void {
  expect(readFrom(server.dataDir, NAMING, [namesOf(who)]), where).toEqual([]);
  const twice = "select document_id from feed group by account_id, document_id having count(*) > 1";
  expect(readFrom(server.dataDir, twice), where).toEqual([]);
  expect(mergeOf(who)?.done_at, where).toBeGreaterThan(0);
}

/** It is written down once, whichever process ended it; one that was killed right then may have taken it along. */
async function expectAudited({ who }: Scene, stage: ReturnType<typeof stageOf>, where: string): Promise<void> {
  const sql = "select 1 from audit where entry like '%\"account.merge-guest\"%' and instr(entry, ?)";
  const written = (): number => readFrom(server.dataDir, sql, [who.me.accountId]).length;
  if (stage === "done") return expect(written(), where).toBeLessThanOrEqual(1);
  await expect.poll(written, { message: where }).toBe(1);
}

async function snapshotOf(account: Account, runId: string): Promise<RunSnapshot> {
  return runSnapshotSchema.parse(await (await account.fetch(`/api/runs/${runId}`)).json());
}

/** The answer that was being written is in the account's document, as far as its log goes. */
async function expectAnswer({ streaming }: Scene, account: Account, text: string, where: string): Promise<void> {
  const snapshot = await snapshotOf(account, streaming.runId);
  expect(snapshot.text, where).toBe(text);
  // Killed after its last word, it may be either.
  expect(text === words ? ["completed", "interrupted"] : ["interrupted"], where).toContain(snapshot.state);
  const device = openNodeDevice(server.url, account.cookie, conversationRoom(streaming.conversationId));
  await device.until(() => {
    const message = device.conversation.message(streaming.answerId);
    return message?.role === "assistant" && message.run?.status === snapshot.state;
  });
  expect(device.conversation.message(streaming.answerId)?.text, where).toBe(text);
  expect([...device.conversation.messages()], where).toHaveLength(2);
  device.close();
}

/** The devices that wrote as the guest go on as the account, by the same Yjs clients. */
async function expectEditable({ copies }: Scene, account: Account, where: string): Promise<void> {
  const before = new Map([...copies].map(([id, doc]) => [id, Y.encodeStateVector(doc)]));
  for (const doc of copies.values()) openConversation(doc, "local").setTag("after", true);
  const other = (await pushAll(account, copies, before)).filter((said) => said !== "acknowledged");
  expect(other, where).toEqual([]);
}

async function killedRound(round: number, duration: Duration): Promise<void> {
  const where = `seed ${random.seed}, round ${round}`;
  const scene = await aScene();
  await killIn(scene, round, duration);
  const stage = stageOf(scene);
  stages.set(stage, (stages.get(stage) ?? 0) + 1);
  const logged = loggedText(scene.streaming.runId);
  expect(words.startsWith(logged), where).toBe(true);
  streamed += logged.length;
  totals.kills += 1;
  await server.restart();
  if (stage !== "not begun") expect(mergeOf(scene.who)?.done_at, where).toBeGreaterThan(0);
  const account = await signIn(server.url, scene.email, scene.who.cookie);
  expect(await saidBy(await scene.who.fetch("/api/sync/feed")), where).toBe("401 unauthenticated");
  expectNobodyElse(scene, where);
  await expectAudited(scene, stage, where);
  await expectAllOnce(scene, account, where);
  await expectAnswer(scene, account, logged, where);
  const settled = ownership();
  const again = await signIn(server.url, scene.email, scene.who.cookie);
  expect(ownership(), where).toEqual(settled);
  await expectEditable(scene, again, where);
}

/** How long a sign-in and its merge take that nobody disturbs. */
async function undisturbed(): Promise<Duration> {
  const scene = await aScene();
  const at = performance.now();
  await signIn(server.url, scene.email, scene.who.cookie);
  const row = mergeOf(scene.who);
  return { signIn: performance.now() - at, merge: Math.max(5, (row?.done_at ?? 0) - (row?.started_at ?? 0)) };
}

test(
  `a guest who signs in while the server is killed, ${KILLS} times: everything is the account's, once, and nothing the guest's`,
  { timeout: 60_000 + KILLS * 30_000 },
  async () => {
    const duration = await undisturbed();
    for (let round = 0; round < KILLS; round++) await killedRound(round, duration);
    const at = JSON.stringify({ ...Object.fromEntries(stages), ms: duration, streamed, seed: random.seed });
    const { kills, documents, lost, doubled } = totals;
    process.stdout.write(
      `Guest merge: ${kills} kills, ${documents} documents, ${lost} lost, ${doubled} doubled; ${at}\n`,
    );
    // Kills that all fell before or after a merge would have shown nothing.
    expect((stages.get("not begun") ?? 0) + (stages.get("done") ?? 0)).toBeLessThan(KILLS);
  },
);

/** The text of an event stream, and when it ended. */
async function followed(account: Account, runId: string): Promise<{ text: string; endedAt: number }> {
  const response = await account.fetch(`/api/runs/${runId}/events`, { headers: { accept: "text/event-stream" } });
  expect(response.status).toBe(200);
  const sse = await response.text().catch(() => "");
  const pieces = [...sse.matchAll(/^event: d\ndata: (.+)$/gmu)].map(
    ([, data]) => JSON.parse(data ?? "") as { t: string },
  );
  return { text: pieces.map(({ t }) => t).join(""), endedAt: performance.now() };
}

test("a guest who signs in while an answer is written: it goes on, whole and once, and the account follows it", async () => {
  pace = "gated";
  const scene = await aScene();
  const { runId, conversationId } = scene.streaming;
  const asGuest = followed(scene.who, runId);
  const { length } = provider.requests;
  await provider.release(100, length - 1);
  await expect.poll(() => loggedText(runId)).not.toBe("");
  const account = await signIn(server.url, scene.email, scene.who.cookie);
  const signedInAt = performance.now();
  expect((await snapshotOf(account, runId)).state).toBe("streaming");
  const asAccount = followed(account, runId);
  expect((await asGuest).endedAt - signedInAt).toBeLessThan(2000);
  await provider.release(words.length, length - 1);
  expect((await asAccount).text).toBe(words);
  expect((await snapshotOf(account, runId)).state).toBe("completed");
  await expectAnswer(scene, account, words, "undisturbed");
  expectNobodyElse(scene, "undisturbed");
  const bills = "select account_id, workspace_id, outcome from usage where run_id = ?";
  const { accountId, workspaceId } = account.me;
  expect(readFrom(server.dataDir, bills, [runId])).toEqual([
    { account_id: accountId, workspace_id: workspaceId, outcome: "completed" },
  ]);
  expect((await feedOf(account)).filter(({ id }) => id === conversationId)).toHaveLength(1);
});

/** Begins to push a new chat as somebody; answers how to send the rest, which answers what became of it. */
function slowPush({ cookie }: Account, id: string): () => Promise<string> {
  const doc = new Y.Doc();
  openConversation(doc, "local").rename("On its way");
  const body = encodePush([{ id: id as ConversationId, epoch: 0, update: Y.encodeStateAsUpdate(doc) }]);
  const headers = { cookie, origin: server.url, "content-type": BULK_TYPE, "content-length": body.length };
  const request = httpRequest(`${server.url}/api/sync/push`, { method: "POST", headers });
  const answered = once(request, "response") as Promise<[IncomingMessage]>;
  request.write(body.subarray(0, 10));
  return async () => {
    request.end(body.subarray(10));
    const [response] = await answered;
    const said = Buffer.concat(await response.toArray());
    if (response.statusCode !== 200) return String(response.statusCode);
    const answers = parsePushAnswers(new Uint8Array(said));
    return answers.ok ? answers.value.map(({ type }) => type).join() : "malformed";
  };
}

test("a new chat of a guest that arrives once they have signed in is not taken as the guest's: nobody could reach it", async () => {
  const email = newEmail();
  await signUp(server.url, email);
  const guest = await accountAt(server.url, (await signInGuest(server.url)).cookie);
  const id = newId();
  const arrive = slowPush(guest, id);
  await pause(200);
  const account = await signIn(server.url, email, guest.cookie);
  // Whoever is told to come back does, as the account they are by now.
  expect(await arrive()).not.toBe("acknowledged");
  expect(readFrom(server.dataDir, NAMING, [namesOf(guest)])).toEqual([]);
  const doc = new Y.Doc();
  openConversation(doc, "local").rename("On its way");
  expect(await pushAll(account, new Map([[id, doc]]))).toEqual(["acknowledged"]);
});
