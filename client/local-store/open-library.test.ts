import { beforeEach, expect, test } from "vitest";
import type { ConversationId } from "#shared/domain/ids.ts";
import { err, ok } from "#shared/lib/result.ts";
import type { ConversationEntry } from "#shared/protocol/http-bodies.ts";
import { aSummary } from "#tests/support/a-summary.ts";
import { withFeedEntry } from "./library-state.ts";
import type { FeedSpan, LocalStore, LocalSummary, SummaryRecord, TrashMarks } from "./local-store.ts";
import { openLibrary } from "./open-library.ts";
import type { TabMessage } from "./tab-messages.ts";

const entry = (id: string, headSeq: number): ConversationEntry => ({
  kind: "conversation",
  id,
  feedSeq: headSeq,
  epoch: 0,
  headSeq,
  activityAt: headSeq,
  summary: aSummary(`${id} at ${headSeq}`),
});
const id = (name: string): ConversationId => name as ConversationId;
const unsent = (title: string): LocalSummary => ({ summary: aSummary(title), changedAt: 9, headSeq: undefined });

/** What two tabs share: summaries, a cursor, a channel; the disk may be full. */
function aDevice() {
  const stored = {
    cursor: 0,
    records: new Map<string, SummaryRecord>(),
    full: false,
    head: Infinity,
    reading: Promise.resolve(),
  };
  const channels: ((message: TabMessage) => void)[] = [];
  const reopened: (() => void)[] = [];
  const store = {
    firstSummaries: async (most: number) => ok([...stored.records.values()].slice(0, Math.min(most, stored.head))),
    async library() {
      const read = { cursor: stored.cursor, records: [...stored.records.values()] };
      await stored.reading;
      return ok(read);
    },
    async mark(name: string, marks: TrashMarks) {
      const record = stored.records.get(name);
      if (record) stored.records.set(name, { ...record, ...marks });
      return ok(undefined);
    },
    async writeFeed({ from, to }: FeedSpan, entries: readonly ConversationEntry[]) {
      if (stored.full) return err("full" as const);
      for (const one of entries) stored.records.set(one.id, withFeedEntry(stored.records.get(one.id), one));
      if (from <= stored.cursor) stored.cursor = Math.max(stored.cursor, to);
      return ok([]);
    },
    onReopened: (callback: () => void) => reopened.push(callback),
    onFound: () => () => undefined,
  } as unknown as LocalStore;
  return {
    stored,
    reopen: () => reopened.forEach((callback) => callback()),
    openTab() {
      const own: ((message: TabMessage) => void)[] = [];
      const tabs = {
        post: (message: TabMessage) => channels.filter((one) => !own.includes(one)).forEach((one) => one(message)),
        onMessage(callback: (message: TabMessage) => void) {
          own.push(callback);
          channels.push(callback);
        },
      };
      return { library: openLibrary(store, tabs), tell: tabs.post };
    },
  };
}
const titles = ({ library }: { library: ReturnType<typeof openLibrary> }): string[] =>
  library.entries().map((one) => one.summary.title);

/** A read that ends when it is told to. */
function aReading(): { reading: Promise<void>; letRead: () => void } {
  const end: { letRead?: () => void } = {};
  const reading = new Promise<void>((resolve) => (end.letRead = resolve));
  return { reading, letRead: () => end.letRead?.() };
}

let device: ReturnType<typeof aDevice>;
beforeEach(() => {
  device = aDevice();
});

test("O6: a page that could not be stored is stored with the next one, before its cursor", async () => {
  const { library } = device.openTab();
  device.stored.full = true;
  await library.takeFeed({ from: 0, to: 1 }, [entry("a", 1)]);
  device.stored.full = false;
  await library.takeFeed({ from: 1, to: 2 }, [entry("b", 2)]);
  const reloaded = device.openTab();
  await reloaded.library.ready;
  expect(reloaded.library.cursor()).toBe(2);
  expect(titles(reloaded)).toEqual(["b at 2", "a at 1"]);
});

test("O6: after the database was lost, what the tab knows is stored again with the cursor", async () => {
  const { library } = device.openTab();
  await library.takeFeed({ from: 0, to: 1 }, [entry("a", 1)]);
  device.stored.records.clear();
  device.stored.cursor = 0;
  device.reopen();
  await library.takeFeed({ from: 1, to: 2 }, [entry("b", 2)]);
  const reloaded = device.openTab();
  await reloaded.library.ready;
  expect(titles(reloaded)).toEqual(["b at 2", "a at 1"]);
});

test("O6: a tab that is open asks again for what another one set aside, and stops nowhere before its end", async () => {
  const [tab, other] = [device.openTab(), device.openTab()];
  await tab.library.takeFeed({ from: 0, to: 2 }, [entry("a", 1), entry("b", 2)]);
  await expect.poll(() => other.library.cursor()).toBe(2);
  device.stored.records.delete("a");
  device.stored.cursor = 0;
  other.tell({ type: "feed" });
  await expect.poll(() => tab.library.cursor()).toBe(0);
  // The page that was under way tells of what is new, and not of what is lost.
  await tab.library.takeFeed({ from: 2, to: 3 }, [entry("c", 3)]);
  expect(tab.library.cursor()).toBe(0);
  await tab.library.takeFeed({ from: 0, to: 3 }, [entry("a", 1), entry("b", 2), entry("c", 3)]);
  const reloaded = device.openTab();
  await reloaded.library.ready;
  expect(reloaded.library.cursor()).toBe(3);
  expect(titles(reloaded)).toEqual(["c at 3", "b at 2", "a at 1"]);
});

test("O6: a store that cannot set aside what it cannot read has the feed read again once, not for ever", async () => {
  const tab = device.openTab();
  const other = device.openTab();
  await tab.library.takeFeed({ from: 0, to: 2 }, [entry("a", 1), entry("b", 2)]);
  // It says so each time that it is read.
  device.stored.cursor = 0;
  other.tell({ type: "feed" });
  await expect.poll(() => tab.library.cursor()).toBe(0);
  await tab.library.takeFeed({ from: 0, to: 2 }, [entry("a", 1), entry("b", 2)]);
  device.stored.cursor = 0;
  device.stored.records.set("c", withFeedEntry(undefined, entry("c", 3)));
  other.tell({ type: "feed" });
  await expect.poll(() => titles(tab)).toEqual(["c at 3", "b at 2", "a at 1"]);
  expect(tab.library.cursor()).toBe(2);
});

test("O6: what another tab read from the feed ends a summary of ours that is not newer", async () => {
  const [one, other] = [device.openTab(), device.openTab()];
  other.library.summaryChanged(id("a"), { ...unsent("mine"), headSeq: 3 });
  await one.library.takeFeed({ from: 0, to: 5 }, [entry("a", 5)]);
  await expect.poll(() => titles(other)).toEqual(["a at 5"]);
});

test("O6: what a tab told of an edit it never stored is shown no longer than two looks at the outbox", async () => {
  const { library, tell } = device.openTab();
  const { library: shown } = device.openTab();
  await library.takeFeed({ from: 0, to: 1 }, [entry("a", 1)]);
  await expect.poll(() => titles({ library: shown })).toEqual(["a at 1"]);
  tell({ type: "summary", id: id("a"), local: unsent("typed, then gone") });
  expect(titles({ library: shown })).toEqual(["typed, then gone"]);
  shown.keepUnsent(new Set([id("a")]));
  shown.keepUnsent(new Set());
  expect(titles({ library: shown })).toEqual(["typed, then gone"]);
  shown.keepUnsent(new Set());
  expect(titles({ library: shown })).toEqual(["a at 1"]);
});

const deletion = (headSeq: number): ConversationEntry => ({
  ...entry("a", headSeq),
  summary: aSummary("a", { deleted: true }),
});
const isErasing = ({ library }: { library: ReturnType<typeof openLibrary> }): boolean =>
  library.entries().some(({ erasing }) => erasing);

/** What changes while what is stored is being read, and what the tab shows when it was. */
async function whileRead(tab: ReturnType<ReturnType<typeof aDevice>["openTab"]>, change: () => unknown): Promise<void> {
  let letGo: (() => void) | undefined;
  device.stored.reading = new Promise((resolve) => (letGo = resolve));
  device.openTab().tell({ type: "feed" });
  await change();
  letGo?.();
  device.stored.reading = Promise.resolve();
  // The read that was held is taken some turns later.
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(tab.library.loaded()).toBe(true);
}

test("C13: a wish to erase, or its end, is not undone by a read of the store that began before it", async () => {
  const tab = device.openTab();
  await tab.library.takeFeed({ from: 0, to: 1 }, [deletion(1)]);
  await whileRead(tab, () => tab.library.setErasing(id("a"), true));
  expect(isErasing(tab)).toBe(true);
  await whileRead(tab, () => tab.library.setErasing(id("a"), false));
  expect(isErasing(tab)).toBe(false);
});

test("C13: a wish to erase that a restoring ended, here or elsewhere, is not revived by a read that began before it", async () => {
  const tab = device.openTab();
  await tab.library.takeFeed({ from: 0, to: 1 }, [deletion(1)]);
  tab.library.setErasing(id("a"), true);
  await whileRead(tab, () => tab.library.summaryChanged(id("a"), unsent("restored")));
  expect(isErasing(tab)).toBe(false);

  await tab.library.takeFeed({ from: 1, to: 2 }, [deletion(2)]);
  tab.library.summaryChanged(id("a"), { ...unsent("deleted"), summary: deletion(2).summary });
  tab.library.setErasing(id("a"), true);
  tab.library.summaryChanged(id("a"), { ...unsent("deleted"), summary: deletion(2).summary, headSeq: 2 });
  await whileRead(tab, () => tab.library.takeFeed({ from: 2, to: 3 }, [entry("a", 3)]));
  expect(isErasing(tab)).toBe(false);
});

test("C13: a wish to erase that another tab took back ends here too, once this tab's own is stored", async () => {
  const [one, other] = [device.openTab(), device.openTab()];
  await one.library.takeFeed({ from: 0, to: 1 }, [deletion(1)]);
  one.library.setErasing(id("a"), true);
  await expect.poll(() => isErasing(other)).toBe(true);
  other.library.setErasing(id("a"), false);
  await expect.poll(() => isErasing(one)).toBe(false);
});

test("the first rows are there before all is read", async () => {
  const { reading, letRead } = aReading();
  device.stored.reading = reading;
  for (const one of [entry("a", 3), entry("b", 2)])
    device.stored.records.set(one.id, { id: id(one.id), feed: one, local: undefined });
  device.stored.head = 1;
  const tab = device.openTab();
  await expect.poll(() => titles(tab)).toEqual(["a at 3"]);
  expect(tab.library.loaded()).toBe(false);
  letRead();
  await tab.library.ready;
  expect([tab.library.loaded(), titles(tab)]).toEqual([true, ["a at 3", "b at 2"]]);
});
