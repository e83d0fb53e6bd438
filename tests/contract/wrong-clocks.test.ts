import "fake-indexeddb/auto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { libraryEntries, withFeedEntry, withLocal } from "#client/local-store/library-state.ts";
import type { SummaryRecord } from "#client/local-store/local-store.ts";
import { openConversation } from "#shared/documents/conversation.ts";
import type { AccountId, ConversationId, WorkspaceId } from "#shared/domain/ids.ts";
import { assert } from "#shared/lib/assert.ts";
import { createUuidV7 } from "#shared/lib/uuid.ts";
import { feedSchema } from "#shared/protocol/feed-bodies.ts";
import type { AccountPrincipal } from "#server/access/principal.ts";
import type { AppEnv } from "#server/http/app-env.ts";
import { feedRoutes } from "#server/http/feed.ts";
import { openRooms } from "#server/rooms/open-rooms.ts";
import { openDatabase } from "#server/storage/open-database.ts";
import { createSeededRandom } from "#tests/support/seeded-random.ts";
import { Hono } from "hono";
import * as Y from "yjs";

const DAY_MS = 24 * 60 * 60 * 1000;
const random = createSeededRandom(9);
const ann: AccountPrincipal = {
  kind: "account",
  accountId: "ann" as AccountId,
  workspaceId: "anns" as WorkspaceId,
  role: "owner",
  credential: { type: "session", sessionId: "session" },
};
const log = { info: () => undefined, warn: () => undefined, error: () => undefined };

test("A9: with clocks a day ahead, a day behind and set back, the feed and the library go by the order in which the server stored", async () => {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-clocks-"));
  const database = await openDatabase({ file: join(folder, "holdfast.sqlite") });
  let serverNow = Date.UTC(2026, 0, 10);
  let steady = 0;
  const timers = new Set<() => void>();
  const clock = {
    now: () => serverNow,
    steady: () => steady,
    after(_ms: number, run: () => void) {
      timers.add(run);
      return () => void timers.delete(run);
    },
  };
  const rooms = openRooms({ database, clock, random: random.next, log });
  const tick = (): void => {
    steady += 500;
    const due = [...timers];
    timers.clear();
    for (const run of due) run();
  };
  const app = new Hono<AppEnv>();
  app.use(async (c, next) => {
    c.set("principal", ann);
    await next();
  });
  app.route("/feed", feedRoutes(database));
  const feed = async (cursor: number) => feedSchema.parse(await (await app.request(`/feed?cursor=${cursor}`)).json());

  /** Writes a chat on a device whose clock is off by so much. */
  async function write(title: string, offset: number): Promise<ConversationId> {
    const deviceNow = serverNow + offset;
    const id = createUuidV7(deviceNow, random.bytes) as ConversationId;
    const doc = new Y.Doc();
    openConversation(doc, "device").rename(title);
    const answer = await rooms.push(ann, { id, epoch: 0, update: Y.encodeStateAsUpdate(doc) });
    expect(answer).toEqual({ type: "acknowledged", headSeq: 1 });
    return id;
  }

  await write("first, from a clock a day ahead", DAY_MS);
  const cursor = (await feed(0)).cursor;
  serverNow += 1_000;
  await write("second, from a clock a day behind", -DAY_MS);
  // The server's own clock is set back a day: whoever read the feed up to here still hears of what comes.
  serverNow -= DAY_MS;
  await write("third, after the server's clock was set back", 0);
  tick();

  const { entries } = await feed(cursor);
  expect(entries.map(({ summary }) => summary.title)).toEqual([
    "second, from a clock a day behind",
    "third, after the server's clock was set back",
  ]);
  const seqs = (await feed(0)).entries.map(({ feedSeq }) => feedSeq);
  expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));

  // A summary made here by a clock that is a day ahead gives way once the server has it.
  const [entry] = entries;
  assert(entry?.kind === "conversation", "an entry of a chat");
  const id = entry.id as ConversationId;
  const summary = { ...entry.summary, title: "typed here" };
  const record: SummaryRecord = withLocal(id, undefined, {
    summary,
    changedAt: serverNow + 3 * DAY_MS,
    headSeq: entry.headSeq,
  });
  const settled = withFeedEntry(record, entry);
  expect(libraryEntries(new Map([[id, settled]]))[0]).toMatchObject({
    activityAt: entry.activityAt,
    summary: { title: entry.summary.title },
  });
  await rooms.close();
  await database.close();
  await rm(folder, { recursive: true, force: true });
});
