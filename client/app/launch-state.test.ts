import { expect, test } from "vitest";
import { addressOf, launchOf } from "./launch-state.ts";

const CHAT = "/c/01890000-0000-7000-8000-000000000000";
const opened = { path: "/", search: "", hash: "", installed: true, opened: true, lastPlace: CHAT };

test("the installed app goes on where it was left", () => {
  expect(launchOf(opened)).toEqual({ type: "resume", path: CHAT });
  expect(addressOf(launchOf(opened))).toBe(CHAT);
});

test("a page in the browser, a reload and coming back stay where they are", () => {
  expect(launchOf({ ...opened, installed: false })).toEqual({ type: "plain" });
  expect(launchOf({ ...opened, opened: false })).toEqual({ type: "plain" });
  expect(launchOf({ ...opened, path: CHAT, lastPlace: "/" })).toEqual({ type: "plain" });
  expect(addressOf({ type: "plain" })).toBeUndefined();
});

test("who left the app at a new chat finds a new chat", () => {
  expect(launchOf({ ...opened, lastPlace: "/" })).toEqual({ type: "plain" });
  expect(launchOf({ ...opened, lastPlace: undefined })).toEqual({ type: "plain" });
});

test.each(["/api/me", "https://evil.example/", "//evil.example", "/c/x", "javascript:alert(1)"])(
  "a place that is no page of the app (%s) is not gone to",
  (lastPlace) => {
    expect(launchOf({ ...opened, lastPlace })).toEqual({ type: "plain" });
  },
);

test("the shortcuts are followed, whatever was left open", () => {
  expect(launchOf({ ...opened, search: "?new" })).toEqual({ type: "new-chat" });
  expect(launchOf({ ...opened, search: "?search" })).toEqual({ type: "search" });
  expect(addressOf({ type: "new-chat" })).toBe("/");
  expect(addressOf({ type: "search" })).toBe("/");
});

test("shared text is taken, and stays in the address until it is stored", () => {
  const launch = launchOf({ ...opened, hash: "#share=Tides+%26+moons" });
  expect(launch).toEqual({ type: "share", text: "Tides & moons" });
  expect(addressOf(launch)).toBeUndefined();
  expect(launchOf({ ...opened, path: CHAT, hash: "#share=x" })).toEqual({ type: "plain" });
});
