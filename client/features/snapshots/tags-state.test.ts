import { expect, test } from "vitest";
import { MOST_TAGS, TAG_LENGTH } from "#shared/domain/snapshot.ts";
import { splitTyped, suggestedTags, withTyped } from "./tags-state.ts";

test("a comma finishes a tag; what stands behind the last one is still being typed", () => {
  expect(splitTyped(["sea"], "tides")).toEqual({ tags: ["sea"], rest: "tides" });
  expect(splitTyped(["sea"], "tides, moo")).toEqual({ tags: ["sea", "tides"], rest: "moo" });
  expect(splitTyped([], "a, ,b,")).toEqual({ tags: ["a", "b"], rest: "" });
});

test("a tag is kept once, on one line, and no longer than a tag may be", () => {
  expect(withTyped(["sea"], "  sea ,low   water\n")).toEqual(["sea", "low water"]);
  expect(withTyped([], "x".repeat(TAG_LENGTH + 5))).toEqual(["x".repeat(TAG_LENGTH)]);
  const full = Array.from({ length: MOST_TAGS }, (_, index) => `tag ${index}`);
  expect(withTyped(full, "one more")).toEqual(full);
});

test("what is there already is not suggested", () => {
  expect(suggestedTags(["sea", "work"], ["sea"])).toEqual(["work"]);
});
