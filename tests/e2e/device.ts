import { readFile } from "node:fs/promises";
import type { Page } from "@playwright/test";

/** What the app keeps in IndexedDB, in the hands of a test; and what a browser does with files and time. */

/** Keeps what a page asks for at these addresses, and its sockets, from the server. Answers how to let it through. */
async function withhold(page: Page, address: RegExp): Promise<() => Promise<void>> {
  const network = { cut: true };
  await page.route(address, (route) => (network.cut ? route.abort("connectionfailed") : route.continue()));
  await page.routeWebSocket(/\/sync\b/u, (socket) => {
    if (network.cut) void socket.close({ code: 4503 });
    else socket.connectToServer();
  });
  return async () => {
    network.cut = false;
    await page.evaluate(() => window.dispatchEvent(new Event("online")));
  };
}

/** Lets pages load their files, and nothing else: no API, no sync. Answers how to let them. */
export const cutFromServer = (page: Page): Promise<() => Promise<void>> => withhold(page, /\/api\//u);

/**
 * Keeps what is written from the server, while everything else gets through. Call before the page is opened, in a context
 * without a service worker. Answers how to let it go.
 */
export const withoutSync = (page: Page): Promise<() => Promise<void>> => withhold(page, /\/api\/sync\/push$/u);

/** A page of the app's origin on which the app does not run. */
export async function openBesideTheApp(page: Page, url: string): Promise<Page> {
  const beside = await page.context().newPage();
  await beside.goto(`${url}/healthz`);
  return beside;
}

/** The name of the app's database. */
export const databaseName = (page: Page): Promise<string> =>
  page.evaluate(async () => {
    const found = (await indexedDB.databases()).find(({ name }) => name?.startsWith("holdfast:"));
    if (found?.name === undefined) throw new Error("the app has no database");
    return found.name;
  });

/**
 * Opens the app's database in a page, as another tab does; it stays open, and does not step aside unless told.
 * @param by whose tab it is: one of this version of the app, or one of the next
 */
export const holdDatabase = (page: Page, name: string, by: "this" | "next", stepsAside = false): Promise<void> =>
  page.evaluate(
    async ([of, whose, gives]) => {
      const now = (await indexedDB.databases()).find((one) => one.name === of)?.version ?? 0;
      const request = indexedDB.open(of, whose === "next" ? now + 1 : now);
      const db = await new Promise<IDBDatabase>((resolve, reject) => {
        request.addEventListener("success", () => resolve(request.result));
        request.addEventListener("error", () => reject(new Error(request.error?.name)));
      });
      if (gives) db.addEventListener("versionchange", () => db.close());
      Object.assign(globalThis, { heldDatabase: db });
    },
    [name, by, stepsAside] as const,
  );

/** Lets go of what `holdDatabase` holds. */
export const releaseDatabase = (page: Page): Promise<void> =>
  page.evaluate(() => (globalThis as unknown as { heldDatabase: IDBDatabase }).heldDatabase.close());

/** How many records each store of the app's database has. */
export const countRecords = (page: Page, name: string): Promise<Record<string, number>> =>
  page.evaluate(async (of) => {
    const request = indexedDB.open(of);
    const db = await new Promise<IDBDatabase>((resolve) =>
      request.addEventListener("success", () => resolve(request.result)),
    );
    const counts: Record<string, number> = {};
    for (const store of db.objectStoreNames) {
      const count = db.transaction(store).objectStore(store).count();
      counts[store] = await new Promise((resolve) => count.addEventListener("success", () => resolve(count.result)));
    }
    db.close();
    return counts;
  }, name);

/** Garbles every record of one store, as a failing disk does: bytes are flipped, whatever else becomes a number. */
export const garble = (page: Page, name: string, store: string): Promise<number> =>
  page.evaluate(
    async ([database, where]) => {
      const request = indexedDB.open(database);
      const db = await new Promise<IDBDatabase>((resolve) =>
        request.addEventListener("success", () => resolve(request.result)),
      );
      const spoil = (value: unknown, key: string): unknown => {
        if (value instanceof Uint8Array) return value.map((byte, at) => (at % 3 === 1 ? byte ^ 0xff : byte));
        if (typeof value !== "object" || value === null) return typeof value === "number" ? "garbled" : 7;
        const kept = new Set([key, "documentId"]);
        return Object.fromEntries(
          Object.entries(value).map(([of, field]) => [of, kept.has(of) ? field : spoil(field, key)]),
        );
      };
      const transaction = db.transaction(where, "readwrite");
      const objects = transaction.objectStore(where);
      const walk = objects.openCursor();
      let garbled = 0;
      walk.addEventListener("success", () => {
        const cursor = walk.result;
        if (!cursor) return;
        cursor.update(spoil(cursor.value, String(objects.keyPath)));
        garbled += 1;
        cursor.continue();
      });
      await new Promise((resolve) => transaction.addEventListener("complete", resolve));
      db.close();
      return garbled;
    },
    [name, store] as const,
  );

/** The JSON file that a page saves when something is pressed. */
export async function downloaded(page: Page, press: () => Promise<void>): Promise<{ name: string; content: unknown }> {
  const { name, text } = await savedText(page, press);
  return { name, content: JSON.parse(text) as unknown };
}

/** The file of any kind that a page saves when something is pressed. */
export async function savedText(page: Page, press: () => Promise<void>): Promise<{ name: string; text: string }> {
  // Over WebDriver BiDi nobody is told of a download.
  if (page.context().browser()?.browserType().name() === "firefox") return await handedOver(page, press);
  const [download] = await Promise.all([page.waitForEvent("download"), press()]);
  return { name: download.suggestedFilename(), text: await readFile(await download.path(), "utf8") };
}

/** The same, as the page hands it to the browser. */
async function handedOver(page: Page, press: () => Promise<void>): Promise<{ name: string; text: string }> {
  await page.evaluate(() => {
    delete (globalThis as { saved?: unknown }).saved;
    const create = URL.createObjectURL.bind(URL);
    const files = new Map<string, Blob>();
    URL.createObjectURL = (content: Blob) => {
      const url = create(content);
      files.set(url, content);
      return url;
    };
    HTMLAnchorElement.prototype.click = function click(this: HTMLAnchorElement) {
      const content = files.get(this.href);
      if (content) Object.assign(globalThis, { saved: content.text().then((text) => ({ name: this.download, text })) });
    };
  });
  await press();
  await page.waitForFunction(() => "saved" in globalThis);
  return await page.evaluate(() => (globalThis as unknown as { saved: Promise<{ name: string; text: string }> }).saved);
}

/** Notes everything the sync status says from now on. */
export async function noteStatus(page: Page): Promise<() => Promise<string[]>> {
  await page.evaluate(() => {
    const status = document.querySelector('[role="status"][aria-label="Sync status"]');
    if (!status) throw new Error("there is no sync status");
    const said = [status.textContent ?? ""];
    Object.assign(globalThis, { said });
    new MutationObserver(() => said.push(status.textContent ?? "")).observe(status, {
      childList: true,
      characterData: true,
      subtree: true,
    });
  });
  return () => page.evaluate(() => (globalThis as unknown as { said: string[] }).said);
}
