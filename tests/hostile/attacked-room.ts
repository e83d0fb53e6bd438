import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cpuUsage } from "node:process";
import * as Y from "yjs";
import { canonicalContent } from "#shared/documents/canonical-content.ts";
import { openConversation } from "#shared/documents/conversation.ts";
import type { AccountId, ConversationId, MessageId, WorkspaceId } from "#shared/domain/ids.ts";
import { createUuidV7 } from "#shared/lib/uuid.ts";
import { encodeFrame, parseFrame } from "#shared/protocol/sync-frames.ts";
import type { ClientFrame } from "#shared/protocol/sync-frames.ts";
import { foldLog } from "#server/rooms/compaction.ts";
import { createRoomDriver } from "#server/rooms/room-driver.ts";
import { readLog } from "#server/rooms/room-log.ts";
import { openDatabase } from "#server/storage/open-database.ts";
import type { SeededRandom } from "#tests/support/seeded-random.ts";
import { createAnnouncement } from "#tests/support/waiting.ts";

/** What became of an update. `broken` is one that passed the checks and then threw or left something pending. */
export type Verdict = "taken" | "unchanged" | "gap" | "denied" | "invalid" | "quota" | "broken" | "malformed";

export type AttackedRoom = Awaited<ReturnType<typeof openAttackedRoom>>;
type Peer = ReturnType<typeof createPeer>;

/** Processor time of this process so far, in ms. */
const processorMs = (): number => {
  const { user, system } = cpuUsage();
  return (user + system) / 1_000;
};

/**
 * The real room over the real SQLite store, in this process, with a victim who writes honestly and an attacker
 * who is another actor with the right to write. Sockets are left out; everything behind them is the product.
 */
export async function openAttackedRoom(random: SeededRandom) {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-hostile-"));
  const database = await openDatabase({ file: join(folder, "holdfast.sqlite") });
  const id = createUuidV7(1, random.bytes) as ConversationId;
  const key = { id, accountId: "owner" as AccountId, workspaceId: "workspace" as WorkspaceId };
  const notices: string[] = [];
  let now = 1_000_000;
  const log = {
    info: () => undefined,
    warn: (facts: object) => void notices.push(String((facts as { what?: unknown }).what)),
    error: (facts: object, message: string) => void notices.push(`${message} ${JSON.stringify(facts)}`),
  };
  const driver = createRoomDriver({
    key,
    database,
    clock: { now: () => now, after: () => () => undefined },
    random: random.next,
    log,
    fold: (folded) => Promise.resolve(foldLog(folded)),
    onNotice: () => undefined,
    onFeedMoved: () => undefined,
    onEnd: () => undefined,
  });
  const enter = (actor: string, mayWrite = true): Peer => createPeer(driver, actor, mayWrite);
  const victim = await openVictim(enter("account:victim"), random);
  await victim.write("first words ");
  const clocks = (): Map<number, number> => Y.decodeStateVector(Y.encodeStateVector(victim.doc));

  return {
    victim,
    notices,
    enter,
    clocks,
    /** Lets time pass, so that the room folds its log and looks after itself. */
    tick(): void {
      now += 60_000;
      driver.dispatch({ type: "tick" });
    },
    /**
     * Sends one update and waits for its fate; answers how much processor time the room took for it, in ms.
     * @param meanwhile what the victim types before it can hear of the update
     */
    async attack(peer: Peer, update: Uint8Array, meanwhile?: string): Promise<{ verdict: Verdict; ms: number }> {
      const noticed = notices.length;
      const stored = victim.updates();
      const before = processorMs();
      peer.send({ type: "update", update });
      const ms = processorMs() - before;
      const written = meanwhile === undefined ? undefined : victim.write(meanwhile);
      await peer.settled();
      await written;
      const notice = notices.slice(noticed).find((what) => VERDICTS.has(what));
      if (notice !== undefined) return { verdict: VERDICTS.get(notice) ?? "broken", ms };
      return { verdict: victim.updates() > stored ? "taken" : "unchanged", ms };
    },
    /** Every copy there is: the room's own, a fresh reader's, the victim's, and the log's. */
    async copies(): Promise<Record<string, Y.Doc>> {
      const reader = enter("account:victim");
      const fresh = new Y.Doc();
      reader.onUpdate((update) => Y.applyUpdate(fresh, update));
      reader.send({ type: "step1", stateVector: new Uint8Array([0]) });
      await reader.until(() => reader.state.synced);
      reader.leave();
      const read = await readLog(database, key);
      if (!read.ok) throw new Error(`the log is ${read.failure}`);
      const { checkpoint, tail } = read.value;
      const replayed = new Y.Doc();
      for (const bytes of checkpoint ? [checkpoint, ...tail] : tail) Y.applyUpdate(replayed, bytes);
      return { victim: victim.doc, "fresh reader": fresh, "log replay": replayed };
    },
    async close(): Promise<void> {
      const ended = new Promise<void>((resolve) => void driver.watch(() => resolve()));
      driver.dispatch({ type: "closing" });
      await ended;
      await database.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const VERDICTS = new Map<string, Verdict>([
  ["gap", "gap"],
  ["denied", "denied"],
  ["invalid", "invalid"],
  ["quota", "quota"],
  ["broken-update", "broken"],
  ["malformed", "malformed"],
]);

function createPeer(driver: ReturnType<typeof createRoomDriver>, actor: string, mayWrite: boolean) {
  const changes = createAnnouncement();
  const state = { sent: 0, acked: 0, nacked: 0, closed: undefined as number | undefined, synced: false };
  const listener: { hear?: (update: Uint8Array) => void } = {};
  const joining = { actor, epoch: 0, mayWrite, mayClaim: mayWrite, extended: true };
  const session = driver.join(joining, {
    send(bytes) {
      const frame = parseFrame(bytes);
      if (!frame.ok) throw new Error("the room sent what is no frame");
      if (frame.value.type === "ack") state.acked = frame.value.frames;
      if (frame.value.type === "nack") state.nacked += 1;
      if (frame.value.type === "step2" || frame.value.type === "update") listener.hear?.(frame.value.update);
      if (frame.value.type === "step2") state.synced = true;
      changes.announce();
    },
    close(code) {
      state.closed = code;
      changes.announce();
    },
    bufferedBytes: () => 0,
  });
  return {
    state,
    until: changes.until,
    onUpdate: (hear: (update: Uint8Array) => void) => void (listener.hear = hear),
    send(frame: ClientFrame): void {
      if (frame.type === "update" || frame.type === "step2") state.sent += 1;
      session.receive(encodeFrame(frame));
    },
    /** Resolves when every document frame has its fate, or the room closed the session. */
    settled: () => changes.until(() => state.acked === state.sent || state.closed !== undefined),
    leave: () => session.left(),
  };
}

/** Writes a message under one clientID, and types into its text under another, so that the text can be told apart. */
async function openVictim(peer: Peer, random: SeededRandom) {
  const doc = new Y.Doc();
  const typed = { text: "", updates: 0 };
  const messageId = createUuidV7(2, random.bytes);
  doc.clientID = 1_000_000_001;
  peer.onUpdate((update) => {
    typed.updates += 1;
    Y.applyUpdate(doc, update, "remote");
  });
  doc.on("update", (update: Uint8Array, origin: unknown) => {
    if (origin !== "remote") peer.send({ type: "update", update });
  });
  peer.send({ type: "step1", stateVector: new Uint8Array([0]) });
  await peer.until(() => peer.state.synced);
  const conversation = openConversation(doc, "victim");
  conversation.addPrompt({ id: messageId as MessageId, parentId: undefined, text: "", createdAt: 1 });
  await peer.settled();
  doc.clientID = VICTIM;
  const text = (doc.getMap("messages").get(messageId) as Y.Map<Y.Text>).get("text") as Y.Text;
  return {
    doc,
    state: peer.state,
    updates: () => typed.updates,
    typed: () => typed.text,
    /** Appends to what it typed; resolves when that is acknowledged. */
    async write(words: string): Promise<void> {
      // Where the victim stands, whatever others wrote around: after its own last character.
      const at = indexAfterLast(text, VICTIM);
      text.insert(at, words);
      typed.text += words;
      await peer.settled();
    },
  };
}

export const VICTIM = 2_000_000_002;

/** The visible characters somebody wrote, in the order they were written, wherever they stand now. */
export function textOf(doc: Y.Doc, client: number): string {
  const structs = doc.store.clients.get(client) ?? [];
  return structs
    .map((struct) =>
      struct instanceof Y.Item && !struct.deleted && struct.content instanceof Y.ContentString
        ? struct.content.str
        : "",
    )
    .join("");
}

function* itemsOf(text: Y.Text): Iterable<Y.Item> {
  // oxlint-disable-next-line no-underscore-dangle -- Yjs shows the list of its items under no other name
  for (let item = text._start; item !== null; item = item.right) yield item;
}

function indexAfterLast(text: Y.Text, client: number): number {
  let index = 0;
  let after = 0;
  for (const item of itemsOf(text)) {
    if (!item.deleted && item.countable) index += item.length;
    if (item.id.client === client) after = index;
  }
  return after;
}

/** Why two copies are not the same document; `undefined` where they are. */
export function difference(one: Y.Doc, other: Y.Doc): string | undefined {
  if (one.store.pendingStructs ?? one.store.pendingDs ?? other.store.pendingStructs ?? other.store.pendingDs)
    return "something is pending";
  if (canonicalContent(one) !== canonicalContent(other)) return "the content differs";
  return Y.equalSnapshots(Y.snapshot(one), Y.snapshot(other)) ? undefined : "state vector or deleted ranges differ";
}
