import { expect } from "@playwright/test";
import type { BrowserContext, Page } from "@playwright/test";
import { chatPage, openChatPage, openSavedChat } from "./chat-page.ts";
import type { ChatPage } from "./chat-page.ts";
import { test } from "./fixtures.ts";
import { untilInstalled } from "./installed-page.ts";
import type { App } from "./fixtures.ts";

/** The ways a network goes, and comes back. `prepare` is called for each browser context before a page is opened in it. */
interface Outage {
  /** whether the service worker has no network either; else the browser may let it deliver after its restart */
  cutsWorkers: boolean;
  prepare(context: BrowserContext): Promise<void>;
  cut(): Promise<void>;
  restore(): Promise<void>;
}

const OUTAGES: Record<string, (app: App) => Outage> = {
  "the browser is offline, and open sockets are half-dead": () => {
    let offline = false;
    let current: BrowserContext | undefined;
    return {
      cutsWorkers: false,
      async prepare(context) {
        current = context;
        await context.setOffline(offline);
      },
      async cut() {
        offline = true;
        await current?.setOffline(true);
      },
      async restore() {
        offline = false;
        await current?.setOffline(false);
      },
    };
  },
  "sockets and requests are refused": () => {
    let cut = false;
    const sockets = new Set<{ close(options: { code: number }): Promise<void> }>();
    return {
      cutsWorkers: true,
      async prepare(context) {
        await context.routeWebSocket(/\/sync\b/u, (socket) => {
          if (cut) return void socket.close({ code: 4500 });
          sockets.add(socket);
          socket.connectToServer();
        });
        await context.route("**/*", (route) => (cut ? route.abort("connectionrefused") : route.fallback()));
      },
      async cut() {
        cut = true;
        for (const socket of sockets) await socket.close({ code: 4500 }).catch(() => undefined); // closed already
        sockets.clear();
      },
      async restore() {
        cut = false;
      },
    };
  },
  "the server is killed": (app) => ({
    cutsWorkers: true,
    prepare: async () => undefined,
    async cut() {
      await app.server.kill("SIGKILL");
    },
    restore: () => app.server.restart(),
  }),
};

const PROMPTS = ["First on the train?", "Second on the train?", "Third on the train?"];
const queued = (chat: ChatPage) => chat.log.getByText("Queued", { exact: true });

/** What was done offline, as a page shows it. */
async function expectAllThere(page: Page, url: string, oldUrl: string, cutsWorkers: boolean): Promise<void> {
  const chat = await openChatPage(page, oldUrl);
  await expect(chat.composer).toHaveValue("an old draft, gone on with");
  await expect(chat.row("Renamed on the train")).toBeVisible();
  await expect(chat.library.getByText("Pinned", { exact: true })).toBeVisible();
  await expect(chat.row("To be deleted")).toHaveCount(0);
  await page.goto(url);
  await expect(chat.prompts).toHaveCount(3);
  if (cutsWorkers) await expect(queued(chat)).toHaveCount(3);
}

for (const [name, openOutage] of Object.entries(OUTAGES)) {
  test(`A1, A3: a day without a network, where ${name}: everything is there after a crash, and is delivered once, in order`, async ({
    app,
    ownBrowser: browser,
    secondDevice,
  }) => {
    test.setTimeout(180_000);
    const outage = openOutage(app);
    let context = await browser.start();
    await outage.prepare(context);
    const home = await openSavedChat(await context.newPage(), app.url, "Old chat");
    const oldUrl = home.page.url();
    await home.composer.fill("an old draft");
    await home.saved();
    for (const title of ["To be pinned", "To be renamed", "To be deleted"]) {
      await home.button("New chat").click();
      await home.send(title);
      await expect(home.articles).toHaveCount(2);
    }
    await home.saved();
    await untilInstalled(home.page);
    const before = app.provider.requests.length;

    await outage.cut();
    await home.page.close();
    // Cold, without a network.
    let page = await context.newPage();
    let chat = await openChatPage(page, app.url);
    for (const prompt of PROMPTS) await chat.send(prompt);
    await expect(queued(chat)).toHaveCount(3);
    const newUrl = page.url();
    await chat.row("Old chat").click();
    await expect(chat.composer).toHaveValue("an old draft");
    await chat.composer.press("End");
    await chat.composer.pressSequentially(", gone on with");
    await chat.chooseFromMenu("To be pinned", "Pin");
    await chat.chooseFromMenu("To be deleted", "Delete");
    await chat.chooseFromMenu("To be renamed", "Rename");
    await chat.library.getByRole("textbox", { name: "Title" }).fill("Renamed on the train");
    await page.keyboard.press("Enter");
    await expect(chat.row("Renamed on the train")).toBeVisible();
    await expect(chat.syncStatus).toContainText(/Offline – \d+ changes on this device/u, { timeout: 60_000 });

    await page.close();
    await browser.kill();
    context = await browser.start();
    await outage.prepare(context);
    page = await context.newPage();
    await expectAllThere(page, newUrl, oldUrl, outage.cutsWorkers);

    await outage.restore();
    chat = chatPage(page);
    await expect(chat.articles).toHaveCount(6, { timeout: 60_000 });
    await chat.saved();
    const asked = app.provider.requests.slice(before).map(({ body }) => String(body.messages.at(-1)?.content));
    expect(asked).toEqual(PROMPTS);
    await expect(chat.prompts).toHaveText(PROMPTS.map((prompt) => new RegExp(prompt.replace("?", "\\?"), "u")));

    const cookies = await context.cookies();
    const other = await secondDevice(app.url, cookies);
    await other.page.goto(newUrl);
    await expect(other.prompts).toHaveCount(3);
    await expect(other.articles).toHaveCount(6);
    await expect(other.row("Renamed on the train")).toBeVisible();
    await expect(other.row("To be deleted")).toHaveCount(0);
    await other.page.goto(oldUrl);
    await expect(other.composer).toHaveValue("an old draft, gone on with");
  });
}
