import { readFileSync } from "node:fs";

/**
 * The JavaScript a first visit must load before the app runs: the entry and everything it imports
 * statically. Lazy chunks are not among it, which globs over file names could not tell.
 */
function firstLoad() {
  const manifest = JSON.parse(readFileSync("dist/client/.vite/manifest.json", "utf8"));
  const entry = Object.keys(manifest).find((key) => manifest[key].isEntry);
  const chunks = new Set();
  const visit = (key) => {
    if (chunks.has(key)) return;
    chunks.add(key);
    for (const imported of manifest[key].imports ?? []) visit(imported);
  };
  visit(entry);
  return [...chunks].map((key) => `dist/client/${manifest[key].file}`);
}

// oxlint-disable-next-line import/no-default-export -- size-limit reads the default export
export default [{ name: "JavaScript of a first visit", path: firstLoad(), gzip: true, limit: "150 kB" }];
