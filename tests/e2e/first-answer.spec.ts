import { expect } from "@playwright/test";
import { expectFocused } from "./chat-page.ts";
import { test } from "./fixtures.ts";

test.use({ connected: false });

test("a newcomer writes and the built-in guide answers, with no sign-up and no model", async ({ chat, app }) => {
  await expectFocused(chat.composer);
  await expect(chat.page.getByText("No model is connected yet", { exact: false })).toBeVisible();
  await chat.send("What happens when I go offline?");
  await expect(chat.button("Stop")).toBeHidden();
  await expect(chat.lastArticle).toContainText("offline", { ignoreCase: true });
  await expect(chat.articles).toHaveCount(2);
  await chat.saved();
  expect(app.provider.requests).toHaveLength(0);
});

test("an example prompt is one click away", async ({ chat }) => {
  await chat.button("How do I connect a model?").click();
  await chat.composer.press("Enter");
  await expect(chat.articles.first()).toContainText("How do I connect a model?");
  await expect(chat.articles).toHaveCount(2);
  await expect(chat.lastArticle).toContainText("OPENAI_API_KEY");
});

test("the answer is there after a reload, once", async ({ chat }) => {
  await chat.send("What does temperature mean?");
  await expect(chat.lastArticle).toContainText("Temperature");
  await expect(chat.button("Stop")).toBeHidden();
  await chat.saved();
  const text = await chat.copied(chat.lastArticle);
  await chat.page.reload();
  await expect(chat.articles).toHaveCount(2);
  expect(await chat.copied(chat.lastArticle)).toBe(text);
});

test("no request leaves for anywhere but the server", async ({ page, app }) => {
  const elsewhere: string[] = [];
  page.on("request", (request) => {
    if (!request.url().startsWith(app.url) && /^https?:/u.test(request.url())) elsewhere.push(request.url());
  });
  await page.goto(app.url);
  await page.getByRole("textbox", { name: "Message", exact: true }).fill("hello");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("article")).toHaveCount(2);
  expect(elsewhere).toEqual([]);
});
