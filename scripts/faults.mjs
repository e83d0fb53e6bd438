// The long form of the fault tests: more kills, more seeds than `npm test` has time for.
import { spawnSync } from "node:child_process";

const env = { ...process.env, KILL_ROUNDS: process.env.KILL_ROUNDS ?? "30", SEEDS: process.env.SEEDS ?? "1000" };
for (const [command, args] of [
  ["npm", ["run", "-s", "build"]],
  ["npx", ["vitest", "run", "tests/faults", "tests/convergence"]],
]) {
  const { status } = spawnSync(command, args, { stdio: "inherit", env });
  if (status !== 0) process.exit(status ?? 1);
}
