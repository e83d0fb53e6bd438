import { expect, test } from "vitest";
import type { BulkParts } from "./bulk.ts";
import { openLateBulk } from "./late-bulk.ts";
import type { LoadBulk } from "./late-bulk.ts";
import type { PushOutcome } from "./push-outcome.ts";

test("code that is missing says nothing of the network, and is fetched again the next time", async () => {
  const pushed: PushOutcome = { type: "pushed", settled: [], left: [], later: [] };
  let tries = 0;
  const load: LoadBulk = async () => {
    if ((tries += 1) === 1) throw new TypeError("no such chunk");
    return () => ({
      pull: () => Promise.resolve("done" as const),
      push: () => Promise.resolve(pushed),
    });
  };
  const bulk = openLateBulk(load, {} as BulkParts, new AbortController().signal);
  expect(await bulk.push(new Set(), 1)).toEqual({ type: "failed", reached: undefined });
  expect(await bulk.push(new Set(), 1)).toEqual(pushed);
  expect(tries).toBe(2);
});
