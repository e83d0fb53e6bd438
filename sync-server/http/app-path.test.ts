import { expect, test } from "vitest";
import { appPath } from "./app-path.ts";

test.each(["/", "/trash", "/c/0192f1c0-7f00-7000-8000-000000000000", "/trash?a=%2F%2Fb#c", "/#x"])(
  "%s is a page of the app",
  (page) => {
    expect(appPath(page)).toBe(page);
  },
);

test.each([
  undefined,
  "",
  "//evil.example",
  "///evil.example",
  "/\\evil.example",
  "\\\\evil.example",
  "/\t/evil.example",
  "/%09/evil.example",
  "/%5cevil.example",
  "/%2f%2fevil.example",
  "/..//evil.example",
  "/.//evil.example",
  "/;@evil.example",
  "https://evil.example/",
  "https:evil.example",
  "http://app.invalid@evil.example/trash",
  "javascript:alert(1)",
  "data:text/html,x",
  "/api/auth/sign-out",
  "/s/share",
  "/no-page",
  "/trash\r\nset-cookie: a=b",
  "http://[",
])("row 28: %j leads to the first page", (page) => {
  expect(appPath(page)).toBe("/");
});
