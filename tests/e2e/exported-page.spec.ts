import { expect, test } from "@playwright/test";
import type { Page } from "@playwright/test";
import { snapshotHtml } from "#shared/documents/export-snapshot.ts";
import type { ConversationId, SnapshotId } from "#shared/domain/ids.ts";
import type { SnapshotSummary } from "#shared/domain/snapshot.ts";
import { factWords } from "#tests/support/fact-words.ts";
import { aFrozenRun, frozen } from "#tests/support/frozen.ts";
import { NASTY_TEXTS } from "#tests/support/nasty-texts.ts";

const summary = (text: string): SnapshotSummary => ({
  id: "s" as SnapshotId,
  conversationId: "c" as ConversationId,
  number: 1,
  contentId: text,
  head: null,
  messageCount: 2,
  model: text,
  excerpt: text,
  title: text,
  note: text,
  tags: [text],
  createdAt: 1,
  createdBy: text,
  deleted: false,
});

/** A page with a text in every place where somebody's text may stand. */
function pageOf(text: string): string {
  const run = aFrozenRun({ model: text, resolvedModel: text, parameters: { temperature: 1 } });
  const content = frozen([text, { text, reasoning: text, run }], { model: text, systemPrompt: text });
  return snapshotHtml(summary(text), content, factWords(text), [text, text]);
}

/** Tags and attributes that our own page is made of; a text may add none. */
const TAGS = new Set(
  "html head meta title style body main h1 h2 h3 h4 h5 h6 dl div dt dd article p time span details summary a strong em del code pre blockquote ul ol li table thead tbody tr th td hr br".split(
    " ",
  ),
);
const ATTRIBUTES = new Set("lang charset http-equiv content name class dir datetime href rel start".split(" "));

async function open(page: Page, html: string): Promise<{ requests: string[]; dialogs: string[] }> {
  const seen = { requests: [] as string[], dialogs: [] as string[] };
  page.on("dialog", async (dialog) => {
    seen.dialogs.push(dialog.message());
    await dialog.dismiss();
  });
  // What the page's policy refuses is never asked for, and does not come here.
  await page.route("**/*", (route) => {
    const url = route.request().url();
    if (url === "https://page.test/") return route.fulfill({ contentType: "text/html; charset=utf-8", body: html });
    seen.requests.push(url);
    return route.abort();
  });
  await page.goto("https://page.test/");
  return seen;
}

const inventory = (page: Page) =>
  page.evaluate(() => {
    const all = [...document.querySelectorAll("*")];
    return {
      tags: [...new Set(all.map((element) => element.localName))],
      attributes: [...new Set(all.flatMap((element) => element.getAttributeNames()))],
      links: all.flatMap((element) => (element instanceof HTMLAnchorElement ? [element.protocol] : [])),
      comments: document.createTreeWalker(document, NodeFilter.SHOW_COMMENT).nextNode() !== null,
    };
  });

test("whatever stands in a snapshot, its page runs nothing, asks for nothing, and is made of our own tags", async ({
  page,
}) => {
  test.setTimeout(180_000);
  for (const text of NASTY_TEXTS) {
    const seen = await open(page, pageOf(text));
    const found = await inventory(page);
    const label = text.slice(0, 80);
    expect(
      found.tags.filter((tag) => !TAGS.has(tag)),
      label,
    ).toEqual([]);
    expect(
      found.attributes.filter((name) => !ATTRIBUTES.has(name)),
      label,
    ).toEqual([]);
    expect(
      found.links.filter((protocol) => !["http:", "https:", "mailto:"].includes(protocol)),
      label,
    ).toEqual([]);
    expect(found.comments, label).toBe(false);
    expect(await page.locator("style").count(), label).toBe(1);
    expect(seen.dialogs, label).toEqual([]);
    expect(seen.requests, label).toEqual([]);
    await page.unrouteAll();
    page.removeAllListeners("dialog");
  }
});

test("the policy of the page refuses scripts, styles and pictures from elsewhere, were there any", async ({ page }) => {
  const html = pageOf("x").replace(
    "</main>",
    "<script>document.title = 'ran'</script><img src=https://evil.test/x><link rel=stylesheet href=https://evil.test/y></main>",
  );
  const seen = await open(page, html);
  expect(await page.title()).toBe("x");
  expect(seen.requests).toEqual([]);
});

test("it reads like the chat: Markdown as such, pictures as links, by day and by night", async ({ page }) => {
  const answer =
    "## Why\n\nThe **Moon** [pulls](https://ok.test/a).\n\n- [x] one\n\n![chart](https://ok.test/c.png)\n\n```\ncode\n```";
  const content = frozen(["Why *tides*?", { text: answer, run: aFrozenRun() }], { systemPrompt: "Be brief." });
  await open(page, snapshotHtml(summary("Tides"), content, factWords(), ["", "Verified"]));
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Tides");
  await expect(page.getByText("Why *tides*?")).toBeVisible();
  await expect(page.getByRole("heading", { name: "Why", level: 4 })).toBeVisible();
  await expect(page.getByRole("link", { name: "chart" })).toHaveAttribute("href", "https://ok.test/c.png");
  await expect(page.getByText("Verified")).toBeVisible();
  await expect(page.locator("strong")).toHaveText("Moon");
  for (const [scheme, ground] of [
    ["light", "rgb(250, 249, 246)"],
    ["dark", "rgb(26, 25, 23)"],
  ] as const) {
    await page.emulateMedia({ colorScheme: scheme });
    await expect(page.locator("body")).toHaveCSS("background-color", ground);
  }
});
