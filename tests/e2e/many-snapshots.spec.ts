import { expect } from "@playwright/test";
import { countStored } from "#tests/bench/profile.ts";
import { openSnapshotList } from "#tests/bench/snapshots-page.ts";
import { guestAt } from "#tests/support/guest.ts";
import { takeManySnapshots } from "#tests/support/many-snapshots.ts";
import { openServerProcess } from "#tests/support/server-process.ts";
import { openChatPage } from "./chat-page.ts";
import { test } from "./fixtures.ts";

const CHATS = 50;
const EACH = 100;
/** What a person may wait for a list, in ms. */
const LIST_MS = 300;

test("the list of 5,000 snapshots of 50 chats opens at once, and a word finds the oldest", async ({
  page,
  context,
}) => {
  test.setTimeout(240_000);
  const server = await openServerProcess();
  const chat = await openChatPage(page, server.url);
  const cookie = (await context.cookies()).map(({ name, value }) => `${name}=${value}`).join("; ");
  await takeManySnapshots(guestAt(server.url, cookie), { chats: CHATS, each: EACH });
  await expect.poll(() => countStored(page, "snapshots"), { timeout: 90_000 }).toBe(CHATS * EACH);
  await server.kill("SIGKILL");
  // The start of a page: everything is read from the device.
  await page.reload();
  await expect(chat.composer).toBeVisible();
  // Its code is fetched ahead, once the page has nothing else to do.
  await page.waitForFunction(() =>
    performance.getEntriesByType("resource").some(({ name }) => name.includes("/assets/snapshot-list-")),
  );
  const shown = await page.evaluate(openSnapshotList, { rows: 100, oldest: "c0d0" });
  process.stdout.write(`5,000 snapshots: rows after ${shown.rows} ms, the oldest found after ${shown.found} ms\n`);
  expect(shown.rows).toBeLessThanOrEqual(LIST_MS);
  await server.close();
});
