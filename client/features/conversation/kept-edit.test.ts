import { expect, test } from "vitest";
import type { MessageId } from "#shared/domain/ids.ts";
import { createKeptEdits } from "./kept-edit.ts";

function memoryStorage(): Pick<Storage, "getItem" | "setItem" | "removeItem"> {
  const values = new Map<string, string>();
  return {
    getItem: (key) => values.get(key) ?? null,
    setItem: (key, value) => void values.set(key, value),
    removeItem: (key) => void values.delete(key),
  };
}

test("an edit outlives its editor, per message, until it is sent or given up", () => {
  const storage = memoryStorage();
  const [one, two] = ["one" as MessageId, "two" as MessageId];
  const edits = createKeptEdits(() => storage);
  edits.keep(one, "half a new wor");
  edits.keep(two, "");
  const afterReload = createKeptEdits(() => storage);
  expect(afterReload.read(one)).toBe("half a new wor");
  expect(afterReload.read(two)).toBe("");
  afterReload.forget(one);
  expect(afterReload.read(one)).toBeUndefined();
  expect(afterReload.read(two)).toBe("");
});

test("refused storage fails no edit", () => {
  const edits = createKeptEdits(() => {
    throw new DOMException("denied", "SecurityError");
  });
  const id = "one" as MessageId;
  edits.keep(id, "words");
  expect(edits.read(id)).toBeUndefined();
  edits.forget(id);
});
