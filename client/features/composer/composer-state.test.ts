import { expect, test } from "vitest";
import { composerView, sendsOn } from "./composer-state.ts";

const facts = { text: "Hello", online: true, model: "a/b", answering: false, promptWaits: false };

test("text that is only white space is not sent", () => {
  expect(composerView(facts).canSend).toBe(true);
  expect(composerView({ ...facts, text: " \n" }).canSend).toBe(false);
});

test("offline, a prompt can still be sent, and the line says when it goes out", () => {
  expect(composerView({ ...facts, online: false })).toEqual({ canSend: true, line: "offline" });
});

test("while an answer is written a prompt is queued after it", () => {
  expect(composerView({ ...facts, answering: true })).toEqual({ canSend: true, line: "queuedHint" });
});

test("while a prompt waits to go out the next one queues behind it", () => {
  expect(composerView({ ...facts, promptWaits: true })).toEqual({ canSend: true, line: "queuedHint" });
});

test("without a known model nothing is sent, and the line says why", () => {
  expect(composerView({ ...facts, model: "" })).toEqual({ canSend: false, line: "noModel" });
});

test("Enter sends, Shift+Enter breaks, and Enter in a composition belongs to the input method", () => {
  expect(sendsOn({ key: "Enter", shift: false, composing: false })).toBe(true);
  expect(sendsOn({ key: "Enter", shift: true, composing: false })).toBe(false);
  expect(sendsOn({ key: "Enter", shift: false, composing: true })).toBe(false);
  expect(sendsOn({ key: "a", shift: false, composing: false })).toBe(false);
});
