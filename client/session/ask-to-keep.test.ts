import { expect, test } from "vitest";
import { createDeviceStorage } from "#client/platform/device-storage.ts";
import { createSmallStorage } from "#client/platform/small-storage.ts";
import type { LibraryEntry } from "#client/local-store/library.ts";
import type { SyncStatus } from "#client/sync/sync-status.ts";
import { askToKeepOnceSaved } from "./ask-to-keep.ts";

function aBrowser() {
  const texts = new Map<string, string>();
  const storage = { getItem: (key: string) => texts.get(key) ?? null, setItem: texts.set.bind(texts) };
  const smallStorage = createSmallStorage(() => storage as unknown as Storage);
  let asked = 0;
  const device = createDeviceStorage({
    persist() {
      asked++;
      return Promise.resolve(false);
    },
  });
  return {
    asked: () => asked,
    start() {
      let status: SyncStatus = { type: "saving" };
      let entries: LibraryEntry[] = [];
      const listeners = new Set<() => void>();
      const subscribe = (listener: () => void) => {
        listeners.add(listener);
        return () => void listeners.delete(listener);
      };
      const sync = { status: () => status, subscribe };
      const library = { entries: () => entries, loaded: () => true, subscribe };
      askToKeepOnceSaved({ sync, library, smallStorage }, device, new AbortController().signal);
      return (type: "saving" | "saved", chats: number) => {
        status = { type };
        entries = Array.from({ length: chats }, () => ({}) as LibraryEntry);
        for (const listener of listeners) listener();
      };
    },
  };
}

test("the browser is asked to keep what is stored once a first chat is saved, not before, and once for all", () => {
  const browser = aBrowser();
  const become = browser.start();
  become("saved", 0);
  become("saving", 1);
  expect(browser.asked()).toBe(0);
  become("saved", 1);
  become("saving", 2);
  become("saved", 2);
  expect(browser.asked()).toBe(1);
  browser.start()("saved", 2);
  expect(browser.asked()).toBe(1);
});

test("a browser that does not say, or refuses to, says nothing", async () => {
  const silent = createDeviceStorage(undefined);
  expect([await silent.usage(), await silent.persisted(), await silent.persist()]).toEqual(Array(3).fill(undefined));
  const refusing = createDeviceStorage({ estimate: () => Promise.reject(new DOMException("no", "SecurityError")) });
  expect(await refusing.usage()).toBeUndefined();
  const telling = createDeviceStorage({ estimate: () => Promise.resolve({ usage: 7, quota: 9e15 }) });
  expect(await telling.usage()).toBe(7);
});
