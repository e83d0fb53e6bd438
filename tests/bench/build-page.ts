import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";

/** Builds a module of this folder for a page, as one script, into a folder that may hold other things; answers its text. */
export async function buildPage(name: string, folder: string): Promise<string> {
  await build({
    configFile: false,
    logLevel: "error",
    build: {
      outDir: folder,
      // One file, what is loaded later among it.
      rolldownOptions: { output: { codeSplitting: false } },
      lib: {
        entry: fileURLToPath(new URL(name, import.meta.url)),
        formats: ["es"],
        fileName: () => "page.js",
      },
    },
  });
  return await readFile(join(folder, "page.js"), "utf8");
}
