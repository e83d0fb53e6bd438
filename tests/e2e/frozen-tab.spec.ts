import { expect } from "@playwright/test";
import { rendererOf } from "#tests/support/browser-processes.ts";
import { openChatPage, openSavedChat } from "./chat-page.ts";
import { test } from "./fixtures.ts";

// The worker shares the process of the tab that is frozen, and all tabs load their code through it.
test.use({ serviceWorkers: "block" });

/** longer than a connection is trusted in silence (C8), and than a look at the outbox is apart */
const FROZEN_MS = 30_000;

test(
  "A8: a tab that was frozen catches up, and overwrites nothing that was written meanwhile",
  { tag: "@renderer-process" },
  async ({ page, context, app, secondDevice }) => {
    // 30 s of it are the freeze; on a machine with five busy processes it took 108 s in all.
    test.setTimeout(240_000);
    const frozen = await openSavedChat(page, app.url, "tides and moons");
    await frozen.composer.fill("before the freeze");
    await frozen.saved();
    const other = await openChatPage(await context.newPage(), page.url());
    await expect(other.composer).toHaveValue("before the freeze");
    await page.bringToFront();
    const pid = await rendererOf(() =>
      page.evaluate(() => {
        const end = performance.now() + 1_000;
        while (performance.now() < end) JSON.stringify({ busy: end });
      }),
    );
    // Typed, and on its way when everything stops.
    await frozen.composer.press("End");
    await frozen.composer.pressSequentially("; typed as it froze");
    process.kill(pid, "SIGSTOP");
    let answers = false;
    const thawed = page.evaluate(() => 1).then(() => (answers = true));
    try {
      await other.page.bringToFront();
      await other.composer.press("Home");
      await other.composer.pressSequentially("meanwhile: ");
      await other.send(await other.composer.inputValue());
      // It may have been frozen in the middle of a write, which keeps other tabs from theirs.
      await expect(other.articles).toHaveCount(4, { timeout: 30_000 });
      await expect(other.lastArticle).toContainText("A scripted answer.");
      await other.composer.fill("a newer draft");
      await other.chooseFromMenu("tides and moons", "Pin");
      await expect(other.library.getByRole("heading", { name: "Pinned" })).toBeVisible();
      await other.page.waitForTimeout(FROZEN_MS);
      expect(answers).toBe(false);
    } finally {
      process.kill(pid, "SIGCONT");
    }
    await thawed;
    await page.bringToFront();
    await expect(frozen.articles).toHaveCount(4);
    await expect(frozen.prompts.last()).toContainText("meanwhile: before the freeze");
    await expect(frozen.composer).toHaveValue(/a newer draft/u);
    await expect(frozen.library.getByRole("heading", { name: "Pinned" })).toBeVisible();
    await frozen.saved();
    await other.saved();
    // Nothing stale came back: all copies hold the same, and so does the server.
    const draft = await frozen.composer.inputValue();
    await expect(other.composer).toHaveValue(draft);
    const device = await secondDevice(page.url());
    await expect(device.composer).toHaveValue(draft);
    await expect(device.articles).toHaveCount(4);
    await frozen.composer.press("End");
    await frozen.composer.pressSequentially(", and after the thaw");
    await expect(other.composer).toHaveValue(`${draft}, and after the thaw`);
    await page.reload();
    await expect(frozen.composer).toHaveValue(`${draft}, and after the thaw`);
    await expect(frozen.articles).toHaveCount(4);
  },
);
