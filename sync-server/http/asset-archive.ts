import { copyFile, mkdir, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod/mini";
import type { Log } from "#server/observability/log.ts";
import { isKept, nextArchive } from "./asset-archive-state.ts";
import type { ArchiveIndex } from "./asset-archive-state.ts";

/** What earlier builds left behind, for pages that were opened before an update and load more of their code. */
export interface AssetArchive {
  /** Whether it is a file of an earlier build that was not left behind too long ago. */
  keeps(name: string): boolean;
  /** The bytes of a file of an earlier build; `undefined` for what was none, or was left behind too long ago. */
  read(name: string): Promise<Uint8Array | undefined>;
}

export interface AssetArchiveParts {
  /** the built assets; their names carry the hash of their content */
  assets: string;
  /** where they are kept, in the data folder */
  folder: string;
  now: () => number;
  log: Pick<Log, "warn">;
}

const INDEX = "index.json";
const indexSchema = z.record(z.string(), z.nullable(z.number()));

/** Source maps are for developers, who have the build they look for. */
const isAsset = (name: string): boolean => /^[\w.-]+\.\w+$/.test(name) && !name.endsWith(".map") && name !== INDEX;

/**
 * Keeps a copy of the running build's assets for later builds to serve, and lets go of those that were left behind
 * too long ago. A disk that does not take them is no reason not to start: the archive is then as it was, or empty.
 */
export async function openAssetArchive({ assets, folder, now, log }: AssetArchiveParts): Promise<AssetArchive> {
  let index: ArchiveIndex = {};
  try {
    index = await readIndex(folder, await namesIn(folder));
    index = await takeTurn(assets, folder, now());
  } catch (error) {
    log.warn({ err: error }, "the assets of this build could not be kept for the next one");
  }
  function keeps(name: string): boolean {
    const leftAt = index[name];
    return typeof leftAt === "number" && isKept(leftAt, now());
  }
  return {
    keeps,
    async read(name) {
      if (!keeps(name)) return undefined;
      try {
        return await readFile(join(folder, name));
      } catch (error) {
        log.warn({ err: error }, "a kept asset could not be read");
        return undefined;
      }
    },
  };
}

async function takeTurn(assets: string, folder: string, now: number): Promise<ArchiveIndex> {
  const current = await namesIn(assets);
  await mkdir(folder, { recursive: true });
  const stored = await namesIn(folder);
  const { index, expired } = nextArchive(await readIndex(folder, stored), stored, current, now);
  for (const name of expired) await rm(join(folder, name), { force: true });
  for (const name of current)
    if (!stored.includes(name)) await put(folder, name, (to) => copyFile(join(assets, name), to));
  await put(folder, INDEX, (to) => writeFile(to, JSON.stringify(index)));
  return index;
}

/** Whole or not at all: a name stands for its content. */
async function put(folder: string, name: string, write: (to: string) => Promise<void>): Promise<void> {
  const unfinished = join(folder, ".unfinished");
  try {
    await write(unfinished);
    await rename(unfinished, join(folder, name));
  } finally {
    await rm(unfinished, { force: true });
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter(isAsset);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/** What is written down of the files that are there. An index that cannot be read says nothing. */
async function readIndex(folder: string, stored: readonly string[]): Promise<ArchiveIndex> {
  try {
    const parsed = indexSchema.safeParse(JSON.parse(await readFile(join(folder, INDEX), "utf8")));
    const known = parsed.success ? parsed.data : {};
    return Object.fromEntries(stored.flatMap((name) => (name in known ? [[name, known[name] ?? null]] : [])));
  } catch {
    return {};
  }
}
