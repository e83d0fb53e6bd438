import { expect, test } from "vitest";
import type { LibraryEntry } from "#client/local-store/library.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import { aSummary } from "#tests/support/a-summary.ts";
import { isChatGone } from "./chat-gone.ts";

const id = "chat" as ConversationId;
const known: LibraryEntry = {
  id,
  summary: aSummary("A chat", { deleted: true }),
  activityAt: 1,
  deletedAt: 1,
  changedAfterDeletion: false,
  erased: false,
  erasing: false,
};
const library = (loaded: boolean, ...entries: LibraryEntry[]) => ({ loaded: () => loaded, entries: () => entries });

test("a chat can be gone to where the library knows it, in the trash too, and not where it was erased or never was", () => {
  expect(isChatGone(library(true, known), id)).toBe(false);
  expect(isChatGone(library(true, { ...known, erased: true }), id)).toBe(true);
  expect(isChatGone(library(true, { ...known, id: "another" as ConversationId }), id)).toBe(true);
});

test("nothing is said of a chat before the library is read", () => {
  expect(isChatGone(library(false), id)).toBe(false);
  expect(isChatGone(library(true), id)).toBe(true);
});
