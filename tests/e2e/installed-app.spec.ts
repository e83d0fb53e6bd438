import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "@playwright/test";
import type { Page } from "@playwright/test";
import { answer } from "#tests/support/provider-behaviour.ts";
import { chatPage, expectFocused, openChatPage, openSavedChat } from "./chat-page.ts";
import { test } from "./fixtures.ts";
import { asInstalledWindows, untilInstalled } from "./installed-page.ts";

const OWN_PATHS = ["/api/me", "/sync/x", "/s/slug", "/.well-known/x", "/healthz", "/readyz", "/metrics"];

test(
  "the browser finds nothing that keeps the app from being installed",
  { tag: "@devtools" },
  async ({ playwright, launchOptions, app }) => {
    // A context of Playwright's own is a private window, which can install nothing: this one has a profile.
    const profile = mkdtempSync(join(tmpdir(), "holdfast-profile-"));
    const context = await playwright.chromium.launchPersistentContext(profile, launchOptions);
    const page = await context.newPage();
    await openChatPage(page, app.url);
    await untilInstalled(page);
    const devtools = await context.newCDPSession(page);
    await devtools.send("Page.enable");
    const { errors, url, data } = await devtools.send("Page.getAppManifest");
    expect([errors, url]).toEqual([[], `${app.url}/manifest.webmanifest`]);
    expect(JSON.parse(data ?? "{}")).toMatchObject({ id: "/", name: "Holdfast" });
    const { installabilityErrors } = await devtools.send("Page.getInstallabilityErrors");
    expect(installabilityErrors).toEqual([]);
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  },
);

// In Firefox, Playwright's cut network does not reach workers.
test(
  "an installation that the network cut is done again when the network is back",
  { tag: "@devtools" },
  async ({ page, app }) => {
    let cut = false;
    await page.exposeFunction("cutNetwork", async () => {
      await page.context().setOffline(true);
      cut = true;
    });
    await page.addInitScript(() => {
      const own = navigator.serviceWorker;
      const register = own.register.bind(own);
      own.register = async (...of) => {
        own.register = register;
        await (window as unknown as { cutNetwork(): Promise<void> }).cutNetwork();
        return register(...of);
      };
    });
    await openChatPage(page, app.url);
    await expect.poll(() => cut).toBe(true);
    const workers = () => page.evaluate(async () => (await navigator.serviceWorker.getRegistrations()).length);
    await expect.poll(workers).toBe(0);
    await page.context().setOffline(false);
    await untilInstalled(page);
    expect(await workers()).toBe(1);
  },
);

test("after one visit every page opens with the server stopped, with all it holds, and every part of it", async ({
  page,
  context,
  app,
}) => {
  const chat = await openSavedChat(page, app.url, "tides and moons");
  await untilInstalled(page);
  const chatUrl = page.url();
  await app.server.kill("SIGKILL");
  await page.close();
  const again = chatPage(await context.newPage());
  await again.page.goto(chatUrl);
  await expect(again.articles).toHaveCount(2);
  await expect(again.syncStatus).toContainText("Offline");
  await again.button("Chat settings").click();
  await expect(again.page.getByRole("dialog", { name: "Chat settings" })).toBeVisible();
  await again.page.keyboard.press("Escape");
  await again.button("Account").click();
  await expect(again.page.getByRole("menuitem", { name: "Keyboard shortcuts" })).toBeVisible();
  const fresh = await openChatPage(await context.newPage(), app.url);
  await expect(fresh.row("tides and moons")).toBeVisible();
  await fresh.send("written with no server");
  await expect(fresh.log.getByText("Queued", { exact: true })).toBeVisible();
  await app.server.restart();
  await expect(fresh.articles).toHaveCount(2);
  expect(chat.page.isClosed()).toBe(true);
});

test("what belongs to the server is never answered by the worker", async ({ chat, context, app }) => {
  const { page } = chat;
  await untilInstalled(page);
  // Its keys are for the browser itself to keep for a while.
  for (const path of [...OWN_PATHS, "/.well-known/jwks.json"]) {
    const response = await page.goto(app.url + path);
    expect([path, response?.fromServiceWorker()]).toEqual([path, false]);
  }
  await page.goto(app.url);
  const cached = await page.evaluate(async () => {
    const urls: string[] = [];
    for (const name of await caches.keys())
      for (const { url } of await (await caches.open(name)).keys()) urls.push(new URL(url).pathname);
    return urls;
  });
  expect(cached.length).toBeGreaterThan(10);
  for (const path of cached)
    expect(path).toMatch(/^\/(index\.html|favicon\.svg|manifest\.webmanifest|assets\/[\w.-]+)$/u);
  await app.server.kill("SIGKILL");
  for (const path of OWN_PATHS) {
    const other = await context.newPage();
    await expect(other.goto(app.url + path)).rejects.toThrow(/CONNECTION_REFUSED/u);
    await other.close();
    expect(await page.evaluate((own) => fetch(own).then(String, () => "failed"), path)).toBe("failed");
  }
});

test("the second load comes from the worker, whole", { tag: "@devtools" }, async ({ chat, app }) => {
  const { page } = chat;
  await untilInstalled(page);
  const files: [string, boolean][] = [];
  page.on("response", (response) => {
    const { pathname } = new URL(response.url());
    if (pathname.startsWith("/assets/")) files.push([pathname, response.fromServiceWorker()]);
  });
  const response = await page.goto(app.url);
  expect(response?.fromServiceWorker()).toBe(true);
  await expect(chat.composer).toBeEditable();
  expect(files.length).toBeGreaterThan(3);
  for (const [file, fromWorker] of files) expect([file, fromWorker]).toEqual([file, true]);
});

/** Posts as the system does when another app shares something. */
const share = (page: Page, fields: Record<string, string>): Promise<void> =>
  page.evaluate((shared) => {
    const form = document.createElement("form");
    form.method = "post";
    form.action = "/share";
    for (const [name, value] of Object.entries(shared)) {
      const field = document.createElement("textarea");
      field.name = name;
      field.value = value;
      form.append(field);
    }
    document.body.append(form);
    form.submit();
  }, fields);

for (const by of ["worker", "server"] as const) {
  test.describe(`shared text, taken by the ${by}`, () => {
    test.use({ serviceWorkers: by === "worker" ? "allow" : "block" });
    test("becomes the draft of a new chat beside the draft that was there, and is not sent", async ({ chat, app }) => {
      const { page } = chat;
      await chat.composer.fill("half a thought");
      await chat.saved();
      if (by === "worker") {
        await untilInstalled(page);
        await app.server.kill("SIGKILL");
      }
      await share(page, { title: "Tides", text: "Look at this & that", url: "https://example.org/tides" });
      await expect(chat.composer).toHaveValue("Tides\nLook at this & that\nhttps://example.org/tides");
      await expectFocused(chat.composer);
      await expect(page).toHaveURL(`${app.url}/`);
      await expect(chat.articles).toHaveCount(0);
      expect(app.provider.requests).toHaveLength(0);
      await page.reload();
      await expect(chat.composer).toHaveValue(/^Tides/u);
      await chat.row("half a thought").click();
      await expect(chat.composer).toHaveValue("half a thought");
      expect(app.server.output()).not.toContain("Look at this");
    });
  });
}

test("the installed app goes on where it was left, but not after New chat, and not for its shortcuts", async ({
  context,
  app,
}) => {
  await asInstalledWindows(context);
  const first = await openSavedChat(await context.newPage(), app.url, "tides and moons");
  const chatUrl = first.page.url();
  await first.page.close();
  const chat = chatPage(await context.newPage());
  const { page } = chat;
  await page.goto(app.url);
  await expect(chat.articles).toHaveCount(2);
  await expect(page).toHaveURL(chatUrl);

  await page.goto(`${app.url}/?search`);
  await expectFocused(page.getByRole("searchbox", { name: "Search" }));
  await expect(page).toHaveURL(`${app.url}/`);
  await expect(chat.composer).toBeEditable();
  await expectFocused(page.getByRole("searchbox", { name: "Search" }));

  await chat.row("tides and moons").click();
  await expect(page).toHaveURL(chatUrl);
  await page.goto(`${app.url}/?new`);
  await expectFocused(chat.composer);
  await expect(page).toHaveURL(`${app.url}/`);

  await chat.row("tides and moons").click();
  await chat.button("New chat").click();
  await expect(page).toHaveURL(`${app.url}/`);
  await page.reload();
  await expect(chat.composer).toBeEditable();
  await expect(page).toHaveURL(`${app.url}/`);
});

test("a page in the browser opens at its own address, wherever a person was last", async ({ page, app }) => {
  const chat = await openSavedChat(page, app.url, "tides and moons");
  await page.goto(app.url);
  await expect(chat.composer).toBeEditable();
  await expect(page).toHaveURL(`${app.url}/`);
});

test(
  "A12: a worker that was killed comes back, and a start with no server still works",
  { tag: "@devtools" },
  async ({ chat, context, app }) => {
    const { page } = chat;
    await untilInstalled(page);
    const devtools = await context.newCDPSession(page);
    await devtools.send("ServiceWorker.enable");
    await devtools.send("ServiceWorker.stopAllWorkers");
    await chat.send("tides and moons");
    await expect(chat.articles).toHaveCount(2);
    await chat.saved();
    const chatUrl = page.url();
    await devtools.send("ServiceWorker.stopAllWorkers");
    await app.server.kill("SIGKILL");
    await devtools.send("ServiceWorker.stopAllWorkers");
    const response = await page.goto(chatUrl);
    expect(response?.fromServiceWorker()).toBe(true);
    await expect(chat.articles).toHaveCount(2);
  },
);

const WIDE = { width: 1280, height: 800 };
const NARROW = { width: 390, height: 844 };
/** With UPDATE_SCREENSHOTS=1 the pictures of the manifest are taken anew. */
const PICTURES = process.env["UPDATE_SCREENSHOTS"] === "1" ? "public/screenshots" : "test-results/screenshots";

test("the pictures the manifest shows are of the app as it is", async ({ chat, app }) => {
  const { page } = chat;
  app.provider.scriptOtherwise(
    answer(
      [
        "Tides are the sea's slow answer to the **Moon's pull**. Two bulges form, and the Earth turns below them.",
        "1. High water, about every 12 h 25 min\n2. Ebb\n3. Low water",
        "| Phase | Moon and Sun | Tide |\n| --- | --- | --- |\n| New, full | in line | spring |\n| Quarter | at right angles | neap |",
        "```ts\nconst period = 12.42; // hours\nexport const next = (last: number) => last + period;\n```",
        "The sea never changes its mind; it only takes its time.",
      ].join("\n\n"),
    ),
  );
  for (const prompt of ["Names for a small boat", "A kind reply that says no", "How do tides work?"]) {
    await chat.button("New chat").click();
    await chat.send(prompt);
    await expect(chat.lastArticle).toContainText("takes its time");
    await expect(chat.button("Stop")).toBeHidden();
  }
  await chat.saved();
  await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
  for (const [name, size] of [
    ["wide", WIDE],
    ["narrow", NARROW],
  ] as const) {
    await page.setViewportSize(size);
    await page.mouse.move(0, 0);
    const picture = await page.screenshot({ path: join(PICTURES, `${name}.png`), animations: "disabled" });
    expect(picture.length).toBeLessThan(150_000);
  }
});
