import * as Y from "yjs";
import { canonicalContent } from "#shared/documents/canonical-content.ts";
import { openConversation } from "#shared/documents/conversation.ts";
import type { ConversationDocument } from "#shared/documents/conversation.ts";
import { EMPTY_FACTS, isFoldDue } from "#server/rooms/log-facts.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import type { AssistantMessage } from "#shared/domain/message.ts";
import { parseRoomName } from "#shared/domain/room-name.ts";
import { isTerminal } from "#shared/domain/run.ts";
import { isFinalClose } from "#shared/protocol/close-codes.ts";
import { parseFrame } from "#shared/protocol/sync-frames.ts";
import type { Disk } from "./disk.ts";
import { holdOpen, readAfresh } from "./fresh-reader.ts";
import { OWNER } from "./happenings.ts";
import type { Scene } from "./happenings.ts";
import type { Mark } from "./ledger.ts";
import { FOLD_ROWS, principalOf } from "./server.ts";
import { askAsStranger } from "./stranger-oracles.ts";
import { openTab, shapeOf } from "./tab.ts";
import type { Device, Tab, TabContext } from "./tab.ts";
import type { World } from "./world.ts";

type Violate = (what: string) => void;

/** What a run's log says, of its text; `undefined` where there is no log. */
export function loggedTextOf(disk: Disk, runId: string): string | undefined {
  const frames = disk.rows<{ kind: string; data: string }>(
    `select kind, data from run_frame where run_id = ? order by seq`,
    runId,
  );
  if (frames.length === 0) return undefined;
  const texts = frames
    .filter(({ kind }) => kind === "d")
    .map(({ data }) => JSON.parse(data) as { c: string; t: string });
  return texts.map(({ c, t }) => (c === "t" ? t : "")).join("");
}

/** Looks at every frame the server sends: O4 nothing for strangers, O6 the head never goes back or ahead of the log. */
export function createFrameOracle(disk: Disk, violate: Violate, owner: string) {
  const heads = new Map<string, number>();
  function onHead(id: string, type: "hello" | "ack", headSeq: number): void {
    const before = heads.get(id) ?? 0;
    if (type === "hello" && headSeq < before) violate(`O6: the head of a document went from ${before} to ${headSeq}`);
    if (headSeq > disk.headOf(id)) violate(`O6: the server tells of ${headSeq}, its log ends at ${disk.headOf(id)}`);
    heads.set(id, Math.max(before, headSeq));
  }
  return {
    closed(account: string, code: number): void {
      if (account === owner && isFinalClose(code)) violate(`an honest session was closed ${code}`);
    },
    sent(account: string, path: string, message: Uint8Array): void {
      const id = parseRoomName(path.replace("/sync/", ""))?.id ?? "";
      const frame = parseFrame(message);
      if (!frame.ok) return violate(`the server sends what is no frame`);
      if (account !== owner) return violate(`O4: a stranger is sent ${frame.value.type}`);
      if (frame.value.type === "nack" && frame.value.code !== "gap")
        violate(`an honest edit was refused: ${frame.value.code}`);
      if (frame.value.type !== "hello" && frame.value.type !== "ack") return;
      onHead(id, frame.value.type, frame.value.headSeq);
    },
  };
}

/** What is not at rest yet, in words. */
export function unquiet({ devices, server, ids, disk }: Scene): string[] {
  const why: string[] = [];
  if (server.rooms() === undefined) why.push("the server is down");
  if (server.live() > 0) why.push("a run goes on");
  const stored = storedSummaries(ids, disk);
  for (const { name, tabs } of devices)
    for (const tab of tabs) why.push(...(tab ? unquietTab(tab, ids, stored) : [`a tab of ${name} is closed`]));
  return why;
}

/** The library's entry of each document, as JSON, by what is stored; what has no word in it is not listed. */
function storedSummaries(ids: readonly string[], disk: Disk): Map<string, string | undefined> {
  const written = ids.filter((id) => disk.headOf(id) > 0);
  return new Map(
    written.map((id) => {
      const summary = openConversation(disk.document(id), "oracle").summary();
      const isEmpty = summary.messageCount === 0 && summary.title === "" && summary.excerpt === "";
      return [id, isEmpty ? undefined : JSON.stringify(summary)];
    }),
  );
}

function* unquietTab(
  tab: Tab,
  ids: readonly string[],
  stored: ReadonlyMap<string, string | undefined>,
): Generator<string> {
  const status = tab.sync.status();
  if (status.type !== "saved") yield `${tab.name} says ${JSON.stringify(status)}${whyUnsaved(tab)}`;
  if (!tab.sync.online()) yield `${tab.name} is offline`;
  for (const document of tab.documents.opened())
    if (document.status().type === "loading") yield `${tab.name} still reads ${document.id}`;
  for (const id of ids) yield* undelivered(tab, id);
  const shown = new Map(tab.library.entries().map((entry) => [entry.id as string, entry.summary]));
  for (const [id, summary] of stored) {
    const here = JSON.stringify(shown.get(id));
    if (here !== summary) yield `O6: ${tab.name} lists ${here}, and the store has ${summary}`;
  }
}

const whyUnsaved = (tab: Tab): string =>
  [...tab.documents.opened()]
    .filter((document) => document.unstored() || document.pending() || document.outbox().length > 0)
    .map((one) => ` ${one.id}: unstored ${one.unstored()}, pending ${one.pending()}, outbox ${one.outbox().join(" ")}`)
    .join(";");

function* undelivered(tab: Tab, id: string): Generator<string> {
  const document = tab.documents.find(id as ConversationId);
  for (const message of document?.conversation.messages() ?? []) {
    if (message.role === "user" && message.plannedRun) {
      const delivery = tab.runs.delivery(message.plannedRun.runId);
      if (delivery && delivery.type !== "refused") yield `${tab.name} still delivers ${message.text}: ${delivery.type}`;
    }
    if (message.role === "assistant" && message.run && !isTerminal(message.run.status))
      yield `${message.id} is ${message.run.status}`;
  }
}

interface Judged extends Scene {
  context: TabContext;
  violate: Violate;
}

/** Asks every oracle that needs rest. */
export async function judge(scene: Scene, context: TabContext, violate: Violate): Promise<void> {
  const judged: Judged = { ...scene, context, violate };
  judgeMarks(judged);
  for (const id of scene.ids) if (scene.disk.headOf(id) > 0) await judgeDocument(judged, id);
  const answered = await awaiting(scene.world, askAsStranger(scene.server, scene.disk, OWNER));
  if (answered === undefined) violate("O9: a stranger's questions are not answered");
  for (const { asked, status, expected } of answered ?? [])
    if (status !== expected) violate(`O4: a stranger who asks for ${asked} is answered ${status}`);
  await judgeReload(judged);
}

function judgeMarks({ ledger, violate }: Judged): void {
  for (const { name, device, document, stored, acknowledged } of ledger.all()) {
    const durable = ledger.isDurable(document, name);
    const foreign = device.startsWith("s");
    if (acknowledged && !durable) violate(`O1: ${name} was acknowledged and is gone`);
    if (stored && !durable && !foreign) violate(`O9: ${name}, kept by ${device}, never reached the server`);
    if (foreign && durable) violate(`O4: a stranger wrote ${name}`);
  }
}

async function judgeDocument(judged: Judged, id: string): Promise<void> {
  const { disk, devices, rotten, violate } = judged;
  const truth = disk.document(id);
  const shape = shapeOf(truth, canonicalContent(truth));
  judgeLog(disk, id, truth, shape, violate);
  await judgeTail(judged, id);
  const drafted = draftedIn(truth);
  if (!rotten.has(id) && new Set(drafted).size !== drafted.length)
    violate(`O9: an edit of the draft of ${id} is there twice`);
  await judgeRoom(judged, id, shape);
  await judgeServed(judged, id, shape, drafted);
  for (const { tabs } of devices) for (const tab of tabs) judgeCopy(tab, id, shape, violate);
  judgeRuns(judged, openConversation(truth, "oracle"), id);
}

function judgeLog(disk: Disk, id: string, truth: Y.Doc, shape: string, violate: Violate): void {
  if (hasPending(truth)) violate(`O3: the log of ${id} leaves something pending`);
  const folded = disk.folded(id);
  const again = docOf(folded);
  if (shapeOf(again, canonicalContent(again)) !== shape) violate(`O2: the fold of ${id} differs from its log`);
}

/** How long a room that could not fold its log waits before it tries again, and some. */
const FOLDED_WITHIN = 62;

/** Whatever is due to be folded is, while somebody has the document open (R17). */
async function judgeTail({ world, server, disk, violate }: Judged, id: string): Promise<void> {
  // What no tab has open is not folded: it may have been delivered, and caught up with, by HTTP alone.
  const leave = holdOpen(server, OWNER, id);
  for (let waited = 0; waited < FOLDED_WITHIN && isFoldDue({ ...EMPTY_FACTS, ...disk.tailOf(id) }, FOLD_ROWS); waited++)
    await world.run(1_000);
  leave();
  const tail = disk.tailOf(id);
  if (isFoldDue({ ...EMPTY_FACTS, ...tail }, FOLD_ROWS))
    violate(
      `O5: ${tail.tailRows} rows of ${id} are not folded: ${tail.tailBytes} bytes beside ${tail.checkpointBytes} that are`,
    );
}

const insertedIn = (text: string): string[] => [...text.matchAll(/<(d\d-\d+)>/gu)].map(([, mark = ""]) => mark);
const draftedIn = (doc: Y.Doc): string[] => insertedIn(doc.getText("draft").toJSON());
const insertedInBytes = (bytes: Uint8Array): string[] => insertedIn(Buffer.from(bytes).toString("latin1"));

/** What a device gets that has nothing yet. */
async function judgeServed(judged: Judged, id: string, shape: string, drafted: readonly string[]): Promise<void> {
  const { world, server, disk, rotten, violate } = judged;
  const served = await awaiting(world, readAfresh(server, OWNER, id));
  if (served === undefined) return violate(`O9: a new device gets nothing of ${id}`);
  const read = docOf(served);
  if (shapeOf(read, canonicalContent(read)) !== shape)
    violate(`O2: what a new device gets of ${id} differs from its log`);
  // What rotted looks deleted.
  if (rotten.has(id)) return;
  for (const mark of insertedInBytes(served))
    if (!drafted.includes(mark)) violate(`O8: <${mark}> was deleted and is still served`);
  judgeCheckpoints(disk, id, violate);
}

/** What was deleted after a fold is in it until the next one, what was deleted before is not. */
function judgeCheckpoints(disk: Disk, id: string, violate: Violate): void {
  for (const { bytes } of disk.rows<{ bytes: Uint8Array }>(
    `select bytes from doc_checkpoint where document_id = ?`,
    id,
  )) {
    const drafted = draftedIn(docOf(bytes));
    for (const mark of insertedInBytes(bytes))
      if (!drafted.includes(mark)) violate(`O8: <${mark}> was deleted before the log was folded and is still there`);
  }
}

function docOf(bytes: Uint8Array): Y.Doc {
  const doc = new Y.Doc();
  Y.applyUpdate(doc, bytes);
  return doc;
}

async function judgeRoom({ world, server, violate }: Judged, id: string, shape: string): Promise<void> {
  let live: string | undefined;
  await awaiting(
    world,
    server
      .rooms()
      ?.read(principalOf(OWNER), id as ConversationId, ({ doc }) => void (live = shapeOf(doc, canonicalContent(doc)))),
  );
  if (live !== undefined && live !== shape) violate(`O2: the room of ${id} differs from its log`);
  if (live === undefined) violate(`O9: the room of ${id} cannot be read`);
}

function judgeCopy(tab: Tab | undefined, id: string, shape: string, violate: Violate): void {
  const doc = tab?.documents.find(id as ConversationId)?.doc;
  if (tab === undefined || doc === undefined) return;
  if (hasPending(doc)) violate(`O3: ${tab.name} has something pending`);
  if (shapeOf(doc, canonicalContent(doc)) !== shape) violate(`O2: ${tab.name} differs from the log of ${id}`);
}

function judgeRuns(judged: Judged, conversation: ConversationDocument, id: string): void {
  const answers = [...conversation.messages()].filter((message) => message.role === "assistant");
  for (const mark of judged.ledger.all()) {
    if (mark.runId === undefined || mark.document !== id) continue;
    const written = answers.filter(({ run }) => run?.runId === mark.runId);
    judgeCalls(judged, mark, written.length);
    judgeStart(judged, mark, mark.runId);
    const [answer] = written;
    if (answer) judgeAnswer(judged, mark.name, mark.runId, answer);
    else if (loggedTextOf(judged.disk, mark.runId)) judged.violate(`P2: the answer to ${mark.name} is in no document`);
  }
}

function judgeCalls({ server, violate }: Judged, { name }: Mark, answers: number): void {
  const provided = server.provided.get(name);
  if (provided && provided.most > 1) violate(`O7: ${name} was being answered twice at once`);
  if (provided && provided.answered > 1) violate(`O7: ${name} was answered ${provided.answered} times`);
  if (answers > 1) violate(`O7: ${name} has ${answers} answers`);
}

function judgeStart({ disk, devices, violate }: Judged, mark: Mark, runId: string): void {
  const { name, stored, evicted, takenBack, expired } = mark;
  const started = disk.rows(`select id from run where id = ?`, runId).length > 0;
  if (stored && !evicted && !takenBack && !started && !expired) violate(`O7: ${name} was never started`);
  for (const code of refusalsOf(devices, runId))
    if (code !== "expired" || !expired) violate(`O7: ${name} was refused: ${code}`);
}

function judgeAnswer(
  { server, disk, devices, violate }: Judged,
  name: string,
  runId: string,
  answer: AssistantMessage,
) {
  const { text, run } = answer;
  const said = server.provided.get(name)?.text ?? "";
  const state = disk.rows<{ state: string }>(`select state from run where id = ?`, runId)[0]?.state;
  if ((loggedTextOf(disk, runId) ?? text) !== text) violate(`P2: the answer to ${name} is not what its log says`);
  if (!said.startsWith(text)) violate(`P2: the answer to ${name} is not what was said`);
  if (state === "completed" && said !== text) violate(`P2: the answer to ${name} lacks a token`);
  if (run?.status !== state) violate(`P2: the answer to ${name} is ${run?.status}, its run ${state}`);
  judgeFollowers(devices, runId, name, text, violate);
}

function judgeFollowers(devices: readonly Device[], runId: string, name: string, text: string, violate: Violate): void {
  for (const { tabs } of devices) {
    for (const tab of tabs) {
      const live = tab?.runs.live(runId);
      if (live && isTerminal(live.status) && live.text !== text)
        violate(`P2: ${tab?.name} read another answer to ${name}`);
    }
  }
}

const refusalsOf = (devices: readonly Device[], runId: string): Set<string> =>
  new Set(
    devices
      .flatMap(({ tabs }) => tabs.map((tab) => tab?.runs.delivery(runId)))
      .flatMap((delivery) => (delivery?.type === "refused" ? [delivery.code] : [])),
  );

/** Opens every device's store anew with the network gone: what is on the device is what it was told. */
async function judgeReload({ world, devices, ids, disk, context, rotten, violate }: Judged): Promise<void> {
  for (const device of devices) {
    const wasOpen = new Set(device.tabs.flatMap((tab) => [...(tab?.opened() ?? [])].map(({ id }) => id as string)));
    device.tabs.forEach((tab) => tab?.hide());
    await world.run(1_000);
    device.network.setDown(true);
    device.tabs.forEach((tab) => tab?.kill(true));
    const tab = openTab(context, device, () => "reload");
    device.tabs = [tab];
    for (const id of ids) tab.open(id);
    await world.run(3_000);
    // Wrong bytes that a tab stored and did not live to mend are found when they are opened with a server there.
    const sound = ids.filter((id) => wasOpen.has(id) && disk.headOf(id) > 0 && !rotten.has(id));
    for (const id of sound) judgeStored(tab, id, disk, violate);
  }
}

function judgeStored(tab: Tab, id: string, disk: Disk, violate: Violate): void {
  const truth = disk.document(id);
  const doc = tab.documents.find(id as ConversationId)?.doc;
  if (doc === undefined || shapeOf(doc, canonicalContent(doc)) !== shapeOf(truth, canonicalContent(truth)))
    violate(`O2: what ${tab.device.name} stored of ${id} differs from the log`);
}

const hasPending = (doc: Y.Doc): boolean => doc.store.pendingStructs !== null || doc.store.pendingDs !== null;

/** Lets time pass until a promise is settled, a minute at most. Answers what it came to, `undefined` for nothing. */
async function awaiting<T>(world: World, promise: Promise<T> | undefined): Promise<T | undefined> {
  const state: { settled: boolean; value?: T } = { settled: promise === undefined };
  promise?.then(
    (value) => Object.assign(state, { settled: true, value }),
    () => Object.assign(state, { settled: true }),
  );
  for (let waited = 0; waited < 60 && !state.settled; waited++) await world.run(1_000);
  return state.value;
}
