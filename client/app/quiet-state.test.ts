import { expect, test } from "vitest";
import { TYPING_MS, isQuiet, mayReloadFor } from "./quiet-state.ts";

const still = {
  now: 100_000,
  typedAt: 100_000 - TYPING_MS,
  writing: false,
  streaming: false,
  hidden: false,
  onlyHere: false,
};

test("a page is quiet ten seconds after the last key, with no words under the cursor and no answer coming in", () => {
  expect(isQuiet(still)).toBe(true);
  expect(isQuiet({ ...still, typedAt: still.typedAt + 1 })).toBe(false);
  expect(isQuiet({ ...still, writing: true })).toBe(false);
  expect(isQuiet({ ...still, streaming: true })).toBe(false);
});

test("where nobody looks nobody is typing, but an answer still comes in", () => {
  expect(isQuiet({ ...still, hidden: true, typedAt: still.now, writing: true })).toBe(true);
  expect(isQuiet({ ...still, hidden: true, streaming: true })).toBe(false);
});

test("P1: words that are in this window only are lost with it, whether somebody looks or not", () => {
  expect(isQuiet({ ...still, onlyHere: true })).toBe(false);
  expect(isQuiet({ ...still, onlyHere: true, hidden: true })).toBe(false);
});

test("A11: a missing part is worth one reload for each build, online, and when nobody is disturbed", () => {
  const missing = { online: true, quiet: true, build: "b-1.js", reloadedFor: undefined };
  expect(mayReloadFor(missing)).toBe(true);
  expect(mayReloadFor({ ...missing, online: false })).toBe(false);
  expect(mayReloadFor({ ...missing, quiet: false })).toBe(false);
  expect(mayReloadFor({ ...missing, reloadedFor: "b-1.js" })).toBe(false);
  expect(mayReloadFor({ ...missing, build: "b-2.js", reloadedFor: "b-1.js" })).toBe(true);
});
