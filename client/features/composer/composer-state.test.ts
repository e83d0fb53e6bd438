import { expect, test } from "vitest";
import { composerView, sendsOn } from "./composer-state.ts";

const facts = { text: "Hello", online: true, model: "a/b", answering: false, promptWaits: false, wished: undefined };

test("text that is only white space is not sent", () => {
  expect(composerView(facts).sendKey).toBe("sends");
  expect(composerView({ ...facts, text: " \n" }).sendKey).toBe("nothing");
});

test("offline, a prompt can still be sent, and the line says when it goes out", () => {
  expect(composerView({ ...facts, online: false })).toEqual({ sendKey: "sends", line: "offline" });
});

test("while an answer is written a prompt is queued after it", () => {
  expect(composerView({ ...facts, answering: true })).toEqual({ sendKey: "sends", line: "queuedHint" });
});

test("while a prompt waits to go out the next one queues behind it", () => {
  expect(composerView({ ...facts, promptWaits: true })).toEqual({ sendKey: "sends", line: "queuedHint" });
});

test("before a model is known the wish to send is kept, for exactly those words", () => {
  const early = { ...facts, model: "" };
  expect(composerView(early)).toEqual({ sendKey: "waits", line: "noModel" });
  expect(composerView({ ...early, wished: "Hello" })).toEqual({ sendKey: "nothing", line: "waitsForModel" });
  expect(composerView({ ...early, wished: "Hello", online: false }).line).toBe("waitsForModel");
  expect(composerView({ ...early, text: "Hello you", wished: "Hello" })).toEqual({ sendKey: "waits", line: "noModel" });
  expect(composerView({ ...early, text: "", wished: undefined }).sendKey).toBe("nothing");
});

test("Enter sends, Shift+Enter breaks, and Enter in a composition belongs to the input method", () => {
  expect(sendsOn({ key: "Enter", shift: false, composing: false })).toBe(true);
  expect(sendsOn({ key: "Enter", shift: true, composing: false })).toBe(false);
  expect(sendsOn({ key: "Enter", shift: false, composing: true })).toBe(false);
  expect(sendsOn({ key: "a", shift: false, composing: false })).toBe(false);
});
