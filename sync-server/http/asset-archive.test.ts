import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { KEPT_MS, nextArchive } from "./asset-archive-state.ts";
import { openAssetArchive } from "./asset-archive.ts";
import type { AssetArchive } from "./asset-archive.ts";
import { openStaticFiles } from "./static-files.ts";

const DAY = 86_400_000;
let place: string;
let folder: string;
let now: number;
let warnings: unknown[];

beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), "holdfast-archive-"));
  folder = join(place, "data", "client-assets");
  now = 1_800_000_000_000;
  warnings = [];
});
afterEach(() => rmSync(place, { recursive: true, force: true }));

/** Starts a server of a build that has these files. */
async function open(files: Record<string, string>, where = folder): Promise<AssetArchive> {
  const assets = join(place, "assets");
  rmSync(assets, { recursive: true, force: true });
  mkdirSync(assets);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(assets, name), text);
  const log = { warn: (...said: unknown[]) => void warnings.push(said) };
  return await openAssetArchive({ assets, folder: where, now: () => now, log });
}

/** As `open`; answers what reads its archive. */
async function start(files: Record<string, string>, where = folder) {
  const archive = await open(files, where);
  return async (name: string): Promise<string | undefined> => {
    const bytes = await archive.read(name);
    return bytes && Buffer.from(bytes).toString();
  };
}

test("what the running build has is not the archive's to serve", async () => {
  const read = await start({ "a-1.js": "a" });
  expect(await read("a-1.js")).toBeUndefined();
  expect(await read("nothing.js")).toBeUndefined();
  expect(warnings).toEqual([]);
});

test("what an earlier build had is served for seven days after it was last current, however long that ran", async () => {
  await start({ "a-1.js": "a", "same-1.css": "s" });
  now += 30 * DAY;
  let read = await start({ "b-2.js": "b", "same-1.css": "s" });
  expect(await read("a-1.js")).toBe("a");
  now += 7 * DAY;
  expect(await read("a-1.js")).toBe("a");
  now += 1;
  expect(await read("a-1.js")).toBeUndefined();
  read = await start({ "b-2.js": "b", "same-1.css": "s" });
  expect(await read("a-1.js")).toBeUndefined();
  expect(readdirSync(folder).toSorted()).toEqual(["b-2.js", "index.json", "same-1.css"]);
});

test("a file that comes back with a later build is current again", async () => {
  await start({ "a-1.js": "a" });
  await start({ "b-2.js": "b" });
  now += 6 * DAY;
  await start({ "a-1.js": "a" });
  now += 20 * DAY;
  const read = await start({ "c-3.js": "c" });
  expect(await read("a-1.js")).toBe("a");
  expect(await read("b-2.js")).toBeUndefined();
});

test("restarts of one build do not prolong what came before it", async () => {
  await start({ "a-1.js": "a" });
  for (let day = 0; day < 7; day += 1) {
    await start({ "b-2.js": "b" });
    now += DAY;
  }
  now += 1;
  expect(await (await start({ "b-2.js": "b" }))("a-1.js")).toBeUndefined();
});

test("source maps are not kept, and only names of a build can be asked for", async () => {
  await start({ "a-1.js": "a", "a-1.js.map": "{}" });
  writeFileSync(join(place, "data", "secret"), "canary");
  const read = await start({ "b-2.js": "b" });
  expect(readdirSync(folder)).not.toContain("a-1.js.map");
  for (const name of ["../secret", "..%2fsecret", "index.json", "constructor", "__proto__", ""])
    expect(await read(name)).toBeUndefined();
});

test("an index that cannot be read counts what is there as just left behind", async () => {
  await start({ "a-1.js": "a" });
  writeFileSync(join(folder, "index.json"), "{torn");
  const read = await start({ "b-2.js": "b" });
  expect(await read("a-1.js")).toBe("a");
  expect(Object.keys(JSON.parse(readFileSync(join(folder, "index.json"), "utf8")) as object).toSorted()).toEqual([
    "a-1.js",
    "b-2.js",
  ]);
});

test("a disk that takes nothing is logged, and what it has is served all the same", async () => {
  await start({ "a-1.js": "a" });
  const broken = join(place, "a-file");
  writeFileSync(broken, "in the way");
  const none = await start({ "b-2.js": "b" }, join(broken, "client-assets"));
  expect(await none("a-1.js")).toBeUndefined();
  expect(warnings).toHaveLength(1);
});

test("a file that rots away is logged and not found", async () => {
  await start({ "a-1.js": "a" });
  const read = await start({ "b-2.js": "b" });
  rmSync(join(folder, "a-1.js"));
  expect(await read("a-1.js")).toBeUndefined();
  expect(warnings).toHaveLength(1);
});

/** The files of a server that has none of its own, and how often it read the archive. */
async function serve(archive: AssetArchive) {
  let reads = 0;
  const read: AssetArchive["read"] = async (name) => {
    reads += 1;
    return await archive.read(name);
  };
  const files = await openStaticFiles(join(place, "none"), { serviceWorker: "on", earlier: { ...archive, read } });
  const get = async (path: string) => await (await files.answer(path, new Headers()))?.text();
  return { get, reads: () => reads };
}

test("what is asked for again and again is read once, and served no longer than it is kept", async () => {
  await open({ "a-1.js": "a" });
  const { get, reads } = await serve(await open({ "b-2.js": "b" }));
  expect(await Promise.all([get("/assets/a-1.js"), get("/assets/a-1.js")])).toEqual(["a", "a"]);
  now += 7 * DAY;
  expect(await get("/assets/a-1.js")).toBe("a");
  expect(reads()).toBe(1);
  now += 1;
  expect(await get("/assets/a-1.js")).toBeUndefined();
  expect([await get("/assets/b-2.js"), await get("/a-1.js")]).toEqual([undefined, undefined]);
  expect(reads()).toBe(1);
});

test("what could not be read is tried again for whoever asks next", async () => {
  await open({ "a-1.js": "a" });
  const { get } = await serve(await open({ "b-2.js": "b" }));
  rmSync(join(folder, "a-1.js"));
  expect(await get("/assets/a-1.js")).toBeUndefined();
  writeFileSync(join(folder, "a-1.js"), "a");
  expect(await get("/assets/a-1.js")).toBe("a");
});

test("a clock that is set back takes nothing away", () => {
  const { index, expired } = nextArchive({ "a.js": 2 * KEPT_MS }, ["a.js"], [], 1);
  expect([index, expired]).toEqual([{ "a.js": 2 * KEPT_MS }, []]);
});
