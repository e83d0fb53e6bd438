import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { afterAll, beforeAll, expect, test } from "vitest";
import * as Y from "yjs";
import { openConversation } from "#shared/documents/conversation.ts";
import { freezeConversation } from "#shared/documents/freeze-conversation.ts";
import { openSnapshot } from "#shared/documents/snapshot.ts";
import { checkFrozen, contentIdOf } from "#shared/domain/frozen-content.ts";
import type { FrozenContent, FrozenMessage, Manifest } from "#shared/domain/frozen-content.ts";
import { snapshotSchema, snapshotsSchema } from "#shared/protocol/snapshot-bodies.ts";
import { accountAt } from "#tests/support/account.ts";
import type { Account } from "#tests/support/account.ts";
import { newId } from "#tests/support/attacked-server.ts";
import { signInGuest } from "#tests/support/guest.ts";
import { openServerProcess } from "#tests/support/server-process.ts";
import type { ServerProcess } from "#tests/support/server-process.ts";
import { addTurn } from "#tests/support/snapshot-scene.ts";
import { pause } from "./fault-scene.ts";

const ROUNDS = Number(process.env["KILL_ROUNDS"] ?? 8);

let server: ServerProcess;
let who: Account;
beforeAll(async () => {
  server = await openServerProcess({ env: { LIMITS: "off" } });
  who = await accountAt(server.url, (await signInGuest(server.url)).cookie);
}, 60_000);
afterAll(() => server?.close());

/** What a device froze without a network, of a chat that grows. */
function createDevice() {
  const conversation = openConversation(new Y.Doc(), "local");
  let leaf: string | undefined;
  return (): FrozenContent => {
    for (let turn = 0; turn < 20; turn++)
      leaf = addTurn(conversation, leaf, { question: "What now? ".repeat(20), answer: "This. ".repeat(200) });
    const frozen = freezeConversation(conversation, { author: who.me.accountId });
    if (!frozen.ok) throw new Error(frozen.failure);
    return frozen.value;
  };
}

/** What is stored of a snapshot right after the kill: everything, or nothing at all. */
function stored(id: string, content: FrozenContent): "whole" | "nothing" {
  const file = new Sqlite(join(server.dataDir, "holdfast.sqlite"), { readonly: true });
  try {
    const rows = file.prepare("select * from snapshot where id = ?").all(id) as { manifest: string; number: number }[];
    const updates = file.prepare("select bytes from doc_update where document_id = ?").pluck().all(id) as Uint8Array[];
    const places = file.prepare("select count(*) from feed where document_id = ?").pluck().get(id);
    const documents = file.prepare("select count(*) from document where id = ? and kind = 'snapshot'").pluck().get(id);
    const [row] = rows;
    if (row === undefined) {
      expect([documents, updates.length, places]).toEqual([0, 0, 0]);
      return "nothing";
    }
    expect([documents, updates.length, places]).toEqual([1, 1, 1]);
    const doc = new Y.Doc();
    for (const bytes of updates) Y.applyUpdate(doc, bytes);
    expect(openSnapshot(doc, "reader").summary()).toMatchObject({
      id,
      number: row.number,
      contentId: contentIdOf(content.manifest),
    });
    const bodies = content.messages.map((_, at) => content.messages[at + 1]?.previous ?? content.manifest.head);
    const messages = bodies.map((hash) =>
      file.prepare("select body from frozen_message where hash = ?").pluck().get(hash),
    );
    const whole = {
      manifest: JSON.parse(row.manifest) as Manifest,
      messages: messages.map((body) => JSON.parse(String(body)) as FrozenMessage),
    };
    expect(checkFrozen(whole).ok).toBe(true);
    return "whole";
  } finally {
    file.close();
  }
}

test("P3, P6: taken offline, delivered twice, killed half-way: one snapshot, the same content, the right number", async () => {
  const [grow, conversationId] = [createDevice(), newId()];
  const found = { whole: 0, nothing: 0, answered: 0 };
  /** how long the first delivery after a start takes, which nobody kills */
  let usualMs = 0;
  for (let round = 1; round <= ROUNDS; round++) {
    const content = grow();
    const body = { id: newId(), conversationId, title: `${round}`, ...content };
    const deliver = (): Promise<Response | undefined> =>
      who.send("POST", "/api/snapshots", body).catch(() => undefined);
    const began = performance.now();
    const first = deliver();
    if (round === 1) usualMs = await first.then(() => performance.now() - began);
    // From before it arrives until after it is answered.
    else await pause(usualMs * ((round - 1) / (ROUNDS - 1)) ** 2);
    await server.kill("SIGKILL");
    const answer = await first;
    const state = stored(body.id, content);
    found[state] += 1;
    if (answer?.ok) {
      found.answered += 1;
      expect(state).toBe("whole");
    }
    await server.restart();
    const again = await Promise.all([deliver(), deliver()]);
    const taken = await Promise.all(again.map(async (one) => snapshotSchema.parse(await one?.json())));
    for (const one of taken)
      expect(one).toMatchObject({ id: body.id, number: round, contentId: contentIdOf(content.manifest) });
  }
  const listed = snapshotsSchema.parse(await (await who.fetch(`/api/snapshots?conversation=${conversationId}`)).json());
  expect(listed.snapshots.map(({ number }) => number)).toEqual(Array.from({ length: ROUNDS }, (_, at) => ROUNDS - at));
  process.stdout.write(
    `killed around a snapshot ${ROUNDS} times (${usualMs.toFixed(0)} ms): ${JSON.stringify(found)}\n`,
  );
  // Kills on both sides of the commit, or it would show nothing.
  expect([found.whole > 0, found.nothing > 0]).toEqual([true, true]);
}, 180_000);
