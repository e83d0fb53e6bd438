import { expect } from "@playwright/test";
import type { Locator, Page, Request, Route } from "@playwright/test";

export type ChatPage = ReturnType<typeof chatPage>;

/** Finds things the way people and screen readers do: by role and name. */
export function chatPage(page: Page) {
  const log = page.getByRole("log", { name: "Messages" });
  const library = page.getByRole("navigation", { name: "Library" });
  const composer = page.getByRole("textbox", { name: "Message", exact: true });
  const button = (name: string): Locator => page.getByRole("button", { name, exact: true });
  const answers = log.getByRole("article").filter({ hasNot: page.getByText("You", { exact: true }) });

  return {
    page,
    composer,
    log,
    library,
    button,
    articles: log.getByRole("article"),
    prompts: log.getByRole("article", { name: /^You\b/u }),
    answers,
    lastArticle: log.getByRole("article").last(),
    syncStatus: page.getByRole("status", { name: "Sync status" }),
    row: (title: string): Locator => library.getByRole("link", { name: title }),

    async send(text: string): Promise<void> {
      await composer.fill(text);
      await composer.press("Enter");
    },
    /** Sends a prompt and answers the request that started its run. */
    async sendAndSeeRun(text: string): Promise<{ runId: string; request: Request }> {
      const started = page.waitForRequest(
        (request) => request.method() === "PUT" && new URL(request.url()).pathname.startsWith("/api/runs/"),
      );
      await composer.fill(text);
      await composer.press("Enter");
      const request = await started;
      return { runId: new URL(request.url()).pathname.split("/")[3] ?? "", request };
    },
    async saved(): Promise<void> {
      await expect(this.syncStatus).toContainText("Saved", { timeout: 15_000 });
    },
    async chooseFromMenu(title: string, item: string): Promise<void> {
      await library.getByRole("link", { name: title }).hover();
      await library.getByRole("button", { name: `More actions for ${title}` }).click();
      await page.getByRole("menuitem", { name: item, exact: true }).click();
    },
    /** The Markdown source of a message, by its Copy button. */
    async copied(article: Locator): Promise<string> {
      const copy = async (): Promise<void> => {
        await article.hover();
        await article.getByRole("button", { name: "Copy", exact: true }).click();
      };
      // Firefox asks a person before a page reads what was copied.
      if (page.context().browser()?.browserType().name() === "firefox") return await writtenToClipboard(page, copy);
      await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
      await copy();
      return page.evaluate(() => navigator.clipboard.readText());
    },
  };
}

/** Waits until something has the focus in its page, whether or not the browser has given its own to that window. */
export const expectFocused = (locator: Locator): Promise<void> =>
  expect.poll(() => locator.evaluate((element) => element === document.activeElement)).toBe(true);

/** What the page hands to the clipboard when something is pressed. */
async function writtenToClipboard(page: Page, press: () => Promise<void>): Promise<string> {
  await page.evaluate(() => {
    const { clipboard } = navigator;
    const write = clipboard.writeText.bind(clipboard);
    clipboard.writeText = async (text) => {
      await write(text);
      Object.assign(globalThis, { written: text });
    };
  });
  await press();
  const written = await page.waitForFunction(() => (globalThis as { written?: string }).written);
  return (await written.jsonValue()) ?? "";
}

/** Opens the app and waits until it can be written to. */
export async function openChatPage(page: Page, url: string): Promise<ChatPage> {
  await page.goto(url);
  const chat = chatPage(page);
  await expect(chat.composer).toBeEditable();
  return chat;
}

/** Opens the app and sends a first prompt; the answer is there and both are on the server. */
export async function openSavedChat(page: Page, url: string, prompt: string): Promise<ChatPage> {
  const chat = await openChatPage(page, url);
  await chat.send(prompt);
  await expect(chat.articles).toHaveCount(2);
  await chat.saved();
  return chat;
}

/** Keeps the list of models back. Call before the page is opened; what it answers lets the list come. */
export async function withHeldModels(page: Page): Promise<() => Promise<void>> {
  const asked: Route[] = [];
  await page.route("**/api/models", (route) => void asked.push(route));
  return async () => {
    await expect.poll(() => asked.length).toBeGreaterThan(0);
    for (const route of asked) await route.continue();
  };
}

/**
 * A network that can be cut for one page. Going offline leaves open WebSockets standing in Chromium, so they
 * are closed here too and new ones refused. Call before the page is opened.
 */
export async function withNetwork(page: Page) {
  let cut = false;
  const sockets = new Set<{ close(options: { code: number }): Promise<void> }>();
  await page.routeWebSocket(/\/sync\b/u, (socket) => {
    if (cut) {
      void socket.close({ code: 4500 });
      return;
    }
    sockets.add(socket);
    socket.connectToServer();
  });
  return {
    async cut(): Promise<void> {
      cut = true;
      await page.context().setOffline(true);
      for (const socket of sockets) await socket.close({ code: 4500 }).catch(() => undefined); // it may be closed already
      sockets.clear();
    },
    async restore(): Promise<void> {
      cut = false;
      await page.context().setOffline(false);
    },
  };
}
