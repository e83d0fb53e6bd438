import { expect } from "@playwright/test";
import { withNetwork, openSavedChat } from "./chat-page.ts";
import { test } from "./fixtures.ts";

test("P4: at the moment it says Saved, the server has it even if it dies right then", async ({
  chat,
  app,
  secondDevice,
}) => {
  await chat.send("a chat");
  await expect(chat.articles).toHaveCount(2);
  await chat.saved();
  await chat.composer.pressSequentially("worth keeping");
  await expect(chat.composer).toHaveValue("worth keeping");
  await chat.saved();
  await app.server.kill("SIGKILL");
  const url = chat.page.url();
  await chat.page.close();
  await app.server.restart();
  const device = await secondDevice(url);
  await expect(device.composer).toHaveValue("worth keeping");
});

test("P4: with the server gone it says Offline and counts what waits, never Saved", async ({ chat, app }) => {
  await chat.send("a chat");
  await expect(chat.articles).toHaveCount(2);
  await chat.saved();
  await app.server.kill("SIGKILL");
  await chat.composer.pressSequentially("x");
  await expect(chat.syncStatus).toContainText(/Offline – [1-9]\d* changes? on this device/u, { timeout: 40_000 });
  await expect(chat.syncStatus).not.toContainText("Saved");
  await app.server.restart();
  await chat.saved();
});

test("P4: Offline survives a reload of the truth: after it, Saved means delivered", async ({
  page,
  app,
  secondDevice,
}) => {
  const network = await withNetwork(page);
  const chat = await openSavedChat(page, app.url, "a chat");
  await network.cut();
  await chat.composer.pressSequentially("kept here");
  await expect(chat.syncStatus).toContainText("Offline");
  await network.restore();
  await chat.saved();
  const device = await secondDevice(page.url());
  await expect(device.composer).toHaveValue("kept here");
});

test("a message sent offline is queued, can be cancelled, and goes once when the network is back", async ({
  page,
  app,
}) => {
  const network = await withNetwork(page);
  const chat = await openSavedChat(page, app.url, "online");
  await network.cut();
  await expect(page.getByText("You're offline. Messages will be sent when you're back.")).toBeVisible();
  await chat.send("from the train");
  await expect(chat.log.getByText("Queued")).toBeVisible();
  await expect(chat.button("Cancel")).toBeVisible();
  await network.restore();
  await expect(chat.articles).toHaveCount(4, { timeout: 20_000 });
  await chat.saved();
  expect(app.provider.requests).toHaveLength(2);
});
