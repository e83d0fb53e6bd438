import { expect, onTestFinished, test, vi } from "vitest";
import { createGroupCommit } from "./group-commit.ts";
import type { CheckedStatement, CommitOutcomes, StoreAnswer } from "./sqlite-messages.ts";

const item = (sql: string): CheckedStatement[] => [{ sql, parameters: [] }];

/** A store that answers when told to, and remembers what it was given. */
function aStore() {
  const groups: string[][] = [];
  const answers: ((answer: StoreAnswer) => void)[] = [];
  return {
    groups,
    write: (items: (readonly CheckedStatement[])[]): Promise<StoreAnswer> => {
      groups.push(items.map(([statement]) => statement!.sql));
      return new Promise((resolve) => answers.push(resolve));
    },
    answer: (outcomes: CommitOutcomes) => answers.shift()!({ kind: "outcomes", outcomes }),
    fail: (answer: StoreAnswer) => answers.shift()!(answer),
  };
}
const patient = { gatherMs: 3_600_000, groupSize: 3, queueLimit: 5 };
const eager = { ...patient, gatherMs: 0 };

test("a full group is written at once, and what comes meanwhile is the next group", async () => {
  const store = aStore();
  const commits = createGroupCommit(store.write, eager);
  const first = ["a", "b", "c", "d"].map((sql) => commits.add(item(sql)));
  const second = commits.add(item("e"));
  expect(store.groups).toEqual([["a", "b", "c"]]);
  store.answer([undefined, undefined, undefined]);
  await Promise.all(first.slice(0, 3));
  expect(store.groups).toEqual([
    ["a", "b", "c"],
    ["d", "e"],
  ]);
  store.answer([undefined, undefined]);
  await Promise.all([...first, second]);
});

test("an idle queue waits for the rest of the turn, then writes", async () => {
  const store = aStore();
  const commits = createGroupCommit(store.write, patient);
  const added = [commits.add(item("a")), commits.add(item("b"))];
  expect(store.groups).toEqual([]);
  await expect.poll(() => store.groups).toEqual([["a", "b"]]);
  store.answer([undefined, undefined]);
  await Promise.all(added);
});

test("a transaction begins no sooner after the one before than it takes to gather company", async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const store = aStore();
  const commits = createGroupCommit(store.write, { ...patient, gatherMs: 10 });
  const first = commits.add(item("a"));
  await vi.advanceTimersByTimeAsync(0);
  store.answer([undefined]);
  await first;

  const later = [commits.add(item("b")), commits.add(item("c"))];
  await vi.advanceTimersByTimeAsync(9);
  expect(store.groups).toEqual([["a"]]);
  await vi.advanceTimersByTimeAsync(1);
  expect(store.groups).toEqual([["a"], ["b", "c"]]);
  store.answer([undefined, undefined]);
  await Promise.all(later);
});

test("each item gets its own outcome", async () => {
  const store = aStore();
  const commits = createGroupCommit(store.write, patient);
  const [a, b, c] = ["a", "b", "c"].map((sql) => commits.add(item(sql)));
  const outcomes = Promise.allSettled([a, b, c]);
  store.answer([undefined, { kind: "conflict", code: "CHANGES", message: "0 rows" }, undefined]);
  expect((await outcomes).map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  await expect(b).rejects.toMatchObject({ failure: "conflict" });
});

test("a store that could not write refuses the whole group, and the queue goes on", async () => {
  const store = aStore();
  const commits = createGroupCommit(store.write, eager);
  const added = ["a", "b", "c", "d"].map((sql) => commits.add(item(sql)));
  const outcomes = Promise.allSettled(added);
  store.fail({ kind: "failed", failure: { kind: "unavailable", code: "SQLITE_FULL", message: "disk is full" } });
  await expect(added[0]).rejects.toMatchObject({ failure: "unavailable" });
  await expect.poll(() => store.groups.length).toBe(2);
  store.answer([undefined]);
  expect((await outcomes).map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected", "fulfilled"]);
});

test("a queue that is too long refuses more", async () => {
  const store = aStore();
  const commits = createGroupCommit(store.write, patient);
  const added = Array.from({ length: 8 }, () => commits.add(item("a")));
  const overflow = commits.add(item("one too many"));
  await expect(overflow).rejects.toMatchObject({ failure: "unavailable" });
  store.answer([undefined, undefined, undefined]);
  await Promise.all(added.slice(0, 3));
});
