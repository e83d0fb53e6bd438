import { expect } from "@playwright/test";
import { answer } from "#tests/support/provider-behaviour.ts";
import { signInGuest } from "#tests/support/guest.ts";
import { test } from "./fixtures.ts";

test("P8: another guest gets 404 for everything of the first", { tag: "@devtools" }, async ({ chat, app }) => {
  app.provider.script(answer("a secret answer", { pace: "gated" }));
  const { runId, request } = await chat.sendAndSeeRun("a secret question");
  await app.provider.release(1);
  const body = request.postData() ?? "";
  const { conversationId } = request.postDataJSON() as { conversationId: string };
  const stranger = await signInGuest(app.url);
  const json = { "content-type": "application/json" };
  const attempts: [string, RequestInit][] = [
    [`/api/runs/${runId}`, {}],
    [`/api/runs/${runId}/events`, {}],
    [`/api/runs/${runId}/events?after=0`, { headers: { accept: "text/event-stream" } }],
    [`/api/runs/${runId}/stop`, { method: "POST" }],
    [`/api/runs/${runId}`, { method: "PUT", body, headers: json }],
  ];
  for (const [path, init] of attempts) {
    const response = await stranger.fetch(path, init);
    expect([init.method ?? "GET", path, response.status]).toEqual([init.method ?? "GET", path, 404]);
    const text = await response.text();
    expect(text).not.toContain("secret");
    expect(text).not.toContain(conversationId);
  }
  const feed = (await (await stranger.fetch("/api/sync/feed")).json()) as { entries: unknown[] };
  expect(feed.entries).toEqual([]);
  expect(app.provider.requests[0]!.outcome).toBeUndefined();
  await app.provider.release(Number.POSITIVE_INFINITY);
  await expect(chat.lastArticle).toContainText("a secret answer");
  expect(app.provider.requests).toHaveLength(1);
});

test("P8: a stranger who opens the link sees that nothing is here", async ({ chat, browser }) => {
  await chat.send("a secret question");
  await expect(chat.articles).toHaveCount(2);
  await chat.saved();
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(chat.page.url());
  await expect(page.getByText("This chat isn't here")).toBeVisible();
  await expect(page.getByText("a secret question")).toHaveCount(0);
  await context.close();
});

test("without a session nothing is told apart", async ({ chat, app }) => {
  const { runId } = await chat.sendAndSeeRun("hello");
  for (const path of [`/api/runs/${runId}`, `/api/runs/${runId}/events`, "/api/sync/feed", "/api/me"]) {
    const response = await fetch(app.url + path);
    expect([path, response.status]).toEqual([path, 401]);
    expect(response.headers.get("content-type")).toContain("application/problem+json");
  }
});

test("a foreign origin is refused", async ({ chat, app, context }) => {
  await chat.send("hello");
  await expect(chat.articles).toHaveCount(2);
  const cookie = (await context.cookies()).map(({ name, value }) => `${name}=${value}`).join("; ");
  const response = await fetch(`${app.url}/api/runs/01890000-0000-7000-8000-000000000000/stop`, {
    method: "POST",
    headers: { cookie, origin: "https://evil.example" },
  });
  expect(response.status).toBe(403);
});

test("the session cookie is out of reach for scripts", async ({ chat, context }) => {
  expect(await chat.page.evaluate(() => document.cookie)).toBe("");
  const cookies = await context.cookies();
  expect(cookies.length).toBeGreaterThan(0);
  for (const { httpOnly, sameSite } of cookies) expect([httpOnly, sameSite]).toEqual([true, "Lax"]);
});
