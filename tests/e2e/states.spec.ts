import { join } from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import { expect } from "@playwright/test";
import type { Page } from "@playwright/test";
import { CANARY, answer, refusals } from "#tests/support/provider-behaviour.ts";
import type { ChatPage } from "./chat-page.ts";
import { expectFocused } from "./chat-page.ts";
import { test } from "./fixtures.ts";
import type { App } from "./fixtures.ts";

// With UPDATE_SCREENSHOTS=1 the pictures of the documentation are taken anew.
const PICTURES = process.env["UPDATE_SCREENSHOTS"] === "1" ? "docs/images" : "test-results/states";

const RICH = [
  "## Why the tide turns",
  "The Moon pulls the near side of the sea **more** than the far side. Two bulges form, and the Earth turns below them.",
  "1. High water, about every 12 h 25 min\n2. Ebb\n3. Low water",
  "| Place | Range |\n| --- | --- |\n| Bay of Fundy | 16 m |\n| Mediterranean | 0.3 m |",
  "```ts\nconst period = 12.42; // hours\nexport const next = (last: number) => last + period;\n```",
  "> Time and tide wait for no one.",
].join("\n\n");

const LOOKS = [
  { name: "desktop-light", width: 1280, height: 800, scheme: "light" },
  { name: "desktop-dark", width: 1280, height: 800, scheme: "dark" },
  { name: "phone-light", width: 390, height: 844, scheme: "light" },
  { name: "phone-dark", width: 390, height: 844, scheme: "dark" },
] as const;

const STATES: Record<string, (chat: ChatPage, app: App) => Promise<void>> = {
  async empty(chat) {
    await expectFocused(chat.composer);
  },
  async streaming(chat, app) {
    app.provider.script(answer(RICH, { pace: "gated" }));
    await chat.send("How do tides work?");
    await app.provider.release(60);
    await expect(chat.lastArticle).toContainText("The Moon pulls");
  },
  async full(chat, app) {
    app.provider.scriptOtherwise(answer(RICH));
    for (const prompt of ["How do tides work?", "And on the Moon itself?"]) {
      await chat.send(prompt);
      await expect(chat.lastArticle).toContainText("Time and tide");
      await expect(chat.button("Stop")).toBeHidden();
    }
    await chat.saved();
  },
  async failed(chat, app) {
    app.provider.script(refusals.badKey());
    await chat.send("How do tides work?");
    await expect(chat.page.getByText("The provider refused the key this server uses.")).toBeVisible();
    await expect(chat.page.getByText(CANARY)).toHaveCount(0);
  },
  async interrupted(chat, app) {
    app.provider.script(answer(RICH, { ending: { type: "cut", after: 40 } }));
    await chat.send("How do tides work?");
    await expect(chat.page.getByText("The answer was interrupted.").first()).toBeVisible();
    await expect(chat.button("Continue")).toBeVisible();
  },
  async "rate-limited"(chat, app) {
    app.provider.script(refusals.rateLimited({ "retry-after": "600" }));
    await chat.send("How do tides work?");
    await expect(chat.page.getByText("takes no more requests", { exact: false })).toBeVisible();
  },
  async offline(chat, app) {
    await chat.send("How do tides work?");
    await expect(chat.articles).toHaveCount(2);
    await chat.saved();
    await chat.page.context().setOffline(true);
    await app.server.kill("SIGKILL");
    await chat.composer.fill("What about lakes?");
    await expect(chat.page.getByText("You're offline.", { exact: false })).toBeVisible();
  },
  async trash(chat) {
    for (const prompt of ["How do tides work?", "Why is the sky dark at night, and why does it look so near?"]) {
      await chat.button("New chat").click();
      await chat.send(prompt);
      await expect(chat.articles).toHaveCount(2);
      await chat.saved();
      await chat.chooseFromMenu(prompt, "Delete");
      await expect(chat.row(prompt)).toHaveCount(0);
    }
    await chat.library.getByRole("link", { name: "Trash" }).click();
    await expect(chat.button("Erase How do tides work?")).toBeVisible();
  },
  async "trash-empty"(chat) {
    await chat.library.getByRole("link", { name: "Trash" }).click();
    await expect(chat.page.getByText("The trash is empty")).toBeVisible();
  },
  async "trash-erase"(chat) {
    await chat.send("How do tides work?");
    await expect(chat.articles).toHaveCount(2);
    await chat.chooseFromMenu("How do tides work?", "Delete");
    await chat.library.getByRole("link", { name: "Trash" }).click();
    await chat.button("Empty trash").click();
    await expect(chat.page.getByRole("dialog", { name: "Empty the trash?" })).toBeVisible();
  },
};

async function expectAccessible(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const grave = violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(" ")).join(", ")}`);
  expect(grave).toEqual([]);
}

/** A page that scrolls sideways is cut off on a phone. */
async function expectNoSidewaysScroll(page: Page): Promise<void> {
  const overflow = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  expect(overflow).toBe(0);
}

for (const [state, enter] of Object.entries(STATES)) {
  test(`${state}: looks as it should everywhere, and axe finds nothing serious`, async ({ chat, app }) => {
    const { page } = chat;
    await enter(chat, app);
    for (const { name, width, height, scheme } of LOOKS) {
      await page.setViewportSize({ width, height });
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
      await expectNoSidewaysScroll(page);
      await page.screenshot({ path: join(PICTURES, `${state}-${name}.png`), animations: "disabled" });
      await expectAccessible(page);
    }
  });
}

test("library sheet and dialogs: axe finds nothing serious, and focus comes back", async ({ chat }) => {
  const { page } = chat;
  await chat.send("How do tides work?");
  await expect(chat.articles).toHaveCount(2);
  await chat.button("Chat settings").click();
  await expect(page.getByRole("dialog", { name: "Chat settings" })).toBeVisible();
  await page.screenshot({ path: join(PICTURES, "settings-desktop-light.png"), animations: "disabled" });
  await expectAccessible(page);
  await page.keyboard.press("Escape");
  await expectFocused(chat.button("Chat settings"));
  await page.setViewportSize({ width: 390, height: 844 });
  await chat.button("Open library").click();
  await expect(chat.row("How do tides work?")).toBeVisible();
  await page.screenshot({ path: join(PICTURES, "library-phone-light.png"), animations: "disabled" });
  await expectAccessible(page);
});

test("at 320 px and with 200 % text nothing is cut off", async ({ chat, app }) => {
  app.provider.script(answer(RICH));
  await chat.send("How do tides work?");
  await expect(chat.lastArticle).toContainText("Time and tide");
  await chat.page.setViewportSize({ width: 320, height: 640 });
  await expectNoSidewaysScroll(chat.page);
  await chat.page.setViewportSize({ width: 640, height: 800 });
  await chat.page.addStyleTag({ content: "html { font-size: 200% }" });
  await expectNoSidewaysScroll(chat.page);
});
