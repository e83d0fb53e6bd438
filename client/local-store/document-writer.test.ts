import { expect, test } from "vitest";
import type { ConversationId } from "#shared/domain/ids.ts";
import { err, ok } from "#shared/lib/result.ts";
import { createFakeClock } from "#tests/support/fake-clock.ts";
import { createDocumentWriter } from "./document-writer.ts";
import type { RunCommand } from "./run-command.ts";
import type { DocumentWrite, LocalStore } from "./local-store.ts";

const nothing = (): void => undefined;

/** A writer over a store that answers `settle` as the test says; one that keeps nothing answers nothing at all. */
function aWriter(settles: ("ok" | "unavailable")[], health: "ok" | "none" = "ok") {
  const clock = createFakeClock();
  const settled: (readonly number[])[] = [];
  const told: unknown[] = [];
  let key = 0;
  const store = {
    health: () => ({ type: health }),
    write: async ({ local, state }: DocumentWrite) => ok(local || state?.pending === true ? (key += 1) : undefined),
    async settle(_id: string, keys: readonly number[]) {
      settled.push(keys);
      return settles.shift() === "unavailable" ? err("unavailable" as const) : ok(undefined);
    },
    compact: async () => ok(0),
  } as unknown as LocalStore;
  const writer = createDocumentWriter(
    {
      id: "c" as ConversationId,
      epoch: () => 0,
      state: () => new Uint8Array(),
      summary: () => ({
        title: "",
        excerpt: "",
        pinned: false,
        archived: false,
        deleted: false,
        tags: [],
        messageCount: 0,
      }),
      stored: (update) => void told.push(update),
      acknowledged: nothing,
      settled: nothing,
      commandStored: ({ runId }) => void told.push(runId),
      wanted: () => true,
      changed: nothing,
    },
    store,
    clock,
  );
  return { writer, clock, settled, told };
}
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("O9: an outbox row that could not be removed is removed a second later, though nothing else happens", async () => {
  const { writer, clock, settled } = aWriter(["unavailable", "ok"]);
  writer.local(1, new Uint8Array([1]));
  await writer.flush();
  writer.acknowledged(1, 1);
  await turn();
  expect(writer.outbox()).toEqual([1]);
  clock.advance(1_000);
  await turn();
  expect(writer.outbox()).toEqual([]);
  expect(settled).toEqual([[1], [1]]);
});

test("O9: keys of a database that was lost are not removed from the one that took its place", async () => {
  const { writer, clock, settled } = aWriter(["unavailable"]);
  writer.local(1, new Uint8Array([1]));
  await writer.flush();
  writer.acknowledged(1, 1);
  writer.rewrite("reopened");
  await turn();
  clock.advance(10_000);
  await turn();
  expect(settled).toEqual([[1]]);
  expect(writer.outbox()).toEqual([]);
});

test("P4: where nothing is kept an edit is stored once the server has it; other windows get it, and commands wait", async () => {
  const { writer, clock, told } = aWriter([], "none");
  writer.local(1, new Uint8Array([1]));
  writer.command({ runId: "run-1" } as RunCommand);
  await writer.flush();
  expect(told).toEqual(["run-1", new Uint8Array([1])]);
  expect([writer.unstored(), writer.unstoredEdits(), writer.outbox()]).toEqual([true, true, []]);
  // Nothing is tried again: there is nothing to try.
  clock.advance(60_000);
  await turn();
  expect(told).toHaveLength(2);
  writer.acknowledged(1, 1);
  expect([writer.unstored(), writer.unstoredEdits()]).toEqual([false, false]);
});
