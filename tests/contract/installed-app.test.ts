import { existsSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Script } from "node:vm";
import Database from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseSharedText } from "#shared/protocol/share-target.ts";
import { copyBuild } from "#tests/support/built-copy.ts";
import { openServerProcess } from "#tests/support/server-process.ts";
import type { ServerProcess } from "#tests/support/server-process.ts";

const CHAT = "/c/01890000-0000-7000-8000-000000000000";
let build: ReturnType<typeof copyBuild>;
let server: ServerProcess;

beforeAll(async () => {
  build = copyBuild();
  server = await openServerProcess({ main: build.main, env: { OPENAI_API_KEY: "" } });
});
afterAll(async () => {
  await server?.close();
  build?.close();
});

const get = (path: string, init: RequestInit = {}): Promise<Response> =>
  fetch(server.url + path, { redirect: "manual", ...init });

describe("what a browser needs to install the app", () => {
  test.each([
    ["/sw.js", "text/javascript; charset=utf-8"],
    ["/manifest.webmanifest", "application/manifest+json"],
    ["/", "text/html; charset=utf-8"],
    [CHAT, "text/html; charset=utf-8"],
  ])("%s is asked for anew each time", async (path, type) => {
    const { status, headers } = await get(path);
    expect([status, headers.get("content-type"), headers.get("cache-control")]).toEqual([200, type, "no-cache"]);
    expect(headers.get("content-security-policy")).toMatch(/worker-src 'self'; manifest-src 'self'/);
  });

  test("the worker is one classic script: it loads nothing when it runs, which browsers refuse", async () => {
    const text = await (await get("/sw.js")).text();
    expect(() => new Script(text)).not.toThrow();
    expect(text).not.toMatch(/\bimport\s*\(|importScripts/);
  });

  test("the page names the manifest, and every picture the manifest names is there in its size", async () => {
    expect(await (await get("/")).text()).toContain('<link rel="manifest" href="/manifest.webmanifest"');
    const manifest = (await (await get("/manifest.webmanifest")).json()) as {
      icons: { src: string; sizes: string; purpose: string }[];
      screenshots: { src: string; sizes: string; form_factor: string }[];
    };
    const purposes = manifest.icons.map(({ sizes, purpose }) => `${sizes} ${purpose}`);
    for (const wanted of ["192x192 any", "512x512 any", "192x192 maskable", "512x512 maskable", "512x512 monochrome"])
      expect(purposes).toContain(wanted);
    expect(manifest.screenshots.map(({ form_factor }) => form_factor)).toEqual(["wide", "narrow"]);
    for (const { src, sizes } of [...manifest.icons, ...manifest.screenshots]) {
      const picture = await get(src);
      expect([src, picture.status, picture.headers.get("content-type")]).toEqual([src, 200, "image/png"]);
      const bytes = Buffer.from(await picture.arrayBuffer());
      expect(`${bytes.readUInt32BE(16)}x${bytes.readUInt32BE(20)}`).toBe(sizes);
      expect(bytes.length).toBeLessThan(150_000);
    }
    expect((await get("/icons/apple-touch-icon.png")).status).toBe(200);
  });

  test("its colours are those of the app, and its identity stays", async () => {
    const manifest = (await (await get("/manifest.webmanifest")).json()) as Record<string, unknown>;
    const ground = /--ground: light-dark\((#\w+)/.exec(
      readFileSync(new URL("../../client/ui/tokens.css", import.meta.url), "utf8"),
    )?.[1];
    expect(manifest).toMatchObject({
      id: "/",
      start_url: "/",
      scope: "/",
      display: "standalone",
      theme_color: ground,
      background_color: ground,
      launch_handler: { client_mode: "navigate-existing" },
      share_target: { action: "/share", method: "POST" },
    });
  });
});

const worker = (): string => readFileSync(join(build.client, "sw.js"), "utf8");

describe("what the worker keeps", () => {
  test("every script and style of the build, the page, and no source map, picture or private path", () => {
    const kept = [...worker().matchAll(/["']?url["']?:\s*["'`]([^"'`]+)["'`]/g)].map(([, url]) => url);
    const assets = build.assets().filter((name) => /\.(js|css)$/.test(name));
    expect(kept).toEqual(expect.arrayContaining(["index.html", ...assets.map((name) => `assets/${name}`)]));
    for (const url of kept)
      expect(url).toMatch(/^(index\.html|favicon\.svg|manifest\.webmanifest|assets\/[\w.-]+\.(js|css))$/);
  });

  test("is one classic script that imports nothing", () => {
    expect(worker()).not.toMatch(/(^|[;}\n])\s*(import|export)[\s{"']/);
    expect(worker()).not.toContain("importScripts");
  });
});

describe("sharing without a worker", () => {
  const form = { "content-type": "application/x-www-form-urlencoded" };
  const share = (body: string, headers: Record<string, string> = form): Promise<Response> =>
    get("/share", { method: "POST", headers, body });

  test("goes on to the app's page with the text in the fragment, from wherever it comes", async () => {
    for (const origin of [{}, { origin: "null" }, { origin: "https://evil.example", "sec-fetch-site": "cross-site" }]) {
      const answer = await share("title=Tides&text=so+%26+so&url=https%3A%2F%2Fexample.org", { ...form, ...origin });
      expect(answer.status).toBe(303);
      expect(answer.headers.get("cache-control")).toBe("no-store");
      const location = new URL(answer.headers.get("location") ?? "", server.url);
      expect(location.origin + location.pathname + location.search).toBe(`${server.url}/`);
      expect(parseSharedText(location.hash)).toBe("Tides\nso & so\nhttps://example.org");
    }
  });

  test("stores nothing, knows nobody, and the log does not have the text", async () => {
    const database = new Database(join(server.dataDir, "holdfast.sqlite"), { readonly: true });
    const rows = (): unknown =>
      (database.prepare("select name from sqlite_master where type = 'table'").pluck().all() as string[]).map(
        (table) => [table, database.prepare(`select count(*) from "${table}"`).pluck().get()],
      );
    const before = rows();
    const answer = await share("text=canary-of-the-share");
    expect(answer.headers.getSetCookie()).toEqual([]);
    expect(rows()).toEqual(before);
    database.close();
    expect(server.output()).not.toContain("canary-of-the-share");
  });

  test("takes a form of some length only, and only posted", async () => {
    expect((await share("x".repeat(20_000))).status).toBe(413);
    expect((await share("{}", { "content-type": "application/json" })).status).toBe(415);
    expect((await share("", { "content-type": "multipart/form-data; boundary=x" })).status).toBe(415);
    expect((await get("/share")).status).toBe(404);
    expect((await get("/share", { method: "PUT", headers: { origin: "https://evil.example" } })).status).toBe(403);
  });
});

const page = async (path: string): Promise<boolean> =>
  (await (await get(path, { headers: { accept: "text/html" } })).text()).includes('id="root"');

test("only the client's own pages are answered with its page", async () => {
  for (const path of ["/", "/?new", "/?search", CHAT]) expect([path, await page(path)]).toEqual([path, true]);
  for (const path of [
    "/share",
    "/s/slug",
    "/healthz",
    "/readyz",
    "/metrics",
    "/.well-known/jwks.json",
    "/api/me",
    "/x",
  ])
    expect([path, await page(path)]).toEqual([path, false]);
});

describe("after an update", () => {
  test("A11: what a page of the build before asks for is still there, and is served as it was", async () => {
    const [before] = build.assets().filter((name) => name.startsWith("menu-"));
    const text = await (await get(`/assets/${before}`)).text();
    await server.kill("SIGTERM");
    build.nextBuild();
    await server.restart();
    expect(build.assets()).not.toContain(before);
    const kept = await get(`/assets/${before}`);
    expect([kept.status, kept.headers.get("cache-control")]).toEqual([200, "public, max-age=31536000, immutable"]);
    expect(kept.headers.get("content-type")).toBe("text/javascript; charset=utf-8");
    expect(await kept.text()).toBe(text);
    expect(readdirSync(join(server.dataDir, "client-assets"))).not.toContainEqual(expect.stringMatching(/\.map$/));
    const nothing = await get("/assets/index.json", { headers: { accept: "text/html" } });
    expect(nothing.status).toBe(404);
  });

  test("an archive that is gone or in the way does not keep the server from starting", async () => {
    await server.kill("SIGKILL");
    rmSync(join(server.dataDir, "client-assets"), { recursive: true });
    await server.restart();
    expect((await get("/")).status).toBe(200);
    expect(existsSync(join(server.dataDir, "client-assets", "index.json"))).toBe(true);
  });
});

describe("with SERVICE_WORKER=off", () => {
  beforeAll(async () => {
    await server.kill("SIGTERM");
    await server.restart({ SERVICE_WORKER: "off" });
  });

  test("the worker is one that deletes what is cached, leaves, and loads its pages again", async () => {
    const { status, headers } = await get("/sw.js");
    expect([status, headers.get("cache-control")]).toEqual([200, "no-cache"]);
    const script = await (await get("/sw.js")).text();
    for (const deed of ["skipWaiting()", "caches.delete(", "registration.unregister()", ".navigate("])
      expect(script).toContain(deed);
    expect(script).not.toContain("fetch");
  });

  test("every page says that there is none to register", async () => {
    for (const path of ["/", CHAT])
      expect(await (await get(path)).text()).toContain('<meta name="service-worker" content="off" />');
  });

  test("and without it, it is the built one again", async () => {
    await server.kill("SIGTERM");
    await server.restart();
    expect(await (await get("/sw.js")).text()).toBe(readFileSync(join(build.client, "sw.js"), "utf8"));
    expect(await (await get("/")).text()).not.toContain('name="service-worker"');
  });
});
