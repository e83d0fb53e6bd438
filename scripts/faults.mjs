// The long form of the fault tests: more kills, seeds and cuts than `npm test` has time for, and what they counted.
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";

/** How often each fault is made. Set one of these to change it; the tests' own defaults are the short form. */
const LONG = {
  KILL_ROUNDS: "500",
  SEEDS: "10000",
  STALL_MS: "15000",
  LOCK_MS: "10000",
  NETWORK_ROUNDS: "10",
  TORN_CUTS: "40",
  MIGRATION_KILLS: "30",
  MEMORY_ROOMS: "4,24",
  SPLIT_RUNS: "300",
  HOSTILE: "20000",
};
const REPORT = "test-results/reports/faults.json";
/** a line of a test's own figures: the ids of its rows, or what it is, then a colon */
const FIGURES = /^(?:[A-DR]\d+|[A-Z][\w -]{2,40}): .+$/u;

const env = { ...LONG, ...process.env };
const built = spawnSync("npm", ["run", "-s", "build"], { stdio: "inherit", env });
if (built.status !== 0) process.exit(built.status ?? 1);

mkdirSync(dirname(REPORT), { recursive: true });
const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${REPORT}`];
const tests = spawn("npx", ["vitest", "run", "tests/faults", "tests/hostile", "tests/convergence", ...reporters], {
  stdio: ["inherit", "pipe", "inherit"],
  env,
});
let output = "";
tests.stdout.setEncoding("utf8").on("data", (text) => {
  process.stdout.write(text);
  output += text;
});
tests.once("close", (code) => {
  summarise();
  process.exit(code ?? 1);
});

const line = ({ result, seconds, test }) => `${result.padEnd(8)} ${seconds.padStart(7)} s  ${test}\n`;

/** One line for each test, by the ids of its title, and then what the tests counted. */
function summarise() {
  const { testResults } = JSON.parse(readFileSync(REPORT, "utf8"));
  const rows = testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .map(({ fullName, status, duration }) => ({
      result: status,
      seconds: ((duration ?? 0) / 1000).toFixed(1),
      test: fullName,
    }))
    .toSorted((a, b) => a.test.localeCompare(b.test, "en", { numeric: true }));
  process.stdout.write(
    `\nFaults: ${Object.keys(LONG)
      .map((name) => `${name}=${env[name]}`)
      .join(" ")}\n`,
  );
  for (const row of rows) process.stdout.write(line(row));
  const figures = output.split("\n").filter((text) => FIGURES.test(text));
  process.stdout.write(`\nCounted\n${figures.map((text) => `  ${text}\n`).join("")}`);
}
