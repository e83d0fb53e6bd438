import { expect, test } from "vitest";
import type { SnapshotEntry } from "#client/local-store/snapshots.ts";
import type { SnapshotId } from "#shared/domain/ids.ts";
import { isClientRoute } from "#shared/protocol/client-routes.ts";
import { LIVE, compareAddress, comparedOf, withChosen } from "./compare-address-state.ts";

const OLD = "01890000-0000-7000-8000-000000000001" as SnapshotId;
const NEW = "01890000-0000-7000-8000-000000000002" as SnapshotId;
const versions = [OLD, NEW].map((id, index) => ({ summary: { id, number: index + 1 } }) as SnapshotEntry);

test("the older of two stands on the left, and the chat as it is now always on the right", () => {
  expect(compareAddress([NEW, OLD], versions)).toBe(`/compare/${OLD}/${NEW}`);
  expect(compareAddress([LIVE, NEW], versions)).toBe(`/compare/${NEW}/live`);
  expect(compareAddress([NEW], versions)).toBeUndefined();
});

test("a comparison has an address that the server and the worker know, and that reads back", () => {
  const address = compareAddress([LIVE, OLD], versions) ?? "";
  expect(comparedOf(address)).toEqual({ left: OLD, right: LIVE });
  expect(isClientRoute(address)).toBe(true);
  expect(isClientRoute(`/snapshots/${OLD}`)).toBe(true);
  expect(comparedOf(`/compare/live/${OLD}`)).toBeUndefined();
  expect(comparedOf(`/compare/${OLD}`)).toBeUndefined();
});

test("of three that are chosen the first goes", () => {
  expect(withChosen([OLD, NEW], LIVE)).toEqual([NEW, LIVE]);
  expect(withChosen([OLD, NEW], OLD)).toEqual([NEW]);
});
