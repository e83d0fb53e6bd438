// Runs the benchmarks of tests/bench in turn, alone on the machine as far as we can help it: all of them, or those
// whose names hold one of the words given (`npm run bench -- relay`).
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";

const folder = "tests/bench";
const words = process.argv.slice(2);
const files = readdirSync(folder).filter(
  (name) => name.endsWith(".bench.ts") && (words.length === 0 || words.some((word) => name.includes(word))),
);
if (files.length === 0) {
  process.stderr.write(`No benchmark is named ${words.join(" or ")}\n`);
  process.exit(1);
}
const { status: built } = spawnSync("npm", ["run", "-s", "build"], { stdio: "inherit" });
if (built !== 0) process.exit(built ?? 1);
for (const file of files) {
  process.stdout.write(`\n${file}\n`);
  const { status } = spawnSync(process.execPath, ["--import", "tsx", `${folder}/${file}`], { stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}
