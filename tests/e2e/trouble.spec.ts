import { expect } from "@playwright/test";
import type { Page } from "@playwright/test";
import { expectFocused, openSavedChat, withNetwork } from "./chat-page.ts";
import { test } from "./fixtures.ts";

const PHONE = { width: 390, height: 844 };

/** A server that refuses the rooms of one page for good (4422) while `refuses`. */
async function withRefusals(page: Page) {
  const server = { refuses: false };
  await page.routeWebSocket(/\/sync\b/u, (socket) => {
    if (server.refuses) void socket.close({ code: 4422 });
    else socket.connectToServer();
  });
  return server;
}

/** Makes every edit that is stored and not sent unreadable, as a failing disk does. */
const spoilEdits = (page: Page): Promise<number> =>
  page.evaluate(async () => {
    let spoiled = 0;
    for (const { name } of await indexedDB.databases()) {
      spoiled += await new Promise<number>((resolve, reject) => {
        const opening = indexedDB.open(name ?? "");
        opening.addEventListener("error", () => reject(new Error("the database does not open")));
        opening.addEventListener("success", () => {
          const database = opening.result;
          if (!database.objectStoreNames.contains("updates")) return resolve(0);
          let rows = 0;
          const transaction = database.transaction("updates", "readwrite");
          const walk = transaction.objectStore("updates").openCursor();
          walk.addEventListener("success", () => {
            if (!walk.result) return;
            walk.result.update({ ...walk.result.value, bytes: new Uint8Array([255, 255, 255]) });
            rows += 1;
            walk.result.continue();
          });
          transaction.addEventListener("complete", () => {
            database.close();
            resolve(rows);
          });
        });
      });
    }
    return spoiled;
  });

test("what the server does not take is said with what to do, and opening it again tries again", async ({
  page,
  app,
}) => {
  const server = await withRefusals(page);
  const chat = await openSavedChat(page, app.url, "tides and moons");
  server.refuses = true;
  await page.reload();
  await chat.composer.fill("kept here");
  await expect(chat.syncStatus).toHaveText("Can't save 1 item to the server");
  const advice = chat.library.getByRole("alert");
  await expect(advice).toContainText(
    "What you wrote is kept on this device. Open such a chat to copy it or to try again, or such a snapshot to read why.",
  );
  await expect(advice.getByRole("button")).toHaveCount(0);
  server.refuses = false;
  await page.reload();
  await chat.saved();
  await expect(chat.composer).toHaveValue("kept here");
  await expect(advice).toHaveCount(0);
});

test("what this device cannot read back is said until it is dismissed", async ({ page, app }) => {
  const network = await withNetwork(page);
  const chat = await openSavedChat(page, app.url, "tides and moons");
  await network.cut();
  await chat.composer.fill("words on a failing disk");
  await expect(chat.syncStatus).toContainText(/Offline – [1-9]/u);
  expect(await spoilEdits(page)).toBeGreaterThan(0);
  await page.context().setOffline(false); // the page itself has to come from somewhere; sync is still cut
  await page.reload();
  await network.restore();
  await expect(chat.syncStatus).toHaveText("Can't save 1 item to the server", { timeout: 20_000 });
  const advice = chat.library.getByRole("alert");
  await expect(advice).toContainText("This device can't read back all you wrote in 1 chat");
  await advice.getByRole("button", { name: "Dismiss" }).click();
  await chat.saved();
  await expect(chat.articles).toHaveCount(2);
});

test("a clipboard that refuses is said in words, not passed over", async ({ chat }) => {
  await chat.page.addInitScript(() =>
    Object.defineProperty(navigator, "clipboard", {
      value: { writeText: () => Promise.reject(new DOMException("denied", "NotAllowedError")) },
    }),
  );
  await chat.page.reload();
  await chat.send("tides and moons");
  await expect(chat.articles).toHaveCount(2);
  await chat.lastArticle.hover();
  await chat.lastArticle.getByRole("button", { name: "Copy", exact: true }).click();
  await expect(chat.page.getByText("The browser doesn't let Holdfast copy here.", { exact: false })).toBeVisible();
  await expect(chat.button("Copied")).toHaveCount(0);
});

test("while the library lies over the chat on a phone, the keyboard stays in it", async ({ chat }) => {
  const { page } = chat;
  await chat.send("tides and moons");
  await expect(chat.articles).toHaveCount(2);
  await page.setViewportSize(PHONE);
  await chat.button("Open library").click();
  await expectFocused(page.getByRole("searchbox", { name: "Search" }));
  await expect(page.locator("main")).toHaveAttribute("inert");
  for (let step = 0; step < 15; step += 1) {
    await page.keyboard.press("Tab");
    expect(await page.evaluate(() => document.activeElement?.closest("main") ?? null)).toBeNull();
  }
  await page.keyboard.press("Escape");
  await expectFocused(chat.button("Open library"));
  await expect(page.locator("main")).not.toHaveAttribute("inert");
  await chat.composer.focus();
  await expectFocused(chat.composer);
});

test("on a phone a sign beside Open library says what is wrong, leads to the status, and goes with the trouble", async ({
  page,
  app,
}) => {
  const network = await withNetwork(page);
  const chat = await openSavedChat(page, app.url, "tides and moons");
  await page.setViewportSize(PHONE);
  await expect(chat.syncStatus).toBeHidden();
  const sign = page.getByRole("main").getByRole("button", { name: /^Offline – / });
  await expect(sign).toHaveCount(0);
  await network.cut();
  await chat.composer.fill("kept here");
  await expect(sign).toBeVisible();
  await expect(page.getByRole("status", { name: "Announcements" })).toContainText("Offline");
  await page.screenshot({ path: "test-results/states/sign-phone-light.png" });
  await sign.click();
  await expect(chat.syncStatus).toContainText("Offline");
  await page.keyboard.press("Escape");
  await network.restore();
  await expect(sign).toHaveCount(0, { timeout: 20_000 });
  await page.setViewportSize({ width: 1280, height: 800 });
  await chat.saved();
});
