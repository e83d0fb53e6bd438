import { expect } from "@playwright/test";
import { answer } from "#tests/support/provider-behaviour.ts";
import { test } from "./fixtures.ts";

const HOSTILE = [
  "<script>globalThis.pwned = 1</script>",
  '<img src=x onerror="globalThis.pwned = 2">',
  "<svg onload=globalThis.pwned=3>",
  '<iframe srcdoc="<script>parent.pwned=4</script>"></iframe>',
  "[click](javascript:globalThis.pwned=5)",
  "[click](  jAvAsCrIpT:globalThis.pwned=6)",
  "[click](data:text/html,<script>opener.pwned=7</script>)",
  "[click](&#106;avascript:globalThis.pwned=8)",
  "<javascript:globalThis.pwned=9>",
  "![x](javascript:globalThis.pwned=10)",
  '<a href="javascript:globalThis.pwned=11">x</a>',
  "```html\n<script>globalThis.pwned = 12</script>\n```",
  '| a |\n| - |\n| <img src=x onerror="globalThis.pwned=13"> |',
].join("\n\n");

test("no payload in an answer runs or becomes markup", async ({ chat, app }) => {
  app.provider.script(answer(`${HOSTILE}\n\nthe end`));
  await chat.send("attack");
  await expect(chat.lastArticle).toContainText("the end");
  await expect(chat.button("Stop")).toBeHidden();
  for (const link of await chat.log.getByRole("link").all()) {
    await expect(link).toHaveAttribute("href", /^(https?:|mailto:|#|\/)/u);
  }
  await expect(chat.log.locator("script, iframe, object, embed, [onerror], [onload]")).toHaveCount(0);
  expect(await chat.page.evaluate(() => "pwned" in globalThis)).toBe(false);
});

test("the same holds for what a person writes", async ({ chat }) => {
  await chat.send(HOSTILE);
  await expect(chat.articles).toHaveCount(2);
  await expect(chat.log.locator("script, iframe, object, embed, [onerror], [onload]")).toHaveCount(0);
  expect(await chat.page.evaluate(() => "pwned" in globalThis)).toBe(false);
});

test("a remote image is a link: nothing is asked of its server", async ({ chat, app, page }) => {
  const asked: string[] = [];
  await page.route("**/*.png", (route) => {
    asked.push(route.request().url());
    return route.abort();
  });
  app.provider.script(answer("![a chart](https://pictures.example/chart.png)\n\nthe end"));
  await chat.send("show me");
  await expect(chat.lastArticle).toContainText("the end");
  await expect(chat.button("Stop")).toBeHidden();
  expect(asked.filter((url) => url.includes("pictures.example"))).toEqual([]);
  await expect(chat.lastArticle).toContainText("pictures.example");
});

test("links open elsewhere without handing over this page", async ({ chat, app }) => {
  app.provider.script(answer("Read [the manual](https://manual.example/page)."));
  await chat.send("where?");
  const link = chat.log.getByRole("link", { name: "the manual" });
  await expect(link).toHaveAttribute("target", "_blank");
  await expect(link).toHaveAttribute("rel", /noopener/u);
  await expect(link).toHaveAttribute("rel", /noreferrer/u);
});

test("headings, lists, tables and code are what they are", async ({ chat, app }) => {
  const source =
    "## Plan\n\n1. one\n2. two\n\n| h | k |\n| - | - |\n| a | b |\n\n```js\nconst x = 1;\n```\n\nSome `code` and **bold**.";
  app.provider.script(answer(source));
  await chat.send("format");
  await expect(chat.log.getByRole("heading", { name: "Plan" })).toBeVisible();
  await expect(chat.log.getByRole("listitem").filter({ hasText: "two" })).toBeVisible();
  await expect(chat.log.getByRole("columnheader", { name: "h" })).toBeVisible();
  await expect(chat.log.locator("pre")).toContainText("const x = 1;");
  await expect(chat.log.getByRole("button", { name: "Copy code" })).toBeAttached();
  expect(await chat.copied(chat.lastArticle)).toBe(source);
});
