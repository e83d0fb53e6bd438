import { expect, test } from "vitest";
import type { AccountId, WorkspaceId } from "#shared/domain/ids.ts";
import { createFakeClock } from "#tests/support/fake-clock.ts";
import { createFeedTeller } from "./feed-teller.ts";

const owner = (name: string) => ({ accountId: name as AccountId, workspaceId: "w" as WorkspaceId });

function aTeller() {
  const clock = createFakeClock();
  const told: string[] = [];
  const teller = createFeedTeller(clock, ({ accountId }) => told.push(accountId));
  return { clock, told, teller };
}

test("R19: a feed that moves all the time is told of soon, then once a second", () => {
  const { clock, told, teller } = aTeller();
  for (let at = 0; at < 100; at++) {
    teller.moved(owner("ann"));
    clock.advance(50);
  }
  expect(told).toHaveLength(5);
});

test("R19: the last move is told of, and each owner has a rest of its own", () => {
  const { clock, told, teller } = aTeller();
  teller.moved(owner("ann"));
  clock.advance(250);
  expect(told).toEqual(["ann"]);
  teller.moved(owner("ann"));
  teller.moved(owner("bob"));
  clock.advance(250);
  expect(told).toEqual(["ann", "bob"]);
  clock.advance(750);
  expect(told).toEqual(["ann", "bob", "ann"]);
  clock.advance(10_000);
  expect(told).toHaveLength(3);
});

test("nothing is told after the end", () => {
  const { clock, told, teller } = aTeller();
  teller.moved(owner("ann"));
  teller.close();
  clock.advance(10_000);
  expect(told).toEqual([]);
});
