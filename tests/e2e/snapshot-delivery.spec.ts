import { expect } from "@playwright/test";
import type { BrowserContext, Page } from "@playwright/test";
import { checkFrozen, contentIdOf } from "#shared/domain/frozen-content.ts";
import { asFrozenMessage, asManifest, snapshotSchema, snapshotsSchema } from "#shared/protocol/snapshot-bodies.ts";
import { DELIVER_TAG } from "#client/platform/background-delivery.ts";
import { guestAt } from "#tests/support/guest.ts";
import type { Guest } from "#tests/support/guest.ts";
import { openTcpProxy } from "#tests/support/tcp-proxy.ts";
import { syncInBackground } from "./background-sync.ts";
import { chatPage, openSavedChat } from "./chat-page.ts";
import type { ChatPage } from "./chat-page.ts";
import { test as base } from "./fixtures.ts";
import type { App } from "./fixtures.ts";
import { untilInstalled } from "./installed-page.ts";
import { expectSealed, openSnapshot } from "./snapshot-steps.ts";

// What was taken without a network is delivered by the service worker while no tab is open. However that ends, the server
// has it once. The browser comes to the server through a network that can be cut, and that can lose an answer.

const POST = "POST /api/snapshots ";

/** What a page showed of a snapshot that the server did not have yet. */
interface Pending {
  url: string;
  id: string;
  contentId: string;
}

type Scene = ReturnType<typeof sceneOf>;
type Network = Awaited<ReturnType<typeof openTcpProxy>>;

const tabsOf = (context: BrowserContext, url: string): Page[] =>
  context.pages().filter((page) => page.url().startsWith(url));

function sceneOf({ server }: App, network: Network, context: BrowserContext) {
  /** the person, on a way to the server that is never cut */
  const person = async (): Promise<Guest> => {
    const cookies = await context.cookies();
    return guestAt(server.url, cookies.map(({ name, value }) => `${name}=${value}`).join("; "));
  };
  return {
    server,
    network,
    context,
    url: network.url,
    cutNetwork(): void {
      network.set({ type: "refuse" });
      network.cutAll("reset");
    },
    /** The server dies with whatever it was about to answer, and is there again. */
    async dieAndComeBack(): Promise<void> {
      await server.kill("SIGKILL");
      network.set({ type: "pass" });
      await server.restart();
    },
    /** how often a snapshot was sent */
    sent: (): number => network.requests().filter((line) => line.startsWith(POST)).length,
    sync: (): Promise<void> => syncInBackground(context, network.url),
    /** Closes the app: nothing of it is left but its service worker. */
    async closeTabs(): Promise<void> {
      for (const tab of tabsOf(context, network.url)) await tab.close();
      expect(tabsOf(context, network.url)).toEqual([]);
    },
    /** The numbers and ids of all snapshots the server has, newest first. */
    async stored() {
      const listed = await (await person()).fetch("/api/snapshots");
      const { snapshots } = snapshotsSchema.parse(await listed.json());
      return snapshots.map(({ id, number, contentId }) => ({ id, number, contentId }));
    },
    /** The content id of what the server gives out, once its hashes were found to be those of its messages. */
    async contentIdFor(id: string): Promise<string> {
      const read = snapshotSchema.parse(await (await (await person()).fetch(`/api/snapshots/${id}`)).json());
      const content = { manifest: asManifest(read.manifest), messages: read.messages.map(asFrozenMessage) };
      expect(content.messages.length).toBeGreaterThan(0);
      expect(checkFrozen(content).ok).toBe(true);
      return contentIdOf(content.manifest);
    },
  };
}

const test = base.extend<{ scene: Scene; chat: ChatPage }>({
  scene: async ({ app, ownBrowser }, provide) => {
    const network = await openTcpProxy(app.server.port);
    const context = await ownBrowser.start();
    // Whatever is not granted here is refused from now on.
    await context.grantPermissions(["background-sync", "clipboard-read", "clipboard-write"]);
    await provide(sceneOf(app, network, context));
    await context.close();
    await network.close();
  },
  /** a chat with a first snapshot, of which the server has all; the app is installed */
  chat: async ({ scene }, provide) => {
    const chat = await openSavedChat(await scene.context.newPage(), scene.url, "tides and moons");
    await untilInstalled(chat.page);
    await openSnapshot(chat, "Taken at home");
    await expectSealed(chat.page);
    await chat.page.goBack();
    await sendAndFinish(chat, "And on Mars?", 4);
    await chat.saved();
    await provide(chat);
  },
});

/** Sends a prompt and waits until its answer is finished: before that no snapshot is taken. */
async function sendAndFinish(
  { articles, lastArticle, send, button }: ChatPage,
  prompt: string,
  count: number,
): Promise<void> {
  await send(prompt);
  await expect(articles).toHaveCount(count);
  await expect(lastArticle).toContainText("A scripted answer.");
  await expect(button("Take snapshot")).not.toHaveAttribute("aria-description", /finished/u);
  await expect(button("Take snapshot")).toBeEnabled();
}

/** Takes the second snapshot of a chat, of which the server hears nothing. */
async function takeOffline(chat: ChatPage): Promise<Pending> {
  const { page } = chat;
  await openSnapshot(chat, "Taken on the train");
  await expect(page.getByRole("button", { name: "Snapshot 2 of 2" })).toBeVisible();
  await expect(page.getByText("It will be sealed when you're back.")).toBeVisible();
  await chat.button("Copy content id").click();
  await expect(chat.button("Copied")).toBeVisible();
  const contentId = await page.evaluate(() => navigator.clipboard.readText());
  expect(contentId).toMatch(/^[0-9a-f]{64}$/u);
  return { url: page.url(), id: new URL(page.url()).pathname.split("/")[2] ?? "", contentId };
}

/** The browser was asked to wake the worker once there is a network. */
const expectAskedForSync = (page: Page): Promise<void> =>
  expect
    .poll(() =>
      page.evaluate(async () => {
        const { sync } = (await navigator.serviceWorker.ready) as unknown as { sync: { getTags(): Promise<string[]> } };
        return sync.getTags();
      }),
    )
    .toContain(DELIVER_TAG);

/** The server has what was pending, and that once: the same content, under the number that was shown. */
async function expectStoredOnce(scene: Scene, { id, contentId }: Pending): Promise<void> {
  const stored = await scene.stored();
  expect(stored.map(({ number }) => number)).toEqual([2, 1]);
  expect(stored[0]).toEqual({ id, number: 2, contentId });
  expect(await scene.contentIdFor(id)).toBe(contentId);
}

/** A page that comes back has it sealed and nothing left to send; the next snapshot gets the next number. */
async function expectNextNumber(scene: Scene, { page, ...chat }: ChatPage, url: string): Promise<void> {
  await expect(page.getByRole("button", { name: "Snapshot 2 of 2" })).toBeVisible();
  await expectSealed(page);
  const sent = scene.sent();
  await page.goto(url);
  await chat.saved();
  expect(scene.sent()).toBe(sent);
  await sendAndFinish({ page, ...chat }, "And on Venus?", 6);
  await openSnapshot({ page, ...chat }, "Taken back home");
  await expectSealed(page);
  expect((await scene.stored()).map(({ number }) => number)).toEqual([3, 2, 1]);
}

/** When the server dies, counted from a delivery; it must not have answered. */
const MOMENTS: readonly { when: string; untilKilled: (scene: Scene, sent: number) => Promise<void> }[] = [
  {
    when: "as it is sent a snapshot",
    untilKilled: ({ network, sent }, before) => network.until(() => sent() > before),
  },
  {
    when: "when it has stored one and before anybody hears of it",
    async untilKilled({ network, stored }) {
      await network.until(() => network.held() === 1);
      expect((await stored()).map(({ number }) => number)).toEqual([2, 1]);
    },
  },
];

/** Takes a snapshot without a network, closes the app and has the worker send it; its answer is held back. */
async function sendByWorker(scene: Scene, chat: ChatPage) {
  const chatUrl = chat.page.url();
  scene.cutNetwork();
  const pending = await takeOffline(chat);
  await scene.closeTabs();
  scene.network.set({ type: "hold-answer", to: POST });
  const sent = scene.sent();
  await scene.sync();
  return { pending, chatUrl, sent };
}

/** Opens a tab while the worker waits for the answer to what it sent. */
async function openWhileDelivering(scene: Scene, chat: ChatPage) {
  const { pending, chatUrl, sent } = await sendByWorker(scene, chat);
  await scene.network.until(() => scene.network.held() === 1);
  const tab = chatPage(await scene.context.newPage());
  await tab.page.goto(pending.url);
  await expect(tab.page.getByRole("heading", { level: 1, name: "Taken on the train" })).toBeVisible();
  await expect(tab.syncStatus).toContainText("Saving");
  expect(scene.sent()).toBe(sent + 1);
  return { pending, tab, chatUrl, sent };
}

test.describe("with no tab open", { tag: "@background-sync" }, () => {
  test.setTimeout(120_000);

  test("P5: a snapshot taken while the server was away is delivered by the worker, as it was shown", async ({
    scene,
    chat,
  }) => {
    const chatUrl = chat.page.url();
    await scene.server.kill("SIGKILL");
    const pending = await takeOffline(chat);
    await expectAskedForSync(chat.page);
    await scene.closeTabs();
    await scene.server.restart();
    expect((await scene.stored()).map(({ number }) => number)).toEqual([1]);

    const sent = scene.sent();
    await scene.sync();
    await expect.poll(async () => (await scene.stored()).length, { timeout: 60_000 }).toBe(2);
    await expectStoredOnce(scene, pending);
    expect(scene.sent()).toBe(sent + 1);
    const again = chatPage(await scene.context.newPage());
    await again.page.goto(pending.url);
    await expectNextNumber(scene, again, chatUrl);
  });

  for (const { when, untilKilled } of MOMENTS)
    test(`P3, P5: killed ${when}, the server has it once after all, and the next one has the next number`, async ({
      scene,
      chat,
    }) => {
      const { pending, chatUrl, sent } = await sendByWorker(scene, chat);
      await untilKilled(scene, sent);
      await scene.dieAndComeBack();

      // The first time it is asked again the worker may still be busy with what failed.
      const lost = scene.sent();
      await expect(async () => {
        await scene.sync();
        await expect.poll(scene.sent, { timeout: 3_000 }).toBe(lost + 1);
      }).toPass();
      await expect.poll(async () => (await scene.stored()).length).toBe(2);
      await expectStoredOnce(scene, pending);
      const again = chatPage(await scene.context.newPage());
      await again.page.goto(pending.url);
      await expectNextNumber(scene, again, chatUrl);
    });
});

test.describe("a tab that opens while the worker delivers", { tag: "@background-sync" }, () => {
  test.setTimeout(120_000);

  test("waits for it, and sends nothing itself", async ({ scene, chat }) => {
    const { pending, tab, chatUrl, sent } = await openWhileDelivering(scene, chat);
    scene.network.set({ type: "pass" });
    await tab.saved();
    await expectStoredOnce(scene, pending);
    expect(scene.sent()).toBe(sent + 1);
    await expectNextNumber(scene, tab, chatUrl);
  });

  test("delivers in its place where that fails: the server has it once", async ({ scene, chat }) => {
    const { pending, tab, chatUrl, sent } = await openWhileDelivering(scene, chat);
    await scene.dieAndComeBack();
    // What the worker sent was never answered: if nothing waits any more, the tab was told.
    await expect.poll(scene.sent, { timeout: 60_000 }).toBeGreaterThan(sent + 1);
    await tab.saved();
    await expectStoredOnce(scene, pending);
    await expectNextNumber(scene, tab, chatUrl);
  });
});
