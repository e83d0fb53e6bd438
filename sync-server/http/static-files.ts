import { createHash } from "node:crypto";
import { readFile, readdir } from "node:fs/promises";
import { extname, join, relative, sep } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import { isClientRoute } from "#shared/protocol/client-routes.ts";
import type { AssetArchive } from "./asset-archive.ts";
import { NO_WORKER_MARK, NO_WORKER_SCRIPT } from "./no-worker.ts";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".map": "application/json",
  ".webmanifest": "application/manifest+json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".txt": "text/plain; charset=utf-8",
  ".woff2": "font/woff2",
};
const COMPRESSIBLE = /^(text\/|application\/(json|manifest)|image\/svg)/;
const SHELL = "/index.html";
const WORKER = "/sw.js";
const ASSETS = "/assets/";

type Encoding = "br" | "gzip" | "identity";

interface StaticFile {
  bytes: Uint8Array;
  type: string;
  etag: string;
  cacheControl: string;
  /** made when first asked for */
  encoded: Map<Encoding, Promise<Uint8Array>>;
}

export interface StaticFiles {
  /** Answers GET and HEAD for a file or a page of the app; `undefined` for every other path. */
  answer(path: string, headers: Headers): Promise<Response | undefined>;
}

export interface StaticFilesOptions {
  /** `off` takes the service worker back from every browser */
  serviceWorker: "on" | "off";
  /** what earlier builds left behind */
  earlier?: AssetArchive;
}

/**
 * Reads the built client into memory. Only what was found there, or in the archive, is ever served, so no path can
 * lead out of the folder. A missing folder is an empty client.
 */
export async function openStaticFiles(folder: string, options: StaticFilesOptions): Promise<StaticFiles> {
  const files = new Map<string, StaticFile>();
  for (const file of await listFiles(folder)) {
    const path = `/${relative(folder, file).split(sep).join("/")}`;
    if (!path.includes("/.")) files.set(path, createStatic(path, await readFile(file)));
  }
  if (options.serviceWorker === "off") withoutWorker(files);
  /** what was asked for of the archive: read, hashed and compressed once */
  const earlier = new Map<string, Promise<StaticFile | undefined>>();
  async function findEarlier(path: string): Promise<StaticFile | undefined> {
    const archive = options.earlier;
    const name = path.slice(ASSETS.length);
    if (!path.startsWith(ASSETS) || !archive?.keeps(name)) {
      earlier.delete(path);
      return undefined;
    }
    const reading = earlier.get(path) ?? archive.read(name).then((bytes) => bytes && createStatic(path, bytes));
    earlier.set(path, reading);
    const file = await reading;
    // What cannot be read now may be there the next time.
    if (file === undefined) earlier.delete(path);
    return file;
  }
  return {
    async answer(path, headers) {
      const file = files.get(isClientRoute(path) ? SHELL : path) ?? (await findEarlier(path));
      return file && respond(file, headers);
    },
  };
}

async function listFiles(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/** Puts the worker that leaves in the place of the built one, and tells the page to register none. */
function withoutWorker(files: Map<string, StaticFile>): void {
  files.set(WORKER, createStatic(WORKER, Buffer.from(NO_WORKER_SCRIPT)));
  const shell = files.get(SHELL);
  if (!shell) return;
  const marked = Buffer.from(shell.bytes).toString().replace("<head>", `<head>${NO_WORKER_MARK}`);
  files.set(SHELL, createStatic(SHELL, Buffer.from(marked)));
}

function createStatic(path: string, bytes: Uint8Array): StaticFile {
  return {
    bytes,
    type: TYPES[extname(path)] ?? "application/octet-stream",
    etag: createHash("sha256").update(bytes).digest("base64url").slice(0, 22),
    // The build puts the hash of their content into the names of these.
    cacheControl: path.startsWith(ASSETS) ? "public, max-age=31536000, immutable" : "no-cache",
    encoded: new Map(),
  };
}

async function respond(file: StaticFile, headers: Headers): Promise<Response> {
  const encoding = COMPRESSIBLE.test(file.type) ? encodingFor(headers.get("accept-encoding") ?? "") : "identity";
  const etag = `"${file.etag}-${encoding}"`;
  const common = { etag, "cache-control": file.cacheControl, vary: "accept-encoding" };
  if ((headers.get("if-none-match") ?? "").split(/,\s*/).some((known) => known.replace(/^W\//, "") === etag))
    return new Response(null, { status: 304, headers: common });
  const body = file.encoded.get(encoding) ?? encode(file.bytes, encoding);
  file.encoded.set(encoding, body);
  return new Response(Buffer.from(await body), {
    headers: {
      ...common,
      "content-type": file.type,
      ...(encoding !== "identity" && { "content-encoding": encoding }),
    },
  });
}

function encodingFor(accepted: string): Encoding {
  const names = accepted.split(",").map((item) => item.trim());
  const accepts = (name: string): boolean =>
    names.some((item) => item.startsWith(name) && !/;\s*q=0(\.0+)?$/.test(item));
  return accepts("br") ? "br" : accepts("gzip") ? "gzip" : "identity";
}

function encode(bytes: Uint8Array, encoding: Encoding): Promise<Uint8Array> {
  switch (encoding) {
    case "br":
      return promisify(brotliCompress)(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } });
    case "gzip":
      return promisify(gzip)(bytes, { level: 9 });
    case "identity":
      return Promise.resolve(bytes);
  }
}
