import { beforeEach, expect, test } from "vitest";
import type { ConversationId } from "#shared/domain/ids.ts";
import { err, ok } from "#shared/lib/result.ts";
import type { FeedEntry } from "#shared/protocol/http-bodies.ts";
import { withFeedEntry } from "./library-state.ts";
import type { LocalStore, LocalSummary, SummaryRecord } from "./local-store.ts";
import { openLibrary } from "./open-library.ts";
import type { TabMessage } from "./tab-messages.ts";

const summary = (title: string) => ({
  title,
  excerpt: "",
  pinned: false,
  archived: false,
  deleted: false,
  tags: [],
  messageCount: 1,
});
const entry = (id: string, headSeq: number): FeedEntry => ({
  kind: "conversation",
  id,
  feedSeq: headSeq,
  epoch: 0,
  headSeq,
  activityAt: headSeq,
  summary: summary(`${id} at ${headSeq}`),
});
const id = (name: string): ConversationId => name as ConversationId;
const unsent = (title: string): LocalSummary => ({ summary: summary(title), changedAt: 9, headSeq: undefined });

/** What two tabs share: summaries, a cursor, a channel; the disk may be full. */
function aDevice() {
  const stored = { cursor: 0, records: new Map<string, SummaryRecord>(), full: false };
  const channels: ((message: TabMessage) => void)[] = [];
  const reopened: (() => void)[] = [];
  const store = {
    library: async () => ok({ cursor: stored.cursor, records: [...stored.records.values()] }),
    async writeFeed(cursor: number, entries: readonly FeedEntry[]) {
      if (stored.full) return err("full" as const);
      for (const one of entries) stored.records.set(one.id, withFeedEntry(stored.records.get(one.id), one));
      stored.cursor = Math.max(stored.cursor, cursor);
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

let device: ReturnType<typeof aDevice>;
beforeEach(() => {
  device = aDevice();
});

test("O6: a page that could not be stored is stored with the next one, before its cursor", async () => {
  const { library } = device.openTab();
  device.stored.full = true;
  await library.takeFeed(1, [entry("a", 1)]);
  device.stored.full = false;
  await library.takeFeed(2, [entry("b", 2)]);
  const reloaded = device.openTab();
  await reloaded.library.ready;
  expect(reloaded.library.cursor()).toBe(2);
  expect(titles(reloaded)).toEqual(["b at 2", "a at 1"]);
});

test("O6: after the database was lost, what the tab knows is stored again with the cursor", async () => {
  const { library } = device.openTab();
  await library.takeFeed(1, [entry("a", 1)]);
  device.stored.records.clear();
  device.stored.cursor = 0;
  device.reopen();
  await library.takeFeed(2, [entry("b", 2)]);
  const reloaded = device.openTab();
  await reloaded.library.ready;
  expect(titles(reloaded)).toEqual(["b at 2", "a at 1"]);
});

test("O6: what another tab read from the feed ends a summary of ours that is not newer", async () => {
  const [one, other] = [device.openTab(), device.openTab()];
  other.library.summaryChanged(id("a"), { ...unsent("mine"), headSeq: 3 });
  await one.library.takeFeed(5, [entry("a", 5)]);
  await expect.poll(() => titles(other)).toEqual(["a at 5"]);
});

test("O6: what a tab told of an edit it never stored is shown no longer than two looks at the outbox", async () => {
  const { library, tell } = device.openTab();
  const { library: shown } = device.openTab();
  await library.takeFeed(1, [entry("a", 1)]);
  await expect.poll(() => titles({ library: shown })).toEqual(["a at 1"]);
  tell({ type: "summary", id: id("a"), local: unsent("typed, then gone") });
  expect(titles({ library: shown })).toEqual(["typed, then gone"]);
  shown.keepUnsent(new Set([id("a")]));
  shown.keepUnsent(new Set());
  expect(titles({ library: shown })).toEqual(["typed, then gone"]);
  shown.keepUnsent(new Set());
  expect(titles({ library: shown })).toEqual(["a at 1"]);
});
