import type { Page } from "@playwright/test";

/** Everything this browser keeps for the app that holds a text: databases, caches, small storage. */
export const keptHere = (page: Page, text: string): Promise<string[]> =>
  page.evaluate(async (canary) => {
    const found: string[] = [];
    const look = (where: string, value: unknown): void => {
      const seen = JSON.stringify(value, (_, one: unknown) =>
        one instanceof Uint8Array ? new TextDecoder("latin1").decode(one) : one,
      );
      if (seen?.includes(canary)) found.push(where);
    };
    for (const storage of [localStorage, sessionStorage])
      for (let at = 0; at < storage.length; at++) {
        const key = storage.key(at) ?? "";
        look("storage", [key, storage.getItem(key)]);
      }
    for (const { name = "" } of await indexedDB.databases()) {
      const db = await new Promise<IDBDatabase>((resolve, reject) => {
        const opening = indexedDB.open(name);
        opening.addEventListener("success", () => resolve(opening.result));
        opening.addEventListener("error", () => reject(opening.error ?? new Error("not opened")));
      });
      look("a database's name", name);
      for (const store of db.objectStoreNames) {
        const all = db.transaction(store).objectStore(store).getAll();
        look(
          `${name}/${store}`,
          await new Promise((resolve) => all.addEventListener("success", () => resolve(all.result))),
        );
      }
      db.close();
    }
    for (const name of await caches.keys()) {
      for (const request of await (await caches.open(name)).keys()) {
        look(name, request.url);
        look(name, await (await caches.match(request))?.clone().text());
      }
    }
    return found;
  }, text);
