import { expect } from "@playwright/test";
import { chatPage, openChatPage, openSavedChat } from "./chat-page.ts";
import {
  countRecords,
  cutFromServer,
  databaseName,
  downloaded,
  holdDatabase,
  noteStatus,
  openBesideTheApp,
  releaseDatabase,
} from "./device.ts";
import { test } from "./fixtures.ts";

// A worker delivers what waits also where the page cannot reach the server.
test.use({ serviceWorkers: "block" });

/** Chromium goes on with the quota it knows for a while. */
const QUOTA_BITES_AFTER_MS = 35_000;
const CANNOT_SAVE = "Can't save on this device";

test(
  "A4: with no room left it says so, sync goes on from memory, an export holds the words, and room heals it",
  { tag: "@devtools" },
  async ({ page, app, secondDevice }) => {
    test.setTimeout(240_000);
    const chat = await openSavedChat(page, app.url, "tides and moons");
    const devtools = await page.context().newCDPSession(page);
    const setQuota = async (quotaSize: number): Promise<void> => {
      await devtools.send("Storage.overrideQuotaForOrigin", { origin: app.url, quotaSize });
      await page.waitForTimeout(QUOTA_BITES_AFTER_MS);
    };
    await setQuota(1_000);
    const said = await noteStatus(page);
    await chat.composer.fill("words with no room");
    await expect(chat.syncStatus).toHaveText(CANNOT_SAVE);
    const advice = chat.library.getByRole("alert");
    await expect(advice).toHaveText(
      "There is no room left for Holdfast on this device. Free some space, then try again.",
    );
    await expect(chat.library.getByText("The server has everything you wrote in this window.")).toBeVisible();
    const device = await secondDevice(page.url());
    await expect(device.composer).toHaveValue("words with no room");

    await app.server.kill("SIGKILL");
    await chat.composer.fill("words with no room, and no server");
    await expect(chat.library.getByText("1 chat has changes that are only in this window.")).toBeVisible();
    await expect(chat.library.getByText("or export them", { exact: false })).toBeVisible({ timeout: 40_000 });
    await page.screenshot({ path: "test-results/states/no-room-desktop-light.png" });
    await chat.button("Try again").click();
    await expect(chat.library.getByText("That didn't work yet.")).toBeVisible();
    const file = await downloaded(page, () => chat.button("Export…").click());
    expect(file.name).toMatch(/^holdfast-\d{4}-\d\d-\d\d\.json$/u);
    expect(file.content).toMatchObject({
      format: "holdfast.export",
      conversations: [
        {
          title: "tides and moons",
          draft: "words with no room, and no server",
          markdown: expect.stringContaining("A scripted answer.") as unknown,
          onServer: false,
        },
      ],
    });
    await expect(chat.library.getByText("Exported 1 chat.")).toBeVisible();
    expect([...new Set((await said()).slice(1))].filter((text) => !/^(Saving…|Can't save)/u.test(text))).toEqual([]);

    await setQuota(500_000_000);
    await expect(async () => {
      const tryAgain = chat.button("Try again");
      if (await tryAgain.isVisible()) await tryAgain.click();
      await expect(chat.syncStatus).toContainText(/Offline – [1-9]/u, { timeout: 2_000 });
    }).toPass({ timeout: 60_000 });
    await expect(advice).toHaveCount(0);
    await app.server.restart();
    await chat.saved();
    await cutFromServer(page);
    await page.reload();
    await expect(chat.composer).toHaveValue("words with no room, and no server");
  },
);

test(
  "A5: what the browser deleted is written again by itself; unsent words of chats that were not open are told to be lost",
  { tag: "@devtools" },
  async ({ page, app }) => {
    const chat = await openSavedChat(page, app.url, "tides and moons");
    const restore = await cutFromServer(page);
    await page.reload();
    for (let at = 1; at <= 7; at++) {
      await chat.button("New chat").click();
      await chat.composer.fill(`unsent draft ${at}`);
      await expect(chat.row(`unsent draft ${at}`)).toBeVisible();
    }
    await expect(chat.syncStatus).toContainText(/Offline – ([7-9]|\d\d)/u);
    // A fresh start shows the last one, has four open to be sent, and sends nothing.
    await page.goto(app.url);
    await expect(chat.row("unsent draft 7")).toBeVisible();
    await expect(chat.syncStatus).toContainText("Offline");
    await page.waitForTimeout(3_000);
    const devtools = await page.context().newCDPSession(page);
    await devtools.send("Storage.clearDataForOrigin", { origin: app.url, storageTypes: "indexeddb" });
    const notice = chat.library.getByRole("alert");
    await expect(notice).toContainText(
      "This browser deleted what was stored here. 2 chats had changes that were not sent yet.",
    );
    await restore();
    await chat.saved();
    await notice.getByRole("button", { name: "Dismiss" }).click();
    await expect(notice).toHaveCount(0);
    // The library is whole again, in the database too.
    await page.waitForTimeout(1_000);
    const again = await page.context().newPage();
    await cutFromServer(again);
    await again.goto(app.url);
    await expect(chatPage(again).row("tides and moons")).toBeVisible();
    await expect(chatPage(again).library.getByRole("link", { name: /^unsent draft/u })).toHaveCount(5);
  },
);

test("A6: a tab that a newer version takes over from steps aside, says so, still syncs, and writes nothing", async ({
  page,
  app,
  secondDevice,
}) => {
  const chat = await openSavedChat(page, app.url, "tides and moons");
  const name = await databaseName(page);
  const newer = await openBesideTheApp(page, app.url);
  await holdDatabase(newer, name, "next", true);
  const before = await countRecords(newer, name);
  await expect(chat.syncStatus).toHaveText(CANNOT_SAVE);
  await expect(chat.library.getByRole("alert")).toContainText(
    "Another tab has taken over what is stored on this device",
  );
  await chat.composer.fill("typed in the old tab");
  await expect(chat.library.getByText("The server has everything you wrote in this window.")).toBeVisible();
  const device = await secondDevice(page.url());
  await expect(device.composer).toHaveValue("typed in the old tab");
  expect(await countRecords(newer, name)).toEqual(before);
  await page.screenshot({ path: "test-results/states/superseded-desktop-light.png" });

  // This version comes back to a database of the newer one: it leaves that alone, and works with the server.
  await chat.button("Reload").click();
  await expect(chat.library.getByRole("alert")).toContainText(
    "was written by a newer version of Holdfast than this one",
  );
  await expect(chat.composer).toHaveValue("typed in the old tab");
  await chat.composer.fill("typed in the older app");
  await expect(device.composer).toHaveValue("typed in the older app");
  await expect(chat.library.getByText("The server has everything you wrote in this window.")).toBeVisible();
  expect(await countRecords(newer, name)).toEqual(before);
});

test("A6: a new version that an old tab keeps waiting works in memory, and goes on by itself when that tab is closed", async ({
  page,
  app,
  secondDevice,
}) => {
  await openSavedChat(page, app.url, "tides and moons");
  const name = await databaseName(page);
  const url = page.url();
  const old = await openBesideTheApp(page, app.url);
  await page.close();
  await holdDatabase(old, name, "this");
  const newer = await old.context().newPage();
  await newer.addInitScript(() => {
    const open = indexedDB.open.bind(indexedDB);
    indexedDB.open = (of, version) => open(of, version === undefined ? undefined : version + 1);
  });
  const next = await openChatPage(newer, url);
  await expect(next.syncStatus).toHaveText(CANNOT_SAVE);
  await expect(next.library.getByRole("alert")).toContainText("Another tab with an older version of Holdfast");
  await expect(next.articles).toHaveCount(2);
  await next.composer.fill("typed meanwhile");
  const device = await secondDevice(url);
  await expect(device.composer).toHaveValue("typed meanwhile");
  await releaseDatabase(old);
  await next.saved();
  await expect(next.library.getByRole("alert")).toHaveCount(0);
  await cutFromServer(newer);
  await newer.reload();
  await expect(next.composer).toHaveValue("typed meanwhile");
  await expect(next.articles).toHaveCount(2);
});

test.describe("a browser that keeps nothing", () => {
  const WAYS = {
    "has no IndexedDB": () => Object.defineProperty(globalThis, "indexedDB", { value: undefined }),
    throws: () => {
      indexedDB.open = () => {
        throw new DOMException("denied", "SecurityError");
      };
    },
  };
  for (const [way, script] of Object.entries(WAYS)) {
    test(`that ${way}: the app opens, works with the server, and says plainly that nothing is kept`, async ({
      page,
      app,
      secondDevice,
    }) => {
      await page.addInitScript(script);
      const chat = await openChatPage(page, app.url);
      await expect(chat.syncStatus).toHaveText(CANNOT_SAVE);
      await expect(chat.library.getByRole("alert")).toContainText("This browser keeps nothing for Holdfast");
      await chat.send("tides and moons");
      await expect(chat.lastArticle).toContainText("A scripted answer.");
      await expect(chat.library.getByText("The server has everything you wrote in this window.")).toBeVisible();
      const device = await secondDevice(page.url());
      await expect(device.articles).toHaveCount(2);
      await page.reload();
      await expect(chat.articles).toHaveCount(2);
      const file = await downloaded(page, () => chat.button("Export…").click());
      expect(file.content).toMatchObject({ conversations: [{ title: "tides and moons" }] });
    });
  }

  test("that never answers: it is said after a while, and its late answer is taken", async ({ page, app }) => {
    await page.addInitScript(() => {
      // An open waits in silence behind a deletion, which waits for a connection that does not step aside.
      const open = indexedDB.open.bind(indexedDB);
      const first = open("held", 1);
      first.addEventListener("success", () => {
        indexedDB.deleteDatabase("held");
        Object.assign(globalThis, { letOpen: () => first.result.close() });
      });
      // What the device is in the middle of is noted in a database of its own, which is not the one that hangs here.
      indexedDB.open = (name, ...rest) => (name.startsWith("holdfast:") ? open("held", 1) : open(name, ...rest));
    });
    const chat = await openChatPage(page, app.url);
    await expect(chat.syncStatus).toHaveText(CANNOT_SAVE);
    await expect(chat.library.getByRole("alert")).toContainText("The browser doesn't answer");
    await chat.send("tides and moons");
    await expect(chat.lastArticle).toContainText("A scripted answer.");
    await page.evaluate(() => (globalThis as unknown as { letOpen: () => void }).letOpen());
    await chat.saved();
    await expect(chat.library.getByRole("alert")).toHaveCount(0);
    expect((await countRecords(page, "held"))["documents"]).toBe(1);
  });
});
