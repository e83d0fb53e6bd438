// The long form of the fault tests: more kills, seeds and cuts than `npm test` has time for, and what they counted.
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { dirname, relative } from "node:path";

/** How often each fault is made. Set one of these to change it; the tests' own defaults are the short form. */
const LONG = {
  KILL_ROUNDS: "500",
  SEEDS: "10000",
  STALL_MS: "15000",
  LOCK_MS: "10000",
  NETWORK_ROUNDS: "10",
  TORN_CUTS: "40",
  MIGRATION_KILLS: "30",
  MERGE_KILLS: "50",
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
const run = spawn("npx", ["vitest", "run", "tests/faults", "tests/hostile", "tests/convergence", ...reporters], {
  stdio: ["inherit", "pipe", "inherit"],
  env,
});
let output = "";
run.stdout.setEncoding("utf8").on("data", (text) => {
  process.stdout.write(text);
  output += text;
});
run.once("close", (code) => {
  summarise();
  process.exit(code ?? 1);
});

/** One line for each file with the rows of its titles, then what failed, and what the tests counted. */
function summarise() {
  const { testResults } = JSON.parse(readFileSync(REPORT, "utf8"));
  const settings = Object.keys(LONG).map((name) => `${name}=${env[name]}`);
  process.stdout.write(`\nFaults: ${settings.join(" ")}\npassed  failed  seconds  file: rows\n`);
  const failures = [];
  for (const { name, startTime, endTime, assertionResults } of testResults) {
    const failed = assertionResults.filter(({ status }) => status === "failed");
    failures.push(...failed.map(({ fullName }) => fullName));
    const passed = assertionResults.filter(({ status }) => status === "passed").length;
    const seconds = Math.round((endTime - startTime) / 1000);
    const columns = [passed, failed.length, seconds]
      .map((figure, at) => String(figure).padStart([6, 8, 9][at]))
      .join("");
    process.stdout.write(`${columns}  ${relative("tests", name)}: ${rowsOf(assertionResults)}\n`);
  }
  const figures = output.split("\n").filter((text) => FIGURES.test(text));
  process.stdout.write(`\nCounted\n${figures.map((text) => `  ${text}\n`).join("")}`);
  if (failures.length > 0) process.stdout.write(`\nFailed\n${failures.map((text) => `  ${text}\n`).join("")}`);
}

/** The ids that the titles of a file carry, e.g. `B1, I1, I2`. */
function rowsOf(tests) {
  const ids = tests.flatMap(({ fullName }) => fullName.match(/\b[A-DIOPR]\d{1,2}\b/gu) ?? []);
  return [...new Set(ids)].toSorted((a, b) => a.localeCompare(b, "en", { numeric: true })).join(", ");
}
