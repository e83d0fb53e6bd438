// Hot reload on both sides: Vite on 5173 (open this one), the server restarted on each change on 8787.
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const vite = join(dirname(createRequire(import.meta.url).resolve("vite/package.json")), "bin/vite.js");

const run = (args, env = {}) =>
  spawn(process.execPath, args, { cwd: root, stdio: "inherit", env: { ...process.env, ...env } });

const port = process.env["PORT"] ?? "8787";
const children = [
  run(["--watch", "--watch-preserve-output", "--import", "tsx", "sync-server/main.ts"], { PORT: port }),
  run([vite], { HOLDFAST_DEV_SERVER: `http://localhost:${port}` }),
];

let stopping = false;
function stopAll(code) {
  if (stopping) return;
  stopping = true;
  process.exitCode = code;
  for (const child of children) child.kill("SIGTERM");
}
for (const child of children) child.once("exit", (code) => stopAll(code ?? 0));
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => stopAll(0));
