import { createMetrics } from "#server/observability/metrics.ts";
import { request } from "node:http";
import type { AddressInfo } from "node:net";
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createAdaptorServer } from "@hono/node-server";
import { Hono } from "hono";
import { sql } from "kysely";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { feedSchema } from "#shared/protocol/feed-bodies.ts";
import { meSchema } from "#shared/protocol/http-bodies.ts";
import { startRunSchema } from "#shared/protocol/run-bodies.ts";
import { problemSchema } from "#shared/protocol/problem.ts";
import { createUuidV7 } from "#shared/lib/uuid.ts";
import { CACHE_MS } from "#server/access/principal-resolver.ts";
import type { PrincipalResolver } from "#server/access/principal-resolver.ts";
import { createApp } from "#server/app.ts";
import { createPolicyBus } from "#server/bus/policy-bus.ts";
import { parseConfig } from "#server/config/config.ts";
import type { AppEnv } from "#server/http/app-env.ts";
import { readBody } from "#server/http/body.ts";
import { openStaticFiles } from "#server/http/static-files.ts";
import { UNLIMITED } from "#server/limits/limiter.ts";
import { openAccounts } from "#server/open-accounts.ts";
import { systemClock } from "#server/runs/clock.ts";
import { createLog } from "#server/observability/log.ts";
import { RoomsCrowded } from "#server/rooms/rooms.ts";
import { CommitError } from "#server/storage/database.ts";
import type { Database } from "#server/storage/database.ts";
import { openDatabase } from "#server/storage/open-database.ts";
import { allTables } from "#tests/support/all-tables.ts";

const ORIGIN = "https://chat.example.org";
const folder = mkdtempSync(join(tmpdir(), "holdfast-http-"));
let database: Database;
let app: Hono<AppEnv>;
let resolver: PrincipalResolver;
let accounts: Awaited<ReturnType<typeof openAccounts>>;
let now = 1_800_000_000_000;
let draining = false;
const logged: string[] = [];
const randomBytes = (length: number) => crypto.getRandomValues(new Uint8Array(length));

beforeAll(async () => {
  mkdirSync(join(folder, "client", "assets"), { recursive: true });
  mkdirSync(join(folder, "client", ".vite"));
  writeFileSync(join(folder, "client", "index.html"), "<!doctype html><title>Holdfast</title>");
  writeFileSync(join(folder, "client", "assets", "main-abc123.js"), `const app = ${"1;".repeat(2000)}`);
  writeFileSync(join(folder, "client", ".vite", "manifest.json"), "{}");
  writeFileSync(join(folder, "secret.txt"), "canary");
  database = await openDatabase({ file: join(folder, "holdfast.sqlite") });
  const publicUrl = new URL(ORIGIN);
  const config = parseConfig({ PUBLIC_URL: ORIGIN, DATA_DIR: folder });
  if (!config.ok) throw new Error(config.failure.join());
  const log = createLog("info", { write: (line) => void logged.push(line) });
  accounts = await openAccounts({
    config: config.value,
    database,
    bus: createPolicyBus(),
    rooms: { rehomed: () => undefined, editSnapshot: async () => undefined },
    runs: { rehomed: () => undefined },
    limiter: UNLIMITED,
    log,
    clock: { ...systemClock, now: () => now },
  });
  ({ resolver } = accounts);
  app = createApp({
    metrics: createMetrics(),
    metricsToken: undefined,
    database,
    accounts: accounts.parts,
    resolver,
    publicUrl,
    rooms: { pull: async () => [], push: async () => ({ type: "later" }) },
    runs: new Hono<AppEnv>().put("/:id", async (c) => {
      const body = await readBody(c.req.raw, startRunSchema);
      return body.ok ? c.json({ account: c.var.principal.accountId }) : body.failure;
    }),
    conversations: new Hono<AppEnv>(),
    signing: { keys: async () => ({ keys: [] }) },
    snapshots: new Hono<AppEnv>(),
    models: new Hono<AppEnv>().get("/", (c) => {
      if (c.req.query("fail") === "bug") throw new Error("secret of the inside");
      if (c.req.query("fail") === "crowded") throw new RoomsCrowded();
      if (c.req.query("fail") === "store") throw new CommitError("unavailable");
      return c.json({ models: [] });
    }),
    staticFiles: await openStaticFiles(join(folder, "client"), { serviceWorker: "on" }),
    isDraining: () => draining,
    log,
  });
});
afterAll(async () => {
  await accounts.close();
  await database.close();
  rmSync(folder, { recursive: true, force: true });
});
afterEach(() => {
  draining = false;
  logged.length = 0;
});

const call = async (path: string, init: RequestInit = {}): Promise<Response> => app.request(ORIGIN + path, init);

async function signIn(headers: Record<string, string> = { origin: ORIGIN }): Promise<string> {
  const response = await call("/api/auth/sign-in/anonymous", {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: "{}",
  });
  expect(response.status).toBe(204);
  return response.headers
    .getSetCookie()
    .map((line) => line.split(";")[0])
    .join("; ");
}
const me = async (cookie: string) => meSchema.parse(await (await call("/api/me", { headers: { cookie } })).json());
async function codeOf(response: Response): Promise<string> {
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  expect(response.headers.get("cache-control")).toBe("no-store");
  const { status, code } = problemSchema.parse(await response.json());
  expect(status).toBe(response.status);
  return `${status} ${code}`;
}
const START = {
  conversationId: createUuidV7(1, randomBytes),
  parentMessageId: createUuidV7(1, randomBytes),
  messageId: createUuidV7(1, randomBytes),
  model: "guide/guide",
  parameters: {},
};
async function putRun(body: BodyInit, headers: Record<string, string> = {}): Promise<Response> {
  const cookie = await signIn();
  return call(`/api/runs/${createUuidV7(2, randomBytes)}`, {
    method: "PUT",
    headers: { cookie, origin: ORIGIN, "content-type": "application/json", ...headers },
    body,
    ...(body instanceof ReadableStream && { duplex: "half" }),
  });
}

const readFeed = async (cookie: string, query = "") =>
  feedSchema.parse(await (await call(`/api/sync/feed${query}`, { headers: { cookie } })).json());
const post = async (headers: Record<string, string>) =>
  (await call("/api/auth/sign-in/anonymous", { method: "POST", headers })).status;

/** Paths of better-auth and its plugins, as they are and as somebody might try to get at them. */
const BETTER_AUTH =
  "get-session list-sessions update-user delete-user sign-up/email ok error reset-password set-password sign-in/email " +
  "sign-in/social link-social unlink-account list-accounts account-info get-access-token refresh-token callback/other " +
  "oauth2/callback/oidc sign-in/oauth2 delete-anonymous-user verify-password change-email passkey/sign-in/ " +
  "passkey/generate-register-options passkey/generate-authenticate-options passkey/verify-registration " +
  "passkey/verify-authentication passkey%2fverify-authentication passkey//verify-authentication " +
  "passkey/list-user-passkeys passkey/delete-passkey passkey/update-passkey";

describe("who is calling", () => {
  test("a guest signs in, is the same one from then on, and has a personal workspace", async () => {
    const cookie = await signIn();
    const first = await me(cookie);
    expect(first.kind).toBe("guest");
    now += CACHE_MS;
    expect(await me(cookie)).toEqual(first);
    const rows = await allTables(database)
      .selectFrom("workspace")
      .selectAll()
      .where("owner_id", "=", first.accountId)
      .execute();
    expect(rows).toMatchObject([{ id: first.workspaceId, kind: "personal" }]);
  });

  test("many first requests at once make one workspace", async () => {
    const cookie = await signIn();
    const workspaces = await Promise.all(Array.from({ length: 10 }, async () => (await me(cookie)).workspaceId));
    expect(new Set(workspaces).size).toBe(1);
  });

  test("signing in again keeps the guest who is there", async () => {
    const cookie = await signIn();
    const before = await me(cookie);
    const again = await call("/api/auth/sign-in/anonymous", { method: "POST", headers: { origin: ORIGIN, cookie } });
    expect(again.status).toBe(204);
    expect(again.headers.getSetCookie()).toEqual([]);
    expect(await me(cookie)).toEqual(before);
  });

  test("without a session, with a forged cookie, or with a token in a header: 401", async () => {
    const cookie = await signIn();
    const forged = cookie.replace(/=(.)/, (_all, first: string) => `=${first === "A" ? "B" : "A"}`);
    const token = cookie.split("=")[1]!;
    for (const headers of [{}, { cookie: forged }, { authorization: `Bearer ${token}` }, { "x-api-key": token }])
      expect(await codeOf(await call("/api/me", { headers }))).toBe("401 unauthenticated");
  });

  test("signing out ends the session at once, also where it was just used", async () => {
    const cookie = await signIn();
    await me(cookie);
    const out = await call("/api/auth/sign-out", { method: "POST", headers: { origin: ORIGIN, cookie } });
    expect(out.status).toBe(204);
    expect(await codeOf(await call("/api/me", { headers: { cookie } }))).toBe("401 unauthenticated");
  });

  test("C14: the session cookie is Secure, HttpOnly and Lax, and its value is in no body", async () => {
    const response = await call("/api/auth/sign-in/anonymous", { method: "POST", headers: { origin: ORIGIN } });
    const cookie = response.headers.getSetCookie().find((line) => line.startsWith("__Host-holdfast.session_token="));
    expect(cookie).toMatch(/; Secure/i);
    expect(cookie).toMatch(/; HttpOnly/i);
    expect(cookie).toMatch(/; SameSite=Lax/i);
    expect(await response.text()).toBe("");
  });

  test.each(BETTER_AUTH.split(" "))("better-auth's own /api/auth/%s is nobody's to reach", async (path) => {
    for (const method of ["GET", "POST"])
      expect(await codeOf(await call(`/api/auth/${path}`, { method, headers: { origin: ORIGIN } }))).toBe(
        "404 not_found",
      );
  });

  test("a guest whose cookie has the name of before keeps their session, and gets the one of today", async () => {
    const cookie = await signIn();
    const before = await me(cookie);
    const old = cookie.replace("__Host-", "__Secure-");
    const answered = await call("/api/me", { headers: { cookie: old } });
    expect(meSchema.parse(await answered.json())).toEqual(before);
    const [renamed = ""] = answered.headers.getSetCookie();
    expect(renamed).toMatch(/^__Host-holdfast\.session_token=.*; Max-Age=\d+.*; Secure/);
    expect(await me(renamed.split(";")[0] ?? "")).toEqual(before);
  });

  test("C05: privileged fields at sign-in are refused", async () => {
    for (const field of ["userId", "isAnonymous", "role", "email", "createdAt"]) {
      const response = await call("/api/auth/sign-in/anonymous", {
        method: "POST",
        headers: { origin: ORIGIN, "content-type": "application/json" },
        body: JSON.stringify({ [field]: "x" }),
      });
      expect(await codeOf(response)).toBe("400 invalid_body");
    }
  });
});

describe("bodies", () => {
  test("a good one is taken", async () => {
    expect((await putRun(JSON.stringify(START))).status).toBe(200);
  });

  test.each([
    ["not JSON", "{", "400 malformed_json"],
    ["not UTF-8", new Uint8Array([0x22, 0xff, 0x22]), "400 malformed_json"],
    ["empty", "", "400 malformed_json"],
    ["a number", "1", "400 invalid_body"],
    ["null", "null", "400 invalid_body"],
    ["nested without end", "[".repeat(200_000), "400 malformed_json"],
    ["an unknown key", JSON.stringify({ ...START, surprise: 1 }), "400 invalid_body"],
    ["a prototype", JSON.stringify(START).replace("{", '{"__proto__":{"a":1},'), "400 invalid_body"],
    ["a missing key", JSON.stringify({ ...START, model: undefined }), "400 invalid_body"],
    ["an id of another kind", JSON.stringify({ ...START, messageId: "1" }), "400 invalid_body"],
  ])("C06: one that is %s is refused", async (_what, body, code) => {
    expect(await codeOf(await putRun(body))).toBe(code);
  });

  test.each(["userId", "accountId", "tenantId", "workspaceId", "role", "ownerId", "cost", "createdAt", "isAdmin"])(
    "C05: the privileged field %s is refused",
    async (field) => {
      expect(await codeOf(await putRun(JSON.stringify({ ...START, [field]: "x" })))).toBe("400 invalid_body");
    },
  );

  test("what is wrong is named by its place, and nothing that was sent is repeated", async () => {
    const response = await putRun(JSON.stringify({ ...START, model: 7, parameters: { canary: "canary" } }));
    const { detail } = problemSchema.parse(await response.json());
    expect(detail).toContain("model");
    expect(detail).toContain("unknown keys in parameters");
    expect(detail).not.toContain("canary");
  });

  test.each(["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonp", ""])(
    "C15: a body of type '%s' is refused",
    async (type) => {
      expect(await codeOf(await putRun(JSON.stringify(START), { "content-type": type }))).toBe(
        "415 unsupported_media_type",
      );
    },
  );

  test("10 MB are refused, and only what the limit allows is read", async () => {
    let sent = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 65_536;
        if (sent > 10_000_000) controller.close();
        else controller.enqueue(new Uint8Array(65_536).fill(0x20));
      },
    });
    expect(await codeOf(await putRun(endless))).toBe("413 body_too_large");
    expect(sent).toBeLessThan(1_000_000);
  });
});

describe("origins", () => {
  test("C15, C16: a foreign origin changes nothing and gets no CORS", async () => {
    const before = await allTables(database).selectFrom("workspace").select("id").execute();
    for (const origin of [
      "https://evil.example",
      "null",
      "",
      "http://chat.example.org",
      "https://chat.example.org:444",
      "https://sub.chat.example.org",
      "https://chat.example.org.evil.example",
      "https://evil.example/https://chat.example.org",
    ]) {
      const response = await call("/api/auth/sign-in/anonymous", { method: "POST", headers: { origin } });
      expect(response.headers.get("access-control-allow-origin")).toBeNull();
      expect(await codeOf(response)).toBe("403 foreign_origin");
    }
    expect(await allTables(database).selectFrom("workspace").select("id").execute()).toEqual(before);
  });

  test("no origin is a program, unless it says it is cross-site", async () => {
    expect(await post({})).toBe(204);
    expect(await post({ "sec-fetch-site": "same-origin" })).toBe(204);
    for (const site of ["cross-site", "same-site", "nonsense"])
      expect(await post({ "sec-fetch-site": site })).toBe(403);
  });

  test("a preflight is not answered", async () => {
    const response = await call("/api/me", {
      method: "OPTIONS",
      headers: { origin: "https://evil.example", "access-control-request-method": "PUT" },
    });
    expect(await codeOf(response)).toBe("405 method_not_allowed");
    expect(response.headers.get("access-control-allow-origin")).toBeNull();
  });
});

describe("addresses", () => {
  test("what is no route is 404, signed in or not, and a method there is not is 405", async () => {
    const cookie = await signIn();
    for (const headers of [{}, { cookie }]) {
      expect(await codeOf(await call("/api/nothing", { headers }))).toBe("404 not_found");
      expect(await codeOf(await call("/api/me", { method: "DELETE", headers: { ...headers, origin: ORIGIN } }))).toBe(
        "405 method_not_allowed",
      );
    }
    expect((await call("/api/me", { method: "PUT", headers: { origin: ORIGIN } })).headers.get("allow")).toBe(
      "GET, HEAD",
    );
  });

  test.each([
    "/api/me/",
    "/api/me/x.css",
    "/api/me;x.css",
    "/api/me.",
    "/api//me",
    "//api/me",
    "/api%2fme",
    "/api/%2fme",
    "/api/me%00",
    "/API/me",
    "/c/..%2fapi/me",
    "/api/me%2f..%2fx.css",
    "/..%2fsecret.txt",
    "/%2e%2e/secret.txt",
    "/.vite/manifest.json",
    "/assets/..%5c..%5csecret.txt",
    "/c/1",
    "/index.html/x.js",
    "/unknown.js",
  ])("C21: %s is never a page of another type", async (path) => {
    const cookie = await signIn();
    const response = await call(path, { headers: { cookie } });
    expect(response.status).toBe(404);
    expect(await response.text()).not.toMatch(/canary|accountId|<title>Holdfast<\/title>/);
  });

  test("a person gets a page to read for an unknown address", async () => {
    const response = await call("/nothing", { headers: { accept: "text/html" } });
    expect(response.status).toBe(404);
    expect(response.headers.get("content-type")).toContain("text/html");
  });
});

describe("headers", () => {
  test.each(["/", "/api/me", "/api/nothing", "/api/models?fail=bug", "/nothing", "/healthz", "/assets/main-abc123.js"])(
    "C07–C13: %s carries all of them",
    async (path) => {
      const { headers } = await call(path, { headers: { cookie: await signIn() } });
      const csp = headers.get("content-security-policy") ?? "";
      expect(csp).toContain("script-src 'self';");
      expect(csp).toContain("connect-src 'self' wss://chat.example.org;");
      for (const part of ["object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "form-action 'self'"])
        expect(csp).toContain(part);
      expect(csp).not.toMatch(/script-src[^;]*unsafe|default-src[^;]*unsafe/);
      expect(Object.fromEntries(headers)).toMatchObject({
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "strict-transport-security": expect.stringContaining("max-age=31536000") as string,
      });
    },
  );

  test("C20: every answer of /api says no-store", async () => {
    const cookie = await signIn();
    for (const path of ["/api/me", "/api/models", "/api/sync/feed", "/api/nothing"])
      expect((await call(path, { headers: { cookie } })).headers.get("cache-control")).toBe("no-store");
  });
});

describe("failures", () => {
  test("C40: a bug answers 500 and tells nothing of the inside, but the log does", async () => {
    const response = await call("/api/models?fail=bug", { headers: { cookie: await signIn() } });
    const text = await response.clone().text();
    expect(await codeOf(response)).toBe("500 internal");
    expect(text).not.toContain("secret of the inside");
    expect(logged.join()).toContain("secret of the inside");
  });

  test("a store that cannot answer is 507", async () => {
    const response = await call("/api/models?fail=store", { headers: { cookie: await signIn() } });
    expect(await codeOf(response)).toBe("507 storage_unavailable");
  });

  test("R16: what there is no memory for is 503, soon to be asked for again", async () => {
    const response = await call("/api/models?fail=crowded", { headers: { cookie: await signIn() } });
    expect(response.headers.get("retry-after")).toBe("1");
    expect(await codeOf(response)).toBe("503 overloaded");
  });

  test("a server that drains is alive but not ready", async () => {
    expect((await call("/readyz")).status).toBe(200);
    draining = true;
    expect(await codeOf(await call("/readyz"))).toBe("503 draining");
    expect((await call("/healthz")).status).toBe(200);
  });
});

describe("readiness", () => {
  test("a store that could not write is not ready until it can: 503 with the reason", async () => {
    const { rows } = await sql<{ page_count: number }>`pragma page_count`.execute(database.executor);
    await sql`pragma max_page_count = ${sql.lit(rows[0]!.page_count)}`.execute(database.executor);
    const row = { id: "w".repeat(100_000), kind: "team" as const, owner_id: "o", created_at: 1 };
    const tooMuch = allTables(database).insertInto("workspace").values(row).compile();
    await expect(database.commit([{ query: tooMuch }])).rejects.toMatchObject({ failure: "unavailable" });
    expect(await codeOf(await call("/readyz"))).toBe("503 storage_failing");
    expect((await call("/healthz")).status).toBe(200);
    await sql`pragma max_page_count = 1000000`.execute(database.executor);
    expect((await call("/readyz")).status).toBe(200);
  });
});

describe("feed", () => {
  const summary = { title: "", excerpt: "", pinned: false, archived: false, deleted: false, tags: [], messageCount: 0 };

  async function addDocuments(cookie: string, count: number): Promise<string[]> {
    const { accountId, workspaceId } = await me(cookie);
    const ids = Array.from({ length: count }, (_, i) => createUuidV7(i, randomBytes));
    for (const [index, id] of ids.entries()) {
      const owner = { workspace_id: workspaceId, epoch: 0, checkpoint_seq: 0, summary_seq: 1 };
      const row = {
        id,
        kind: "conversation" as const,
        owner_id: accountId,
        head_seq: 3,
        activity_at: 5,
        created_at: 1,
      };
      const feed = { account_id: accountId, workspace_id: workspaceId, document_id: id, feed_seq: index + 1 };
      await database.commit([
        {
          query: allTables(database)
            .insertInto("document")
            .values({ ...row, ...owner, summary: JSON.stringify({ ...summary, title: `Chat ${index}` }) })
            .compile(),
        },
        { query: allTables(database).insertInto("feed").values(feed).compile() },
      ]);
    }
    return ids;
  }
  test("is read in pages, each document once, in order of change", async () => {
    const cookie = await signIn();
    const ids = await addDocuments(cookie, 5);
    const first = await readFeed(cookie, "?limit=2");
    expect(first).toMatchObject({ more: true, cursor: 2 });
    const second = await readFeed(cookie, `?limit=3&cursor=${first.cursor}`);
    expect(second).toMatchObject({ more: false, cursor: 5 });
    expect([...first.entries, ...second.entries].map(({ id }) => id)).toEqual(ids);
    expect(first.entries[0]).toMatchObject({ feedSeq: 1, epoch: 0, activityAt: 5, summary: { title: "Chat 0" } });
    // The log ends at 3: a device that has shown that much already goes on to show its own summary.
    expect(first.entries[0]).toMatchObject({ headSeq: 1 });
    expect(await readFeed(cookie, "?cursor=5")).toEqual({ entries: [], cursor: 5, more: false });
  });

  test("P8: another guest sees nothing of it", async () => {
    const ids = await addDocuments(await signIn(), 3);
    const stranger = await signIn();
    expect(await readFeed(stranger)).toEqual({ entries: [], cursor: 0, more: false });
    const own = await addDocuments(stranger, 1);
    const entries = (await readFeed(stranger)).entries.map(({ id }) => id);
    expect(entries).toEqual(own);
    expect(entries.some((id) => ids.includes(id))).toBe(false);
  });

  test("P8: a row that names somebody else's document shows nothing of it", async () => {
    const [foreign] = await addDocuments(await signIn(), 1);
    const cookie = await signIn();
    const { accountId, workspaceId } = await me(cookie);
    const row = { account_id: accountId, workspace_id: workspaceId, document_id: foreign!, feed_seq: 1 };
    await allTables(database).insertInto("feed").values(row).execute();
    expect((await readFeed(cookie)).entries).toEqual([]);
  });

  test.each(["?cursor=-1", "?cursor=x", "?limit=0", "?limit=99999", "?accountId=x", "?cursor=1&cursor=2"])(
    "C06: the query %s is refused",
    async (query) => {
      const response = await call(`/api/sync/feed${query}`, { headers: { cookie: await signIn() } });
      expect(await codeOf(response)).toBe("400 invalid_query");
    },
  );
});

describe("static files", () => {
  test("the shell answers the app's own pages and is checked again each time", async () => {
    for (const path of ["/", `/c/${START.conversationId}`, "/trash"]) {
      const response = await call(path);
      expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
      expect(response.headers.get("cache-control")).toBe("no-cache");
      expect(await response.text()).toContain("<title>Holdfast</title>");
      const again = await call(path, { headers: { "if-none-match": response.headers.get("etag")! } });
      expect(again.status).toBe(304);
    }
  });

  test("files with a hash in their name are kept for ever, and travel compressed", async () => {
    const plain = await call("/assets/main-abc123.js");
    expect(plain.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
    const size = (await plain.arrayBuffer()).byteLength;
    for (const encoding of ["br", "gzip"]) {
      const packed = await call("/assets/main-abc123.js", { headers: { "accept-encoding": encoding } });
      expect(packed.headers.get("content-encoding")).toBe(encoding);
      expect((await packed.arrayBuffer()).byteLength).toBeLessThan(size / 10);
    }
  });

  test("a page is only read, never written to", async () => {
    expect((await call("/", { method: "POST", headers: { origin: ORIGIN } })).status).toBe(404);
  });
});

describe("over a real connection", () => {
  test("10 MB are cut off, broken requests do not end the process, and the next one is answered", async () => {
    const cookie = await signIn();
    const server = createAdaptorServer({ fetch: app.fetch });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const headers = { cookie, origin: ORIGIN, "content-type": "application/json" };
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const big = request({ port, method: "PUT", path: `/api/runs/${START.messageId}`, headers }, (response) => {
        resolve(response.statusCode);
        big.destroy();
      });
      big.on("error", reject);
      big.write(Buffer.alloc(600_000, 0x20));
    });
    expect(status).toBe(413);
    const rawStatus = await new Promise<number | undefined>((resolve, reject) => {
      request({ port, path: "/%", headers: { host: "chat.example.org" } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on("error", reject)
        .end();
    });
    expect(rawStatus).toBe(404);
    const ready = await fetch(`http://127.0.0.1:${port}/readyz`);
    expect(ready.status).toBe(200);
    expect(ready.headers.get("x-content-type-options")).toBe("nosniff");
    server.close();
  });
});
