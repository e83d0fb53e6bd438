import { expect, test } from "vitest";
import type { ConversationId } from "#shared/domain/ids.ts";
import type { FeedEntry } from "#shared/protocol/http-bodies.ts";
import { libraryEntries, withFeedEntry, withLocal } from "./library-state.ts";
import type { SummaryRecord } from "./local-store.ts";

const summary = (title: string, messageCount = 1) => ({
  title,
  excerpt: "",
  pinned: false,
  archived: false,
  deleted: false,
  tags: [],
  messageCount,
});
const id = (name: string): ConversationId => name as ConversationId;
const feed = (name: string, headSeq: number, activityAt: number): FeedEntry => ({
  kind: "conversation",
  id: name,
  feedSeq: headSeq,
  epoch: 0,
  headSeq,
  activityAt,
  summary: summary(`${name} at ${headSeq}`),
});
const titles = (...records: SummaryRecord[]): string[] =>
  libraryEntries(new Map(records.map((record) => [record.id, record]))).map((entry) => entry.summary.title);

test("a change that waits for its ack shows instead of any feed entry", () => {
  const record = withLocal(id("a"), withFeedEntry(undefined, feed("a", 3, 1)), {
    summary: summary("mine"),
    changedAt: 2,
    headSeq: undefined,
  });
  expect(titles(record)).toEqual(["mine"]);
  expect(titles(withFeedEntry(record, feed("a", 4, 3)))).toEqual(["mine"]);
});

test("an acknowledged change shows until the feed is as new, and not a moment longer", () => {
  const record = withLocal(id("a"), withFeedEntry(undefined, feed("a", 3, 1)), {
    summary: summary("mine"),
    changedAt: 2,
    headSeq: 5,
  });
  expect(titles(withFeedEntry(record, feed("a", 4, 3)))).toEqual(["mine"]);
  expect(titles(withFeedEntry(record, feed("a", 5, 3)))).toEqual(["a at 5"]);
});

test("last active comes first; what holds nothing is not listed", () => {
  const empty = withLocal(id("c"), undefined, { summary: summary("", 0), changedAt: 9, headSeq: undefined });
  expect(titles(withFeedEntry(undefined, feed("a", 1, 1)), withFeedEntry(undefined, feed("b", 1, 2)), empty)).toEqual([
    "b at 1",
    "a at 1",
  ]);
});

test("O6: an entry that a slower tab read long ago does not take the place of a later one", () => {
  const later = withFeedEntry(undefined, feed("a", 5, 2));
  expect(withFeedEntry(later, feed("a", 3, 1)).feed?.headSeq).toBe(5);
  expect(withFeedEntry(later, { ...feed("a", 1, 3), epoch: 1, feedSeq: 6 }).feed).toMatchObject({ epoch: 1 });
});

test("O6: a summary made anew from the same log takes the place of the one that was wrong, and keeps it", () => {
  const wrong = feed("a", 5, 2);
  const mended = { ...wrong, feedSeq: 6, summary: summary("mended") };
  expect(titles(withFeedEntry(withFeedEntry(undefined, wrong), mended))).toEqual(["mended"]);
  expect(titles(withFeedEntry(withFeedEntry(undefined, mended), wrong))).toEqual(["mended"]);
});
