import { expect, test } from "vitest";
import { isClientRoute, linkPageOf } from "./client-routes.ts";
import { OIDC_FAILED_PAGE } from "./oidc-bodies.ts";

test("a new chat, a chat and the check of a file are pages of the client", () => {
  expect(isClientRoute("/")).toBe(true);
  expect(isClientRoute("/c/01890000-0000-7000-8000-000000000000")).toBe(true);
  expect(isClientRoute("/verify")).toBe(true);
});

test.each([
  ["/account/verify", "verify"],
  ["/account/reset", "reset"],
  [OIDC_FAILED_PAGE, "failed"],
  ["/join", "join"],
])("%s, behind a link, is one too", (path, page) => {
  expect(isClientRoute(path)).toBe(true);
  expect(linkPageOf(path)).toBe(page);
});

test.each([
  "/account",
  "/account/verify/",
  "/join/x",
  "/api/me",
  "/api/auth/callback/google",
  "/sync/conversation.01890000-0000-7000-8000-000000000000.0",
  "/s/slug",
  "/s/slug.json",
  "/share",
  "/.well-known/jwks.json",
  "/healthz",
  "/readyz",
  "/metrics",
  "/sw.js",
  "/index.html",
  "/assets/index-abc.js",
  "/verify/",
  "/verify/x",
  "/c/",
  "/c/1",
  "/c/01890000-0000-7000-8000-000000000000/x",
  "//",
  "/nothing",
])("%s belongs to the server", (path) => {
  expect(isClientRoute(path)).toBe(false);
});
