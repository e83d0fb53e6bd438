import { expect, test } from "vitest";
import { isClientRoute } from "./client-routes.ts";

test("a new chat and a chat are pages of the client", () => {
  expect(isClientRoute("/")).toBe(true);
  expect(isClientRoute("/c/01890000-0000-7000-8000-000000000000")).toBe(true);
});

test.each([
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
  "/c/",
  "/c/1",
  "/c/01890000-0000-7000-8000-000000000000/x",
  "//",
  "/nothing",
])("%s belongs to the server", (path) => {
  expect(isClientRoute(path)).toBe(false);
});
