import { expect, test } from "vitest";
import { shortcutOf } from "./shortcut-state.ts";

const press = { key: "", ctrl: false, meta: false, shift: false, alt: false, writing: false };

test("single keys are words while a person writes, and shortcuts elsewhere", () => {
  expect(shortcutOf({ ...press, key: "?", shift: true })).toBe("shortcuts");
  expect(shortcutOf({ ...press, key: "?", shift: true, writing: true })).toBeUndefined();
});

test("search and new chat work everywhere, with Ctrl and with Command", () => {
  expect(shortcutOf({ ...press, key: "k", ctrl: true, writing: true })).toBe("search");
  expect(shortcutOf({ ...press, key: "K", meta: true })).toBe("search");
  expect(shortcutOf({ ...press, key: "O", ctrl: true, shift: true })).toBe("new-chat");
  expect(shortcutOf({ ...press, key: "k" })).toBeUndefined();
});
