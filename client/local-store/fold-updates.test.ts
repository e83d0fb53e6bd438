import * as Y from "yjs";
import { expect, test } from "vitest";
import { foldUpdates } from "./fold-updates.ts";

function updatesOf(edit: (doc: Y.Doc) => void): Uint8Array[] {
  const doc = new Y.Doc();
  const updates: Uint8Array[] = [];
  doc.on("update", (update: Uint8Array) => updates.push(update));
  edit(doc);
  return updates;
}

test("many updates become one small state with the same content, without deleted text", () => {
  const updates = updatesOf((doc) => {
    const text = doc.getText("draft");
    text.insert(0, "secret");
    text.delete(0, 6);
    for (let at = 0; at < 500; at++) text.insert(at, "x");
  });
  const { state, corrupt } = foldUpdates(updates);
  const doc = new Y.Doc();
  Y.applyUpdate(doc, state!);
  expect(doc.getText("draft").toJSON()).toBe("x".repeat(500));
  expect(corrupt).toEqual([]);
  expect(new TextDecoder().decode(state)).not.toContain("secret");
  expect(state!.length).toBeLessThan(600);
});

test("what is no update is left out and named, whatever it is", () => {
  const [good] = updatesOf((doc) => doc.getMap("meta").set("title", "kept"));
  const { state, corrupt } = foldUpdates([new Uint8Array([255, 255, 1]), good, "text", undefined, new Uint8Array()]);
  const doc = new Y.Doc();
  Y.applyUpdate(doc, state!);
  expect(doc.getMap("meta").get("title")).toBe("kept");
  expect(corrupt).toEqual([0, 2, 3, 4]);
});

test("nothing readable is no state", () => {
  expect(foldUpdates([])).toEqual({ state: undefined, corrupt: [] });
});
