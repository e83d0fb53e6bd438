import * as Y from "yjs";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { MessageId } from "#shared/domain/ids.ts";
import { conversationRoom, newId, openAttackedServer } from "#tests/support/attacked-server.ts";
import type { AttackedServer } from "#tests/support/attacked-server.ts";
import { signInGuest } from "#tests/support/guest.ts";
import type { Guest } from "#tests/support/guest.ts";
import { openNodeDevice } from "#tests/support/node-device.ts";
import type { NodeDevice } from "#tests/support/node-device.ts";
import { createSeededRandom, hostileSeed } from "#tests/support/seeded-random.ts";
import { difference, textOf } from "./attacked-room.ts";
import { base64 } from "./harm.ts";
import { createHostileUpdates } from "./hostile-updates.ts";
import { openRawPeer } from "./raw-peer.ts";

const SEED = hostileSeed();
const UPDATES = Math.max(100, Number(process.env["HOSTILE"] ?? 1_500) / 10);
const RSS_GROWTH_MB = 250;
const OWN = [3_000_000_003, 3_500_000_035];

let target: AttackedServer;
let account: Guest;
let device: NodeDevice;
const id = newId();
const room = conversationRoom(id);
const answerId = newId();

/** The device has a prompt and the relay's answer to it; the clientID of the relay is bound to another actor. */
beforeAll(async () => {
  target = await openAttackedServer();
  account = await signInGuest(target.url);
  device = openNodeDevice(target.url, account.cookie, room);
  const promptId = newId();
  const token = device.edit((conversation) =>
    conversation.addPrompt({ id: promptId as MessageId, parentId: undefined, text: "What?", createdAt: 1 }),
  );
  await device.until(() => device.settled() >= token);
  const body = {
    conversationId: id,
    parentMessageId: promptId,
    messageId: answerId,
    model: "openai/scripted-1",
    parameters: {},
  };
  const headers = { "content-type": "application/json", accept: "text/event-stream" };
  const run = await account.fetch(`/api/runs/${newId()}`, { method: "PUT", headers, body: JSON.stringify(body) });
  await run.text();
  await device.until(() => answerOf(device) === "An answer.");
});
afterAll(async () => {
  device?.close();
  await target?.close();
});

const answerOf = (one: NodeDevice): string | undefined => one.conversation.message(answerId)?.text;
const relayId = (): number =>
  target.database
    .prepare("select client_id from doc_client where document_id = ? and actor_id = 'relay'")
    .pluck()
    .get(id) as number;

const bytesOf = (sql: string): { bytes: Uint8Array }[] =>
  target.database.prepare(sql).all(id) as { bytes: Uint8Array }[];

/** Every update that is stored, applied to an empty document. */
function replayed(): Y.Doc {
  const doc = new Y.Doc();
  const checkpoint = bytesOf(
    "select bytes from doc_checkpoint where document_id = ? order by through_seq desc limit 1",
  );
  const rows = bytesOf("select bytes from doc_update where document_id = ? order by seq");
  for (const { bytes } of [...checkpoint, ...rows]) Y.applyUpdate(doc, new Uint8Array(bytes));
  return doc;
}

test(
  `O2, O3, L4: ${UPDATES} hostile updates over a real socket leave the words of the victim and the relay (seed ${SEED})`,
  { timeout: 60_000 + UPDATES * 150 },
  async () => {
    const random = createSeededRandom(SEED);
    const { doc } = device.conversation;
    const clocks = (): Map<number, number> => Y.decodeStateVector(Y.encodeStateVector(doc));
    const hostile = createHostileUpdates(random, { own: OWN, foreign: [relayId()], texts: [], clocks }, doc);
    const counts: Record<string, number> = {};
    const rss = target.memory("VmRSS");
    let [typed, worst, peer] = ["", 0, await openRawPeer(target.url, account.cookie, room)];
    const title = (words: string) => device.edit((conversation) => conversation.rename(words));
    for (let i = 0; i < UPDATES; i++) {
      if (peer.state.closed !== undefined) peer = await openRawPeer(target.url, account.cookie, room);
      const { origin, update } = hostile.next();
      const { acked, codes } = peer.state;
      const nacked = codes.length;
      const at = performance.now();
      peer.update(update);
      typed = `title ${i}`;
      const token = title(typed);
      await peer.until(() => peer.state.closed !== undefined || peer.state.acked > acked);
      await device.until(() => device.settled() >= token);
      worst = Math.max(worst, performance.now() - at);
      const verdict = peer.state.closed ?? codes[nacked] ?? "taken or unchanged";
      counts[verdict] = (counts[verdict] ?? 0) + 1;
      expect([1006, 1013, 4503], `${origin} ${base64(update)}`).not.toContain(peer.state.closed);
    }
    peer.socket.terminate();
    const fresh = openNodeDevice(target.url, account.cookie, room);
    await fresh.until(fresh.arrived);
    expect(difference(doc, fresh.conversation.doc)).toBeUndefined();
    expect(difference(doc, replayed())).toBeUndefined();
    expect(fresh.conversation.summary().title).toBe(typed);
    expect(textOf(fresh.conversation.doc, relayId())).toBe("An answer.");
    expect(device.refused()).toEqual([]);
    fresh.close();
    await target.expectUnharmed();
    const grown = target.memory("VmRSS") - rss;
    process.stdout.write(
      `hostile updates over a socket, seed ${SEED}: ${JSON.stringify(counts)}; slowest ${worst.toFixed(0)} ms there and back, RSS +${grown} MB\n`,
    );
    expect(grown).toBeLessThan(RSS_GROWTH_MB);
  },
);
