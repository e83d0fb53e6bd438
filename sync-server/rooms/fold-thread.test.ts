import { afterEach, expect, test } from "vitest";
import * as Y from "yjs";
import { foldLog } from "./compaction.ts";
import { openFoldThread } from "./fold-thread.ts";

const folding = openFoldThread();
afterEach(() => folding.close());

function logOf(updates: number): Uint8Array[] {
  const doc = new Y.Doc();
  const log: Uint8Array[] = [];
  doc.on("update", (bytes: Uint8Array) => log.push(bytes));
  for (let at = 0; at < updates; at++) doc.getText("draft").insert(0, `word${at} `);
  return log;
}

test("R17: a log is folded as on the event loop, which goes on meanwhile", async () => {
  const log = logOf(300);
  const state = { folded: false };
  let turns = 0;
  const count = (): void => {
    turns += 1;
    if (!state.folded) setImmediate(count);
  };
  setImmediate(count);
  const [whole, broken] = await Promise.all([folding.fold(log), folding.fold(log.slice(1))]);
  state.folded = true;
  expect(whole).toEqual(foldLog(log));
  expect(broken).toEqual({ ok: false, failure: "not-whole" });
  expect(turns).toBeGreaterThan(1);
  const closing = folding.fold(log);
  await folding.close();
  await expect(closing).rejects.toThrow("ended");
  await expect(folding.fold(log)).rejects.toThrow("closed");
});
