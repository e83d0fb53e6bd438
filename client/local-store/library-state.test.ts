import { expect, test } from "vitest";
import type { ConversationId } from "#shared/domain/ids.ts";
import type { ConversationEntry } from "#shared/protocol/http-bodies.ts";
import { aSummary } from "#tests/support/a-summary.ts";
import { isWantedStill } from "./erasure-state.ts";
import { libraryEntries, withFeedEntry, withLocal } from "./library-state.ts";
import type { SummaryRecord } from "./local-store.ts";

const id = (name: string): ConversationId => name as ConversationId;
const feed = (name: string, headSeq: number, activityAt: number): ConversationEntry => ({
  kind: "conversation",
  id: name,
  feedSeq: headSeq,
  epoch: 0,
  headSeq,
  activityAt,
  summary: aSummary(`${name} at ${headSeq}`),
});
const titles = (...records: SummaryRecord[]): string[] =>
  libraryEntries(new Map(records.map((record) => [record.id, record]))).map((entry) => entry.summary.title);

test("a change that waits for its ack shows instead of any feed entry", () => {
  const record = withLocal(id("a"), withFeedEntry(undefined, feed("a", 3, 1)), {
    summary: aSummary("mine"),
    changedAt: 2,
    headSeq: undefined,
  });
  expect(titles(record)).toEqual(["mine"]);
  expect(titles(withFeedEntry(record, feed("a", 4, 3)))).toEqual(["mine"]);
});

test("an acknowledged change shows until the feed is as new, and not a moment longer", () => {
  const record = withLocal(id("a"), withFeedEntry(undefined, feed("a", 3, 1)), {
    summary: aSummary("mine"),
    changedAt: 2,
    headSeq: 5,
  });
  expect(titles(withFeedEntry(record, feed("a", 4, 3)))).toEqual(["mine"]);
  expect(titles(withFeedEntry(record, feed("a", 5, 3)))).toEqual(["a at 5"]);
});

test("last active comes first; what holds nothing is not listed", () => {
  const empty = withLocal(id("c"), undefined, {
    summary: aSummary("", { messageCount: 0 }),
    changedAt: 9,
    headSeq: undefined,
  });
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
  const mended = { ...wrong, feedSeq: 6, summary: aSummary("mended") };
  expect(titles(withFeedEntry(withFeedEntry(undefined, wrong), mended))).toEqual(["mended"]);
  expect(titles(withFeedEntry(withFeedEntry(undefined, mended), wrong))).toEqual(["mended"]);
});

const isMarked = (record: SummaryRecord): boolean => record.changedAfterDeletion === true;
const local = (deleted: boolean, headSeq?: number) => ({
  summary: aSummary("mine", { deleted }),
  changedAt: 2,
  headSeq,
});
const deletion = (headSeq: number, deletedSeq = headSeq): ConversationEntry => {
  const entry = feed("a", headSeq, headSeq);
  return { ...entry, summary: { ...entry.summary, deleted: true }, deletedAt: 1, deletedSeq };
};
const known = (): SummaryRecord => withFeedEntry(undefined, feed("a", 3, 1));

test("C12: a deletion that comes while an edit of this device waits marks the chat as changed after it", () => {
  const marked = withFeedEntry(withLocal(id("a"), known(), local(false)), deletion(5));
  expect(isMarked(marked)).toBe(true);
  expect(isMarked(withFeedEntry(known(), deletion(5)))).toBe(false);
});

test("C12: an edit that reached the server after the deletion, before this device heard of it, counts too", () => {
  const late = withLocal(id("a"), known(), local(false, 7));
  expect(isMarked(withFeedEntry(late, deletion(8, 5)))).toBe(true);
  const early = withLocal(id("a"), known(), local(false, 4));
  expect(isMarked(withFeedEntry(early, deletion(8, 5)))).toBe(false);
});

test("C12: whoever deletes a chat on this device has not changed it after its deletion", () => {
  expect(isMarked(withFeedEntry(withLocal(id("a"), known(), local(true)), deletion(5)))).toBe(false);
});

test("C12: the mark goes when the chat is restored, here or elsewhere, and not by an older entry", () => {
  const marked = withFeedEntry(withLocal(id("a"), known(), local(false)), deletion(5));
  const synced = withLocal(id("a"), marked, local(true, 6));
  expect(isMarked(withFeedEntry(synced, feed("a", 2, 1)))).toBe(true);
  expect(isMarked(withLocal(id("a"), synced, local(false)))).toBe(false);
  expect(isMarked(withFeedEntry(withFeedEntry(synced, deletion(6, 5)), feed("a", 7, 3)))).toBe(false);
});

test("a wish to erase ends when the chat is restored", () => {
  const asked = { ...withFeedEntry(known(), deletion(5)), erasing: true };
  expect(withLocal(id("a"), asked, local(false)).erasing).toBeUndefined();
  expect(withFeedEntry(asked, feed("a", 6, 3)).erasing).toBeUndefined();
  expect(withFeedEntry(asked, deletion(6, 5)).erasing).toBe(true);
});

test("C13: a wish to erase ends with a restoring elsewhere, also where the feed never told of the deletion before", () => {
  const asked = { ...withLocal(id("a"), known(), local(true, 5)), erasing: true };
  expect(withFeedEntry(asked, feed("a", 6, 3)).erasing).toBeUndefined();
});

test("C13: a wish to erase stays while the deletion made here is newer than what the feed tells", () => {
  const unsent = { ...withLocal(id("a"), known(), local(true)), erasing: true };
  expect(withFeedEntry(unsent, feed("a", 6, 3)).erasing).toBe(true);
  const sent = { ...withLocal(id("a"), known(), local(true, 7)), erasing: true };
  expect(withFeedEntry(sent, feed("a", 6, 3)).erasing).toBe(true);
  expect(withFeedEntry(withFeedEntry(sent, feed("a", 6, 3)), deletion(7)).erasing).toBe(true);
});

test("C12: the mark goes with a restoring elsewhere while an edit of this device still waits", () => {
  const marked = withFeedEntry(withLocal(id("a"), known(), local(false)), deletion(5));
  expect(isMarked(withFeedEntry(marked, feed("a", 6, 3)))).toBe(false);
});

test("C13: an erased chat is listed as deleted where this device holds edits of it, and not at all where it does not", () => {
  const erased = { ...deletion(8), erased: true, summary: aSummary("", { messageCount: 0, deleted: true }) };
  const held = withFeedEntry(withLocal(id("a"), known(), local(false)), erased);
  const [entry] = libraryEntries(new Map([[held.id, held]]));
  expect(entry).toMatchObject({ erased: true, changedAfterDeletion: true, summary: { title: "mine", deleted: true } });
  expect(titles(withFeedEntry(known(), erased))).toEqual([]);
});

test("C13: edits are wanted still unless they were made by whoever deleted the chat, or had it erased", () => {
  expect(isWantedStill(withLocal(id("a"), known(), local(false)))).toBe(true);
  expect(isWantedStill(withLocal(id("a"), known(), local(true)))).toBe(false);
  expect(isWantedStill({ ...known(), local: local(true), changedAfterDeletion: true })).toBe(true);
  expect(isWantedStill({ ...known(), local: local(false), erasing: true })).toBe(false);
});
