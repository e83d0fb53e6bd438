import { expect, test } from "vitest";
import type { ConversationId } from "#shared/domain/ids.ts";
import { err, ok } from "#shared/lib/result.ts";
import { createFakeClock } from "#tests/support/fake-clock.ts";
import { createDocumentWriter } from "./document-writer.ts";
import type { DocumentWrite, LocalStore } from "./local-store.ts";

const nothing = (): void => undefined;

/** A writer over a store that answers `settle` as the test says. */
function aWriter(settles: ("ok" | "unavailable")[]) {
  const clock = createFakeClock();
  const settled: (readonly number[])[] = [];
  let key = 0;
  const store = {
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
      stored: nothing,
      acknowledged: nothing,
      settled: nothing,
      commandStored: nothing,
      wanted: () => true,
      changed: nothing,
    },
    store,
    clock,
  );
  return { writer, clock, settled };
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
