import { expect, test } from "@playwright/test";
import { answer } from "#tests/support/provider-behaviour.ts";
import { openScriptedProvider } from "#tests/support/scripted-provider.ts";
import { openServerProcess } from "#tests/support/server-process.ts";
import { openWebKit } from "#tests/support/webkit.ts";
import type { WebKitPage } from "#tests/support/webkit.ts";

const COMPOSER = "textarea[aria-label=Message]";
const ENTER = "\uE007";
const WORDS = Array.from({ length: 60 }, (_, i) => `${i === 0 ? "" : " "}w${i}`);

/** Bodies of functions for the page. */
const shown = (text: string): string =>
  `return document.querySelector("[role=log]")?.innerText.includes(${JSON.stringify(text)}) === true;`;
const says = (text: string): string =>
  `return document.querySelector("[aria-label='Sync status']")?.innerText.includes("${text}") === true;`;

test("WebKitGTK: open, write, stream, and reload with the server stopped", async () => {
  test.setTimeout(120_000);
  const provider = await openScriptedProvider({ otherwise: answer("A scripted answer.") });
  const server = await openServerProcess({ env: { OPENAI_API_KEY: "test-key", OPENAI_BASE_URL: provider.baseUrl } });
  let page: WebKitPage | undefined;
  try {
    page = await openWebKit();
    await page.goto(server.url);
    const composerTakesText = `const field = document.querySelector("${COMPOSER}"); return field !== null && !field.disabled;`;
    await page.until("the composer takes text", composerTakesText);
    provider.script(answer(WORDS, { pace: { everyMs: 20 } }));
    await page.type(COMPOSER, `count for me${ENTER}`);
    await page.until("the first words stream in", shown("w3"));
    await page.until("the whole answer is there", shown(WORDS.join("")));
    await page.type(COMPOSER, "half a thought");
    await page.until("it is saved", says("Saved"));
    await page.until("the worker has the page", "return navigator.serviceWorker.controller !== null;");

    await server.kill("SIGKILL");
    await page.reload();
    await page.until("the composer is there again", composerTakesText);
    await page.until("the answer is there", shown(WORDS.join("")));
    await page.until("so is the draft", `return document.querySelector("${COMPOSER}").value === "half a thought";`);
    await page.until("it says that it is offline", says("Offline"));
    await page.type(COMPOSER, `, and the rest${ENTER}`);
    await page.until("the prompt waits", shown("Queued"));

    await server.restart();
    await page.until("the prompt was answered", `return document.querySelectorAll("[role=log] article").length === 4;`);
    await page.until("and that is saved", says("Saved"));
    expect(provider.requests).toHaveLength(2);
  } finally {
    await page?.close();
    await server.close();
    await provider.close();
  }
});
