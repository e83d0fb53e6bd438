import { expect, test } from "vitest";
import { runSoak } from "./soak.ts";

test("the soak's load does what it says for a third of a minute, and nothing fails", { timeout: 90_000 }, async () => {
  const { samples, counts, failures, left } = await runSoak({ minutes: 0.35, sampleMs: 3000, say: () => undefined });
  expect(failures).toEqual([]);
  expect(counts["conversations"]).toBeGreaterThanOrEqual(200);
  for (const what of ["edits", "reloads", "runs", "readersGone"])
    expect([what, counts[what]! > 0]).toEqual([what, true]);
  const last = samples.at(-1)!;
  expect(last.rooms).toBeGreaterThanOrEqual(last.sockets);
  expect([last.sockets > 150, last.rssMb > 0, last.heapMb > 0, last.runsEnded > 0]).toEqual([true, true, true, true]);
  // Everybody left: nothing holds on to them.
  expect([left.sockets, left.followers]).toEqual([0, 0]);
});
