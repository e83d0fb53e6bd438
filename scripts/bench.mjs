// Runs every benchmark in tests/bench in turn, alone on the machine as far as we can help it.
// `npm run bench -- relay sync`: only those whose file name contains one of these.
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";

const folder = "tests/bench";
const { status: built } = spawnSync("npm", ["run", "-s", "build"], { stdio: "inherit" });
if (built !== 0) process.exit(built ?? 1);
const wanted = process.argv.slice(2);
const isWanted = (name) => wanted.length === 0 || wanted.some((part) => name.includes(part));
for (const file of readdirSync(folder).filter((name) => name.endsWith(".bench.ts") && isWanted(name))) {
  process.stdout.write(`\n${file}\n`);
  const { status } = spawnSync(process.execPath, ["--import", "tsx", `${folder}/${file}`], { stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}
