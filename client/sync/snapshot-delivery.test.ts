import { expect, test } from "vitest";
import { createFakeClock } from "#tests/support/fake-clock.ts";
import type { SnapshotRound } from "./deliver-snapshots.ts";
import { openSnapshotDelivery } from "./snapshot-delivery.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function aDelivery(rounds: SnapshotRound[]) {
  const clock = createFakeClock();
  const connectivity = { online: () => true, onWake: () => () => undefined, onOffline: () => () => undefined };
  const deliver = async (): Promise<SnapshotRound> => rounds.shift() ?? { type: "done" };
  const delivery = openSnapshotDelivery(
    { clock, random: () => 0.5, connectivity },
    deliver,
    new AbortController().signal,
  );
  return { clock, look: delivery.look };
}

test("a round that does not know what else waits is made again, and what is added meanwhile goes out at once", async () => {
  const rounds: SnapshotRound[] = [{ type: "unknown" }, { type: "unknown" }, { type: "done" }, { type: "done" }];
  const { clock, look } = aDelivery(rounds);
  look();
  await turn();
  expect(rounds).toHaveLength(3);
  look();
  await turn();
  expect(rounds).toHaveLength(2);
  clock.advance(30_000);
  await turn();
  expect(rounds).toHaveLength(1);
  // Now it is known: nothing is left to be looked for.
  clock.advance(300_000);
  await turn();
  expect(rounds).toHaveLength(1);
});
