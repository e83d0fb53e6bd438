import { expect } from "@playwright/test";
import { answer } from "#tests/support/provider-behaviour.ts";
import { expectFocused, openChatPage, withHeldModels } from "./chat-page.ts";
import { test } from "./fixtures.ts";

const WORDS = Array.from({ length: 30 }, (_, i) => `${i === 0 ? "" : " "}w${i}`);

test("Stop aborts at the provider and keeps what was written", async ({ chat, app }) => {
  app.provider.script(answer(WORDS, { pace: "gated" }));
  await chat.send("count");
  await app.provider.release(6);
  await expect(chat.lastArticle).toContainText("w5");
  await chat.button("Stop").click();
  expect(await app.provider.requests[0]!.closed).toBe("aborted");
  await expect(chat.lastArticle).toContainText("You stopped this answer.");
  await expect(chat.button("Stop")).toBeHidden();
  await chat.page.reload();
  await expect(chat.lastArticle).toContainText("w5");
  await expect(chat.lastArticle).not.toContainText("w6");
});

test("Pause freezes what is shown, Resume shows the rest in one step", async ({ chat, app }) => {
  app.provider.script(answer(WORDS, { pace: "gated" }));
  await chat.send("count");
  await app.provider.release(6);
  await expect(chat.lastArticle).toContainText("w5");
  await chat.button("Pause").click();
  await app.provider.release(10);
  await expect(chat.button("Resume")).toBeVisible();
  await expect(chat.lastArticle).not.toContainText("w15");
  expect(app.provider.requests[0]!.outcome).toBeUndefined();
  await chat.button("Resume").click();
  await expect(chat.lastArticle).toContainText("w15");
  await app.provider.release(Number.POSITIVE_INFINITY);
  await expect(chat.lastArticle).toContainText("w29");
});

test("a prompt sent during an answer is queued, and goes out after it with the whole conversation", async ({
  chat,
  app,
}) => {
  app.provider.script(answer(WORDS, { pace: "gated" }), answer("the second answer"));
  await chat.send("first");
  await app.provider.release(3);
  await expect(chat.lastArticle).toContainText("w2");
  await chat.send("second");
  await expect(chat.log.getByText("Queued")).toBeVisible();
  expect(app.provider.requests).toHaveLength(1);
  await app.provider.release(Number.POSITIVE_INFINITY, 0);
  await expect(chat.log).toContainText("the second answer");
  const { messages } = app.provider.requests[1]!.body;
  expect(messages.filter(({ role }) => role !== "system").map(({ role }) => role)).toEqual([
    "user",
    "assistant",
    "user",
  ]);
  expect(JSON.stringify(messages)).toContain("w29");
});

test("several prompts wait in a row and are answered one after the other, each with all before it", async ({
  chat,
  app,
}) => {
  app.provider.script(answer("answer one", { pace: "gated" }), answer("answer two"), answer("answer three"));
  await chat.send("prompt one");
  await app.provider.release(1);
  await chat.send("prompt two");
  await chat.send("prompt three");
  await expect(chat.log.getByText("Queued")).toHaveCount(2);
  expect(app.provider.requests).toHaveLength(1);
  await app.provider.release(Number.POSITIVE_INFINITY, 0);
  await expect(chat.lastArticle).toContainText("answer three");
  await expect(chat.articles).toHaveCount(6);
  expect(app.provider.requests).toHaveLength(3);
  const words = app.provider.requests[2]!.body.messages.filter(({ role }) => role !== "system").map(
    (one) => one.content,
  );
  expect(words).toEqual(["prompt one", "answer one", "prompt two", "answer two", "prompt three"]);
});

test("a queued prompt can be cancelled: it is never sent", async ({ chat, app }) => {
  app.provider.script(answer(WORDS, { pace: "gated" }));
  await chat.send("first");
  await app.provider.release(3);
  await chat.send("never mind");
  await expect(chat.log.getByText("Queued")).toBeVisible();
  await chat.button("Cancel").click();
  await expect(chat.log.getByText("Queued")).toHaveCount(0);
  await app.provider.release(Number.POSITIVE_INFINITY, 0);
  await expect(chat.lastArticle).toContainText("w29");
  await expect(chat.button("Stop")).toBeHidden();
  await chat.saved();
  expect(app.provider.requests).toHaveLength(1);
});

test("Edit makes a new version with a new answer and keeps the old one", async ({ chat, app }) => {
  app.provider.script(answer("about cats"), answer("about dogs"));
  await chat.send("cats?");
  await expect(chat.lastArticle).toContainText("about cats");
  await chat.articles.first().hover();
  await chat.articles.first().getByRole("button", { name: "Edit", exact: true }).click();
  const editor = chat.page.getByRole("textbox", { name: "Edit message" });
  await expect(editor).toHaveValue("cats?");
  await editor.fill("dogs?");
  await editor.press("Enter");
  await expect(chat.lastArticle).toContainText("about dogs");
  await expect(chat.articles).toHaveCount(2);
  const sent = JSON.stringify(app.provider.requests[1]!.body.messages);
  expect(sent).toContain("dogs?");
  expect(sent).not.toContain("cats");
});

test("Regenerate asks once more for the same prompt", async ({ chat, app }) => {
  app.provider.script(answer("one way to say it"), answer("another way"));
  await chat.send("say it");
  await expect(chat.lastArticle).toContainText("one way to say it");
  await chat.lastArticle.hover();
  await chat.lastArticle.getByRole("button", { name: "Regenerate" }).click();
  await expect(chat.lastArticle).toContainText("another way");
  await expect(chat.articles).toHaveCount(2);
  expect(app.provider.requests[1]!.body.messages).toEqual(app.provider.requests[0]!.body.messages);
});

test("Shift+Enter breaks the line, Enter sends, and the text goes out as it was written", async ({ chat, app }) => {
  await chat.composer.pressSequentially("first line");
  await chat.composer.press("Shift+Enter");
  await chat.composer.pressSequentially("second line");
  await expect(chat.composer).toHaveValue("first line\nsecond line");
  await chat.composer.press("Enter");
  await expect(chat.composer).toHaveValue("");
  const request = await app.provider.request(0);
  expect(request.body.messages.at(-1)?.content).toBe("first line\nsecond line");
});

test("Enter while composing with an input method never sends", async ({ chat, app }) => {
  await chat.composer.fill("にほん");
  const enterWhileComposing = { key: "Enter", code: "Enter", isComposing: true, bubbles: true, cancelable: true };
  await chat.composer.dispatchEvent("compositionstart");
  await chat.composer.dispatchEvent("keydown", enterWhileComposing);
  await chat.composer.dispatchEvent("compositionend");
  await expect(chat.composer).toHaveValue("にほん");
  await expect(chat.articles).toHaveCount(0);
  await chat.composer.press("Enter");
  await app.provider.request(0);
  expect(app.provider.requests).toHaveLength(1);
});

test("nothing but white space is not sent", async ({ chat, app }) => {
  await chat.composer.fill("  \n ");
  await chat.composer.press("Enter");
  await expect(chat.articles).toHaveCount(0);
  expect(app.provider.requests).toHaveLength(0);
});

test("focus stays in the composer, and the quiet status speaks a few times, not per token", async ({ chat, app }) => {
  await chat.page.evaluate(() => {
    const counts = { changes: 0 };
    Object.assign(globalThis, { statusChanges: counts });
    const observer = new MutationObserver((records) => {
      for (const { target } of records) {
        const element = target instanceof Element ? target : target.parentElement;
        const live = element?.closest('[role="status"], [aria-live="polite"]');
        if (live !== null && live?.getAttribute("aria-label") !== "Sync status") counts.changes += 1;
      }
    });
    observer.observe(document.body, { subtree: true, childList: true, characterData: true });
  });
  app.provider.script(answer(WORDS, { pace: { everyMs: 20 } }));
  await chat.send("count");
  await expect(chat.lastArticle).toContainText("w29");
  await expect(chat.button("Stop")).toBeHidden();
  await expectFocused(chat.composer);
  const changes = await chat.page.evaluate(
    () => (globalThis as unknown as { statusChanges: { changes: number } }).statusChanges.changes,
  );
  expect(changes).toBeGreaterThan(0);
  expect(changes).toBeLessThanOrEqual(6);
});

test("chat settings go along with the next message", async ({ chat, app }) => {
  await chat.send("before");
  await expect(chat.articles).toHaveCount(2);
  await chat.button("Chat settings").click();
  const dialog = chat.page.getByRole("dialog", { name: "Chat settings" });
  await dialog.getByRole("textbox", { name: "System prompt" }).fill("Answer like a sailor.");
  const temperature = dialog.getByRole("spinbutton", { name: "Temperature" });
  await temperature.fill("0.3");
  await temperature.blur();
  await chat.page.keyboard.press("Escape");
  await expect(dialog).toBeHidden();
  await chat.send("after");
  const request = await app.provider.request(1);
  expect(request.body["temperature"]).toBe(0.3);
  expect(request.body.messages[0]?.content).toBe("Answer like a sailor.");
  expect(app.provider.requests[0]!.body).not.toHaveProperty("temperature");
});

test("Enter pressed before the list of models is here sends when it comes, unless the person wrote on", async ({
  page,
  app,
}) => {
  const releaseModels = await withHeldModels(page);
  const chat = await openChatPage(page, app.url);
  await chat.send("Hello at once");
  await expect(page.getByText("Your message goes out as soon as the list of models is here")).toBeVisible();
  await chat.composer.press("End");
  await chat.composer.pressSequentially(", or later");
  await expect(page.getByText("The list of models hasn't arrived yet.")).toBeVisible();
  await chat.button("Send").click();
  await expect(chat.button("Send")).toBeDisabled();
  await releaseModels();
  await expect(chat.prompts).toHaveText(/Hello at once, or later/u);
  await expect(chat.lastArticle).toContainText("A scripted answer.");
  await expect(chat.composer).toHaveValue("");
  expect(app.provider.requests).toHaveLength(1);
});

test("a wish to send ends when the person writes on: the same words again do not go out by themselves", async ({
  page,
  app,
}) => {
  const releaseModels = await withHeldModels(page);
  const chat = await openChatPage(page, app.url);
  await chat.send("Hi");
  await expect(page.getByText("Your message goes out as soon as the list of models is here")).toBeVisible();
  await chat.composer.press("End");
  await chat.composer.pressSequentially(", can you help");
  await releaseModels();
  await expect(chat.button("Send")).toBeEnabled();
  await chat.composer.fill("");
  await chat.composer.pressSequentially("Hi there");
  await expect(chat.composer).toHaveValue("Hi there");
  await chat.composer.press("Enter");
  await expect(chat.prompts).toHaveCount(1);
  await expect(chat.prompts).toContainText("Hi there");
});
