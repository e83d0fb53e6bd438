import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openNodeDevice } from "#tests/support/node-device.ts";
import { openServerProcess } from "#tests/support/server-process.ts";
import { HOOK_MS, openFaultScene } from "./fault-scene.ts";
import type { FaultScene } from "./fault-scene.ts";

const CUTS = Number(process.env["TORN_CUTS"] ?? 2);
const EDITS = 24;
/** each edit adds this and its number, so that a lost one in the middle would show */
const WORDS = Array.from({ length: EDITS }, (_, index) => `edit${index} `);

let scene: FaultScene;
let room: string;
/** the length of the log when the first edit was acknowledged: before it there is nothing to be kept */
let firstAt = 0;
const made: string[] = [];

beforeAll(async () => {
  scene = await openFaultScene();
  room = `conversation.${scene.newId()}.0`;
  const device = scene.openDevice(room);
  for (const [index, word] of WORDS.entries()) {
    const token = device.edit(({ draft }) => draft.insert(draft.length, word));
    await device.until(() => device.settled() >= token);
    if (index === 0) firstAt = statSync(walOf(scene.server.dataDir)).size;
  }
  await scene.server.kill("SIGKILL");
}, HOOK_MS);
afterAll(async () => {
  for (const folder of made) rmSync(folder, { recursive: true, force: true });
  await scene?.close();
});

const fileOf = (dataDir: string): string => join(dataDir, "holdfast.sqlite");
const walOf = (dataDir: string): string => `${fileOf(dataDir)}-wal`;

/** What a crashed machine leaves: the files as they were, without the memory that was shared. */
function copyFiles(): string {
  const dataDir = mkdtempSync(join(tmpdir(), "holdfast-torn-"));
  made.push(dataDir);
  cpSync(scene.server.dataDir, dataDir, { recursive: true, filter: (name) => !/-shm$|\.lock/u.test(name) });
  return dataDir;
}

/** Starts the server on the files and reads the draft back; then writes one more word, and reads it again. */
async function draftIn(dataDir: string): Promise<string> {
  const server = await openServerProcess({ dataDir });
  try {
    const reader = openNodeDevice(server.url, scene.guest.cookie, room);
    await reader.until(reader.arrived);
    const found = reader.conversation.draft.toJSON();
    const token = reader.edit(({ draft }) => draft.insert(draft.length, "after"));
    await reader.until(() => reader.settled() >= token);
    reader.close();
    const again = openNodeDevice(server.url, scene.guest.cookie, room);
    await again.until(again.arrived);
    expect(again.conversation.draft.toJSON()).toBe(`${found}after`);
    again.close();
    return found;
  } finally {
    await server.close();
  }
}

/** How many edits a text holds, if it is the first so many and nothing else. */
function editsIn(text: string): number {
  const count = text === "" ? 0 : text.trimEnd().split(" ").length;
  expect(text).toBe(WORDS.slice(0, count).join(""));
  return count;
}

describe("B7: a torn log", () => {
  test("nothing is missing from the log as the kill left it", { timeout: 60_000 }, async () => {
    expect(editsIn(await draftIn(copyFiles()))).toBe(EDITS);
  });

  test(
    `cut at ${CUTS} random places: the server starts at the last commit before the cut, and goes on from there`,
    { timeout: 60_000 + CUTS * 15_000 },
    async () => {
      const whole = statSync(walOf(scene.server.dataDir)).size;
      const found: [number, number][] = [];
      for (let turn = 0; turn < CUTS; turn++) {
        const dataDir = copyFiles();
        const length = firstAt + scene.random.below(whole - firstAt);
        writeFileSync(walOf(dataDir), readFileSync(walOf(dataDir)).subarray(0, length));
        found.push([length, editsIn(await draftIn(dataDir))]);
      }
      // A longer log never holds less, and none holds what was cut off.
      const counts = found.toSorted(([a], [b]) => a - b).map(([, count]) => count);
      expect(counts).toEqual(counts.toSorted((a, b) => a - b));
      expect(counts.every((count) => count >= 1)).toBe(true);
    },
  );

  test(
    "a byte flipped inside it: what comes after that commit is left out, nothing false is read",
    { timeout: 60_000 },
    async () => {
      const dataDir = copyFiles();
      const bytes = readFileSync(walOf(dataDir));
      const at = firstAt + Math.floor((bytes.length - firstAt) / 2);
      bytes[at] = bytes[at]! ^ 0xff;
      writeFileSync(walOf(dataDir), bytes);
      const count = editsIn(await draftIn(dataDir));
      expect([count >= 1, count < EDITS]).toEqual([true, true]);
    },
  );
});

/** The file with everything in it, and no log beside it. */
function foldedCopy(): string {
  const dataDir = copyFiles();
  fold(dataDir);
  return dataDir;
}

function fold(dataDir: string): void {
  const database = new Database(fileOf(dataDir));
  database.pragma("wal_checkpoint(TRUNCATE)");
  database.close();
}

/** Damages a table or index; answers the file as it is then. */
function overwriteFirstPage(dataDir: string, name: string): Buffer {
  fold(dataDir);
  const { page, size } = pagesOf(dataDir, name);
  const bytes = readFileSync(fileOf(dataDir));
  bytes.fill(0xa5, (page - 1) * size, (page - 1) * size + 200);
  writeFileSync(fileOf(dataDir), bytes);
  return bytes;
}

/** The pages of a table or index, so that a test damages what it means to damage. */
function pagesOf(dataDir: string, name: string): { page: number; size: number } {
  const database = new Database(fileOf(dataDir), { readonly: true });
  const page = database.prepare("select rootpage from sqlite_master where name = ?").pluck().get(name) as number;
  const size = Number(database.pragma("page_size", { simple: true }));
  database.close();
  return { page, size };
}

describe("B7: a damaged page", () => {
  test.each(["doc_update", "run"])(
    "the first page of %s overwritten: the server does not start, names the file and what to do",
    { timeout: 30_000 },
    async (table) => {
      const dataDir = copyFiles();
      const bytes = overwriteFirstPage(dataDir, table);
      const started = await openServerProcess({ dataDir }).catch((error: unknown) => String(error));
      expect(started).toContain(`Cannot open the database ${fileOf(dataDir)}: it is damaged`);
      expect(started).toContain("docs/operations.md");
      // Whoever restores wants to save what there is first: it is left as it was.
      expect(readFileSync(fileOf(dataDir)).equals(bytes)).toBe(true);
    },
  );

  test(
    "a byte flipped in what somebody wrote: that document is not served, others are",
    { timeout: 30_000 },
    async () => {
      const dataDir = foldedCopy();
      const bytes = readFileSync(fileOf(dataDir));
      const at = bytes.indexOf("edit17 ");
      expect(at).toBeGreaterThan(0);
      bytes[at] = "E".charCodeAt(0);
      writeFileSync(fileOf(dataDir), bytes);
      const server = await openServerProcess({ dataDir });
      const reader = openNodeDevice(server.url, scene.guest.cookie, room);
      await reader.until(() => reader.connects() > 2);
      expect([reader.arrived(), reader.conversation.draft.toJSON()]).toEqual([false, ""]);
      expect(server.output()).toContain("damaged");
      reader.close();
      const other = openNodeDevice(server.url, scene.guest.cookie, `conversation.${scene.newId()}.0`);
      const token = other.edit(({ draft }) => draft.insert(0, "whole"));
      await other.until(() => other.settled() >= token);
      other.close();
      await server.close();
    },
  );

  test(
    "B9, I1: a backup in its place, as docs/operations.md says, serves again; a device that has newer edits brings them back",
    { timeout: 60_000 },
    async () => {
      const dataDir = copyFiles();
      const server = await openServerProcess({ dataDir });
      const backup = mkdtempSync(join(tmpdir(), "holdfast-backup-"));
      made.push(backup);
      const database = new Database(fileOf(dataDir), { readonly: true });
      await database.backup(fileOf(backup));
      database.close();
      cpSync(join(dataDir, "session-secret"), join(backup, "session-secret"));
      const device = openNodeDevice(server.url, scene.guest.cookie, room);
      await device.until(device.arrived);
      const token = device.edit(({ draft }) => draft.insert(draft.length, "newer "));
      await device.until(() => device.settled() >= token);
      const feedAfter = async (cursor: number): Promise<{ entries: { id: string }[]; cursor: number }> => {
        const asked = await fetch(`${server.url}/api/sync/feed?cursor=${cursor}`, {
          headers: { cookie: scene.guest.cookie },
        });
        return (await asked.json()) as { entries: { id: string }[]; cursor: number };
      };
      await expect.poll(async () => (await feedAfter(0)).entries.length).toBeGreaterThan(0);
      const seen = await feedAfter(0);

      await server.kill("SIGKILL");
      overwriteFirstPage(dataDir, "doc_update");
      await expect(server.restart()).rejects.toThrow("it is damaged");
      for (const name of readdirSync(dataDir)) rmSync(join(dataDir, name), { recursive: true });
      cpSync(backup, dataDir, { recursive: true });
      await server.restart();
      device.wake();
      const fresh = openNodeDevice(server.url, scene.guest.cookie, room);
      await fresh.until(() => fresh.content() === device.content());
      expect(fresh.conversation.draft.toJSON()).toBe(`${WORDS.join("")}newer `);
      expect([device.refused(), fresh.refused()]).toEqual([[], []]);
      // Whoever knew more of the feed than the backup does still hears of what comes now.
      await expect
        .poll(async () => (await feedAfter(seen.cursor)).entries.map(({ id }) => id))
        .toContain(room.split(".")[1]);
      device.close();
      fresh.close();
      await server.close();
    },
  );
});
