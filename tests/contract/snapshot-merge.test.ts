import { afterAll, beforeAll, expect, test } from "vitest";
import * as Y from "yjs";
import { openConversation } from "#shared/documents/conversation.ts";
import { freezeConversation } from "#shared/documents/freeze-conversation.ts";
import { FROZEN_FORMAT } from "#shared/domain/frozen-content.ts";
import type { AccountId, SnapshotId, WorkspaceId } from "#shared/domain/ids.ts";
import { snapshotSchema } from "#shared/protocol/snapshot-bodies.ts";
import type { AccountPrincipal } from "#server/access/principal.ts";
import { openGuestMerge } from "#server/jobs/guest-merge.ts";
import { createLog } from "#server/observability/log.ts";
import { openRooms } from "#server/rooms/open-rooms.ts";
import type { Rooms } from "#server/rooms/rooms.ts";
import { systemClock } from "#server/runs/clock.ts";
import { openSnapshotService } from "#server/snapshots/snapshot-service.ts";
import type { SnapshotService } from "#server/snapshots/snapshot-service.ts";
import { allTables } from "#tests/support/all-tables.ts";
import { openSignInApp } from "#tests/support/sign-in-app.ts";
import type { Browser, SignInApp } from "#tests/support/sign-in-app.ts";
import { addTurn, newId } from "#tests/support/snapshot-scene.ts";

let app: SignInApp;
let rooms: Rooms;
let snapshots: SnapshotService;
const log = createLog("silent", { write: () => undefined });

beforeAll(async () => {
  app = await openSignInApp();
  rooms = openRooms({ database: app.database, clock: systemClock, random: Math.random, log });
  snapshots = openSnapshotService({ database: app.database, rooms, clock: systemClock, random: Math.random });
});
afterAll(async () => {
  await rooms.close();
  await app.close();
});

async function principalOf(browser: Browser): Promise<AccountPrincipal> {
  const { accountId, workspaceId, kind } = await browser.me();
  return {
    kind,
    accountId: accountId as AccountId,
    workspaceId: workspaceId as WorkspaceId,
    role: "owner",
    credential: { type: "session", sessionId: "s" },
  };
}

/** A conversation that is nowhere, as a file holds it that both have imported: so many turns of it. */
function aFile() {
  const conversationId = newId();
  const conversation = openConversation(new Y.Doc(), "file");
  let leaf: string | undefined;
  for (let turn = 0; turn < 4; turn++) leaf = addTurn(conversation, leaf, { question: `Q${turn}`, answer: `A${turn}` });
  const frozen = freezeConversation(conversation, { author: "author" });
  if (!frozen.ok) throw new Error(frozen.failure);
  const { messages, manifest } = frozen.value;
  return {
    conversationId,
    /** the first `count` messages, as a command takes them */
    upTo(count: number) {
      const some = messages.slice(0, count);
      const head = messages[count]?.previous ?? manifest.head;
      return { manifest: { ...manifest, format: FROZEN_FORMAT, messageCount: count, head }, messages: some };
    },
  };
}

async function take(who: AccountPrincipal, conversationId: string, content: object): Promise<string> {
  const id = newId();
  const taken = await snapshots.take(who, { id, conversationId, ...content });
  expect(taken).toMatchObject({ ok: true });
  return id;
}

async function read(who: AccountPrincipal, id: string) {
  const found = await snapshots.read(who, id as SnapshotId);
  if (!found.ok) return undefined;
  const { summary, manifest, messages } = found.value;
  return snapshotSchema.parse({
    ...(JSON.parse(summary) as object),
    manifest: JSON.parse(manifest) as object,
    messages: messages.map((text) => JSON.parse(text) as object),
  });
}

test("a guest's snapshots become the account's with all they hold, none lost or doubled, each with a number of its own", async () => {
  const [guestBrowser, accountBrowser] = [app.browser(), app.browser()];
  await guestBrowser.becomeGuest();
  await accountBrowser.signUp();
  const [guest, account] = await Promise.all([principalOf(guestBrowser), principalOf(accountBrowser)]);
  const [shared, own] = [aFile(), aFile()];
  const mine = [
    await take(account, shared.conversationId, shared.upTo(4)),
    await take(account, shared.conversationId, shared.upTo(6)),
  ];
  const theirs = [
    await take(guest, shared.conversationId, shared.upTo(2)),
    await take(guest, shared.conversationId, shared.upTo(8)),
    await take(guest, own.conversationId, own.upTo(8)),
    await take(guest, own.conversationId, own.upTo(4)),
  ];
  const before = new Map(
    await Promise.all(
      [...mine, ...theirs].map(
        async (id) => [id, (await read(mine.includes(id) ? account : guest, id))?.messages] as const,
      ),
    ),
  );
  const place = (await snapshots.series(account, [{ conversationId: shared.conversationId, after: 0 }]))[0]?.after ?? 0;

  const merge = openGuestMerge({
    database: app.database,
    bus: { publish: () => undefined },
    rooms,
    runs: { rehomed: () => undefined },
    clock: systemClock,
    createWorkspaceId: newId,
    log,
  });
  await merge.merge(guest.accountId, account.accountId);
  await merge.close();

  const after = await Promise.all([...mine, ...theirs].map((id) => read(account, id)));
  expect(after.map((one) => one?.messages)).toEqual([...mine, ...theirs].map((id) => before.get(id)));
  expect(await Promise.all(theirs.map((id) => read(guest, id)))).toEqual(theirs.map(() => undefined));
  const numbersIn = (conversationId: string) =>
    after.filter((one) => one?.conversationId === conversationId).map((one) => one?.number);
  expect(numbersIn(shared.conversationId).slice(0, 2)).toEqual([1, 2]);
  expect(new Set(numbersIn(shared.conversationId))).toEqual(new Set([1, 2, 3, 4]));
  expect(numbersIn(own.conversationId)).toEqual([1, 2]);
  const rows = await allTables(app.database).selectFrom("frozen_message").selectAll().execute();
  expect(rows.filter(({ owner_id }) => owner_id === guest.accountId)).toEqual([]);
  expect(new Set(rows.map(({ hash }) => hash)).size).toBe(rows.length);
  expect(rows).toHaveLength(16);
  // A device that has what the account had is told of the rest.
  const [rest] = await snapshots.series(account, [{ conversationId: shared.conversationId, after: place }]);
  expect(rest?.messages).toHaveLength(2);
  // Its document says the same as its row.
  for (const one of after)
    expect((await snapshots.change(account, one?.id as SnapshotId, { title: "Seen" })).ok).toBe(true);
  expect((await Promise.all(theirs.map((id) => read(account, id)))).map((one) => one?.number)).toEqual(
    after.slice(2).map((one) => one?.number),
  );
});
