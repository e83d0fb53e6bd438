// Builds client and server when their output is missing or older than anything it is made of.
import { spawnSync } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const OUTPUTS = ["dist/client/index.html", "dist/server/main.js"];
const INPUTS = [
  "client",
  "sync-server",
  "shared",
  "public",
  "package.json",
  "package-lock.json",
  "tsconfig.json",
  "vite.config.ts",
  "vite.server.config.ts",
];

const changedAt = (path) => statSync(join(root, path), { throwIfNoEntry: false });

/** ms since 1970 of the newest file below a path; directories count too, so that a removed file is noticed. */
function newestBelow(path) {
  const found = changedAt(path);
  if (!found) return 0;
  if (!found.isDirectory()) return found.mtimeMs;
  const inside = readdirSync(join(root, path)).map((name) => newestBelow(join(path, name)));
  return Math.max(found.mtimeMs, ...inside);
}

const oldestOutput = Math.min(...OUTPUTS.map((path) => changedAt(path)?.mtimeMs ?? 0));
const newestInput = Math.max(...INPUTS.map(newestBelow));

if (oldestOutput < newestInput) {
  process.stdout.write(oldestOutput === 0 ? "Building Holdfast.\n" : "Sources changed: building again.\n");
  const { status } = spawnSync("npm", ["run", "--silent", "build"], { cwd: root, stdio: "inherit" });
  process.exitCode = status ?? 1;
}
