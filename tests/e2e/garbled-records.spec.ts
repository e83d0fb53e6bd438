import { expect } from "@playwright/test";
import { chatPage, openSavedChat } from "./chat-page.ts";
import { countRecords, cutFromServer, databaseName, downloaded, garble, openBesideTheApp } from "./device.ts";
import { test } from "./fixtures.ts";

// A worker delivers what waits while no page is open, and what is garbled here is what waits.
test.use({ serviceWorkers: "block" });

for (const store of ["documents", "updates", "summaries", "meta"]) {
  test(`A10: garbled ${store}: the app starts, the chat comes from the server, what was garbled is set aside and told`, async ({
    page,
    app,
  }) => {
    const chat = await openSavedChat(page, app.url, "tides and moons");
    await chat.composer.fill("half a thought");
    await chat.saved();
    const url = page.url();
    const name = await databaseName(page);
    const beside = await openBesideTheApp(page, app.url);
    await page.close();
    const spoiled = await garble(beside, name, store);
    const again = chatPage(await beside.context().newPage());
    await again.page.goto(url);
    await expect(again.row("tides and moons")).toBeVisible();
    await expect(again.articles).toHaveCount(2);
    await expect(again.composer).toHaveValue("half a thought");
    await again.saved();
    if (spoiled === 0) return; // rows were folded already
    const notice = again.library.getByRole("alert");
    await expect(notice).toContainText("could not be read. Nothing is lost", { timeout: 20_000 });
    const file = await downloaded(again.page, () =>
      notice.getByRole("button", { name: "Export what is left…" }).click(),
    );
    const records: unknown = expect.arrayContaining([expect.objectContaining({ reason: "corrupt", store })]);
    expect(file.content).toMatchObject({ format: "holdfast.set-aside", records });
    await notice.getByRole("button", { name: "Dismiss" }).click();
    await expect(notice).toHaveCount(0);
    await again.saved();
    // It is mended on this device too.
    await again.page.close();
    const offline = chatPage(await beside.context().newPage());
    await cutFromServer(offline.page);
    await offline.page.goto(url);
    await expect(offline.row("tides and moons")).toBeVisible();
    await expect(offline.composer).toHaveValue("half a thought");
  });
}

for (const store of ["outbox", "commands"]) {
  test(`A10: garbled ${store} of a device with unsent words: the app starts, nothing that can be read is lost`, async ({
    page,
    app,
    secondDevice,
  }) => {
    test.setTimeout(120_000);
    const chat = await openSavedChat(page, app.url, "tides and moons");
    const url = page.url();
    await cutFromServer(page);
    await page.reload();
    await chat.send("and lakes?");
    await expect(chat.log.getByText("Queued")).toBeVisible();
    await chat.composer.fill("half a thought");
    await expect(chat.syncStatus).toContainText(/Offline – [1-9]/u);
    const name = await databaseName(page);
    const beside = await openBesideTheApp(page, app.url);
    await page.close();
    expect(await garble(beside, name, store)).toBeGreaterThan(0);
    const again = chatPage(await beside.context().newPage());
    await again.page.goto(url);
    await expect(again.prompts).toHaveCount(2);
    await expect(again.composer).toHaveValue("half a thought");
    await again.saved();
    const device = await secondDevice(url);
    await expect(device.composer).toHaveValue("half a thought");
    await expect(device.prompts).toHaveCount(2);
    if (store === "outbox") return await expect(again.articles).toHaveCount(4);
    // The wish for an answer is gone with its record, and can be made again.
    await expect(again.library.getByRole("alert")).toContainText("1 record on this device could not be read");
    expect((await countRecords(beside, name))["commands"]).toBe(0);
    await expect(again.log.getByText("Not answered yet")).toBeVisible({ timeout: 60_000 });
    await again.button("Try again").click();
    await expect(again.articles).toHaveCount(4);
  });
}
