import { expect, test } from "vitest";
import type { MessageId } from "#shared/domain/ids.ts";
import type { UserMessage } from "#shared/domain/message.ts";
import { ROWS_A_BATCH, branchRows, rowBatches } from "./branch-rows.ts";
import type { Row } from "./branch-rows.ts";

const prompt = (at: number, text = `prompt ${at}`): UserMessage => ({
  id: `p${at}` as MessageId,
  parentId: undefined,
  role: "user",
  text,
  createdAt: 0,
  plannedRun: undefined,
});
const prompts = Array.from({ length: 2 * ROWS_A_BATCH + 1 }, (_, at) => prompt(at));
const rowsOf = (branch: readonly UserMessage[]): Row[] => branchRows(branch, () => false);

test("batches hold every row once, in order", () => {
  const rows = rowsOf(prompts);
  const batches = rowBatches(rows, []);
  expect(batches.map((batch) => batch.length)).toEqual([ROWS_A_BATCH, ROWS_A_BATCH, 1]);
  expect(batches.flat()).toEqual(rows);
  expect(rowBatches([], [])).toEqual([]);
});

test("a change renews the batch it is in and no other one", () => {
  const before = rowBatches(rowsOf(prompts), []);
  const changed = prompts.with(ROWS_A_BATCH, prompt(ROWS_A_BATCH, "other words"));
  const after = rowBatches(rowsOf([...changed, prompt(1_000)]), before);
  expect(after.map((batch, index) => batch === before[index])).toEqual([true, false, false]);
  expect(after.flat().at(-1)?.key).toBe("p1000");
});
