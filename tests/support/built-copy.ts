import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** As the build names what it puts into `assets`. */
const HASHED = /^(.+)-([\w-]{8})\.(js|css)$/;

/** A copy of the build of its own, which can be made a later build: what a deploy does to a server. */
export function copyBuild() {
  const place = mkdtempSync(join(tmpdir(), "holdfast-build-"));
  const client = join(place, "dist", "client");
  mkdirSync(join(place, "dist"));
  for (const name of ["client", "server"])
    cpSync(join(ROOT, "dist", name), join(place, "dist", name), {
      recursive: true,
      filter: (path) => !path.endsWith(".map"),
    });
  for (const name of ["node_modules", "docs", "package.json"]) symlinkSync(join(ROOT, name), join(place, name));
  let builds = 1;

  const texts = (): string[] =>
    readdirSync(client, { recursive: true, encoding: "utf8" })
      .filter((name) => /\.(js|css|html)$/.test(name))
      .map((name) => join(client, name));
  function rewrite(change: (text: string, file: string) => string): void {
    for (const file of texts()) writeFileSync(file, change(readFileSync(file, "utf8"), file));
  }

  return {
    /** the server to start (`ServerOptions.main`) */
    main: join(place, "dist", "server", "main.js"),
    client,
    /** the names of the assets now */
    assets: (): string[] => readdirSync(join(client, "assets")),
    /** The same app as another build: every asset has another name, and the page and the worker name those. */
    nextBuild(): void {
      builds += 1;
      const names = readdirSync(join(client, "assets")).filter((name) => HASHED.test(name));
      const renamed = new Map(
        names.map((name) => [
          name,
          name.replace(HASHED, (_, stem, hash: string, end) => `${stem}-${hash.slice(0, 6)}N${builds}.${end}`),
        ]),
      );
      rewrite((text, file) => {
        const named = names.reduce((all, name) => all.replaceAll(name, renamed.get(name) ?? name), text);
        if (file.endsWith("sw.js")) return named.replaceAll(/(revision["']?:\s*["'`])[\w-]+/g, `$1build${builds}`);
        return file.endsWith("index.html")
          ? named.replace("<head>", `<head><meta name="build" content="${builds}">`)
          : named;
      });
      for (const [name, next] of renamed) renameSync(join(client, "assets", name), join(client, "assets", next));
    },
    close: () => rmSync(place, { recursive: true, force: true }),
  };
}
