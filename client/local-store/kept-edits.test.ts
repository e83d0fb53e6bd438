import { expect, test } from "vitest";
import type { ConversationId, MessageId } from "#shared/domain/ids.ts";
import { createKeptEdits } from "./kept-edits.ts";

const [chat, otherChat] = ["chat" as ConversationId, "chat2" as ConversationId];
const [one, two] = ["one" as MessageId, "two" as MessageId];

function memoryStorage(room = Infinity) {
  const values = new Map<string, string>();
  return {
    getItem: (key: string) => values.get(key) ?? null,
    setItem(key: string, value: string) {
      if (values.size >= room && !values.has(key)) throw new DOMException("full", "QuotaExceededError");
      values.set(key, value);
    },
    removeItem: (key: string) => void values.delete(key),
    key: (index: number) => [...values.keys()][index] ?? null,
    get length() {
      return values.size;
    },
  };
}

test("an edit outlives its editor, per message, until it is sent or given up", () => {
  const storage = memoryStorage();
  const edits = createKeptEdits(() => storage, chat);
  edits.keep(one, "half a new wor");
  edits.keep(two, "");
  const afterReload = createKeptEdits(() => storage, chat);
  expect(afterReload.read(one)).toBe("half a new wor");
  expect(afterReload.read(two)).toBe("");
  afterReload.forget(one);
  expect(afterReload.read(one)).toBeUndefined();
  expect(afterReload.read(two)).toBe("");
});

test("an erased chat takes its edits with it, and nothing else", () => {
  const storage = memoryStorage();
  storage.setItem("holdfast.theme", "dark");
  const edits = createKeptEdits(() => storage, chat);
  const others = createKeptEdits(() => storage, otherChat);
  edits.keep(one, "a secret");
  others.keep(one, "stays");
  edits.keep(two, "another secret");
  edits.forgetAll();
  expect([edits.read(one), edits.read(two), others.read(one)]).toEqual([undefined, undefined, "stays"]);
  expect(storage.length).toBe(2);
});

test("the edits of a chat go over to its copy, also where there is no room for both", () => {
  const storage = memoryStorage(1);
  const edits = createKeptEdits(() => storage, chat);
  edits.keep(one, "half a new wor");
  edits.moveTo(otherChat);
  const copied = createKeptEdits(() => storage, otherChat);
  expect([copied.read(one), edits.read(one)]).toEqual(["half a new wor", undefined]);
});

test("refused storage fails no edit", () => {
  const edits = createKeptEdits(() => {
    throw new DOMException("denied", "SecurityError");
  }, chat);
  edits.keep(one, "words");
  expect(edits.read(one)).toBeUndefined();
  edits.forget(one);
  edits.moveTo(otherChat);
  edits.forgetAll();
});
