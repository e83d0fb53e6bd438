import { test as base } from "@playwright/test";
import type { BrowserContext, Cookie } from "@playwright/test";
import { answer } from "#tests/support/provider-behaviour.ts";
import { openScriptedProvider } from "#tests/support/scripted-provider.ts";
import type { Script, ScriptedProvider } from "#tests/support/scripted-provider.ts";
import { openServerProcess } from "#tests/support/server-process.ts";
import type { ServerProcess } from "#tests/support/server-process.ts";
import { openChatPage } from "./chat-page.ts";
import { fillByEditing } from "./fill-by-editing.ts";
import { openOwnBrowser } from "./own-browser.ts";
import type { OwnBrowser } from "./own-browser.ts";
import type { ChatPage } from "./chat-page.ts";

export interface App {
  url: string;
  server: ServerProcess;
  provider: ScriptedProvider;
}

interface Options {
  /** what the scripted provider answers unless a test says otherwise */
  otherwise: Script;
  /** false: no provider is configured, only the built-in guide answers */
  connected: boolean;
}

interface Fixtures {
  provider: ScriptedProvider;
  server: ServerProcess;
  app: App;
  /** a page of a new guest, with the composer ready */
  chat: ChatPage;
  /** a browser whose profile is on disk, to be stopped, killed and started again */
  ownBrowser: OwnBrowser;
  /** Opens a URL in another browser of the same person: the session's cookies, and nothing stored. */
  secondDevice: (url: string, cookies?: Cookie[]) => Promise<ChatPage>;
}

interface WorkerFixtures {
  /** makes `fill` be seen by the app, where it is not */
  filling: void;
}

export const test = base.extend<Options & Fixtures, WorkerFixtures>({
  filling: [
    async ({ browser, browserName }, provide) => {
      if (browserName === "firefox") await fillByEditing(browser);
      await provide();
    },
    { scope: "worker", auto: true },
  ],
  otherwise: [answer("A scripted answer."), { option: true }],
  connected: [true, { option: true }],
  provider: async ({ otherwise }, provide) => {
    const provider = await openScriptedProvider({ otherwise });
    await provide(provider);
    await provider.close();
  },
  server: async ({ provider, connected }, provide) => {
    // As people have it: nothing a person does in a browser may meet a limit.
    const env = { LIMITS: "on", ...(connected && { OPENAI_API_KEY: "test-key", OPENAI_BASE_URL: provider.baseUrl }) };
    const server = await openServerProcess({ env });
    await provide(server);
    await server.close();
  },
  app: async ({ server, provider }, provide) => {
    await provide({ url: server.url, server, provider });
  },
  chat: async ({ page, app }, provide) => {
    await provide(await openChatPage(page, app.url));
  },
  ownBrowser: async ({ playwright, browserName, channel, launchOptions }, provide) => {
    const own = await openOwnBrowser(playwright[browserName], { ...launchOptions, ...(channel && { channel }) });
    await provide(own);
    await own.close();
  },
  secondDevice: async ({ browser, context }, provide) => {
    const contexts: BrowserContext[] = [];
    await provide(async (url, cookies) => {
      const device = await browser.newContext();
      contexts.push(device);
      await device.addCookies(cookies ?? (await context.cookies()));
      return openChatPage(await device.newPage(), url);
    });
    for (const device of contexts) await device.close();
  },
});
