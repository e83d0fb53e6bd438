// The long form of the fault tests: more kills, more seeds than `npm test` has time for.
import { spawnSync } from "node:child_process";

const { KILL_ROUNDS = "30", SEEDS = "1000", HOSTILE = "20000" } = process.env;
const env = { ...process.env, KILL_ROUNDS, SEEDS, HOSTILE };
for (const [command, args] of [
  ["npm", ["run", "-s", "build"]],
  ["npx", ["vitest", "run", "tests/faults", "tests/hostile", "tests/convergence"]],
]) {
  const { status } = spawnSync(command, args, { stdio: "inherit", env });
  if (status !== 0) process.exit(status ?? 1);
}
