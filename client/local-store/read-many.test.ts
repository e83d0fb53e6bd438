import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { beforeEach, expect, test, vi } from "vitest";
import type { ConversationId } from "#shared/domain/ids.ts";
import { openDatabase } from "./open-database.ts";
import { documentRecord } from "./read-document.ts";
import { readMany } from "./read-many.ts";

const STORED = 400;
const id = (number: number): ConversationId => `chat-${String(number).padStart(4, "0")}` as ConversationId;
const ids = (from: number, count: number, step = 1): ConversationId[] =>
  Array.from({ length: count }, (_, at) => id(from + at * step));

beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
});

/** Asks for these, of which the first four hundred, by their numbers, are stored; answers what came, with how many requests. */
async function ask(name: "documents" | "summaries", keys: readonly ConversationId[]) {
  const database = openDatabase("device");
  const read = await database.run("readwrite", ["documents", "summaries"], async (transaction) => {
    for (const one of ids(0, STORED)) {
      await transaction.objectStore("documents").put(documentRecord(one, 0, new Uint8Array(2)));
      await transaction.objectStore("summaries").put({ id: one, feed: undefined, local: undefined });
    }
    const methods = ["get", "getAll", "getAllKeys", "count"] as const;
    const spies = methods.map((method) => vi.spyOn(IDBObjectStore.prototype, method));
    const records = await readMany(transaction, name, keys);
    const requests = spies.reduce((sum, { mock }) => sum + mock.calls.length, 0);
    vi.restoreAllMocks();
    return { records, requests };
  });
  database.close();
  if (!read.ok) throw new Error(read.failure);
  const { records, requests } = read.value;
  const found = [...records].flatMap(([key, record]) => (record === undefined ? [] : [{ key, of: record.id }]));
  return { found, requests };
}

test.each([
  ["few", "summaries", ids(395, 10), ids(395, 5), 10],
  ["many that are new here", "summaries", ids(1_000, 80), [], 1],
  ["many that are new here, but one, with too much between them", "summaries", [id(0), ...ids(1_000, 25)], [id(0)], 27],
  ["many that are new here, between others", "summaries", [id(0), ...ids(1_000, 80)], [id(0)], 2],
  ["many close together", "summaries", ids(330, 100), ids(330, 70), 2],
  ["many of which each other one is wanted", "summaries", ids(0, 30, 2), ids(0, 30, 2), 2],
  ["many with much between them", "summaries", ids(0, 30, 3), ids(0, 30, 3), 31],
  ["documents close together", "documents", ids(330, 100), ids(330, 70), 71],
  ["none", "documents", [], [], 0],
] as const)("%s: what is stored under the keys is found, and nothing else", async (_, name, keys, stored, requests) => {
  expect(await ask(name, keys)).toEqual({ found: stored.map((key) => ({ key, of: key })), requests });
});
