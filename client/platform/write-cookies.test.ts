import { expect, test } from "vitest";
import { writeCookies } from "./write-cookies.ts";

test("a cookie of no address changes so often that Chromium writes all of them down, and is gone then", () => {
  const set: string[] = [];
  writeCookies({
    get cookie() {
      return "";
    },
    set cookie(text) {
      set.push(text);
    },
  });
  const last = set.at(-1) ?? "";
  const changes = set.slice(0, -1);
  expect(new Set(changes).size).toBe(512);
  expect(changes.every((text) => /^holdfast-write=\d+; max-age=60; path=\/nothing/u.test(text))).toBe(true);
  expect(last).toMatch(/^holdfast-write=; max-age=0; path=\/nothing/u);
});
