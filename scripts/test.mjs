// `npm test`: everything that must hold. The checks run side by side, then the tests. A failing step does not hide the next.
// The last line is `N passed, N failed`; a check such as lint counts as one test.
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { findBrowser, findFirefox, findWebKit } from "./find-browser.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const reports = join(root, "test-results", "reports");
const MINUTE = 60_000;

/** Those of one list run one after the other, the lists side by side. */
const CHECKS = [
  [
    ["build", "npm", "run", "--silent", "build"],
    ["first-load size", "npx", "size-limit"],
  ],
  [["lint", "npx", "oxlint", "--type-aware"]],
  [["format", "npx", "oxfmt", "--check"]],
  [["types", "npm", "run", "--silent", "types"]],
  [["unused code", "npx", "knip"]],
];

const totals = { passed: 0, failed: 0 };
/** A line for each failure, said again at the end: of a long log only the end is always kept. */
const failures = [];
const count = (passed, failed) => {
  totals.passed += passed;
  totals.failed += failed;
};
/** of what is said again of a failure, in characters */
const FAILURE_LENGTH = 1_500;
const say = (text) => process.stdout.write(`${text}\n`);

/**
 * Runs a command to its end, or for `limitMs`. Its own process group, so that stopping it stops all of it.
 * @returns {Promise<{ code: number, output: string }>} with `shown`, the output went to the terminal instead
 */
function run([command, ...args], { limitMs = 4 * MINUTE, shown = false, env = {} } = {}) {
  return new Promise((resolve) => {
    const sink = shown ? "inherit" : "pipe";
    const stdio = ["ignore", sink, sink];
    const child = spawn(command, args, { cwd: root, stdio, detached: true, env: { ...process.env, ...env } });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text) => (output += text));
    }
    const stop = () => killGroup(child.pid);
    const timer = setTimeout(() => {
      output += `\nstopped after ${limitMs / 1000} s\n`;
      stop();
    }, limitMs);
    process.once("exit", stop);
    const finish = (code, more = "") => {
      clearTimeout(timer);
      process.removeListener("exit", stop);
      resolve({ code, output: output + more });
    };
    child.once("error", (error) => finish(1, String(error)));
    child.once("close", (code) => finish(code ?? 1));
  });
}

function killGroup(pid) {
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    if (error.code !== "ESRCH") throw error; // it ended by itself
  }
}

const took = (startedAt) => `${((performance.now() - startedAt) / 1000).toFixed(1)} s`;

async function check(name, command) {
  const startedAt = performance.now();
  const { code, output } = await run(command);
  say(`${code === 0 ? "ok    " : "FAILED"}  ${name}  (${took(startedAt)})`);
  if (code !== 0) {
    say(output.trimEnd());
    failures.push(`${name}: ${output.trim().slice(-FAILURE_LENGTH)}`);
  }
  count(code === 0 ? 1 : 0, code === 0 ? 0 : 1);
}

function readReport(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined; // the runner died before it wrote one, which counts as a failure below
  }
}

/** A runner that failed without naming a failed test (a file that does not load, a stray rejection) still failed. */
const failuresOf = (code, failed) => (code !== 0 && failed === 0 ? 1 : failed);

/** What failed in one file of tests, or that none of it could be run. */
function failuresIn({ name, status, message, assertionResults }) {
  if (status === "failed" && assertionResults.length === 0) return [`${name}: ${message}`];
  return assertionResults
    .filter((test) => test.status === "failed")
    .map(({ fullName, failureMessages }) => {
      const why = failureMessages.join("\n").slice(0, FAILURE_LENGTH);
      return `${relative(root, name)}: ${fullName}\n${why}`;
    });
}

async function unitTests() {
  say("\nUnit, contract and fault tests");
  const file = join(reports, "vitest.json");
  const command = ["npx", "vitest", "run", "--reporter=dot", "--reporter=json", `--outputFile.json=${file}`];
  const { code } = await run(command, { shown: true, limitMs: 30 * MINUTE });
  const report = readReport(file);
  const failed = (report?.testResults ?? []).flatMap(failuresIn);
  failures.push(...failed);
  count(report?.numPassedTests ?? 0, failuresOf(code, failed.length));
}

/** What depends most on the browser. All specs run in Firefox too (`npm run e2e`), for which there is no time here. */
const IN_FIREFOX = ["offline", "tabs", "installed-app", "local-store", "words-kept"].map((name) => `/${name}.spec.ts`);

async function endToEndTests(browser) {
  const main = ["--project=chromium", ...(findWebKit() ? ["--project=webkit"] : [])];
  await playwright(
    `End-to-end tests: ${main.length > 1 ? "Chromium, WebKitGTK" : "Chromium"}`,
    "chromium",
    browser,
    main,
  );
  if (findFirefox()) {
    await playwright("End-to-end tests: Firefox", "firefox", browser, ["--project=firefox", ...IN_FIREFOX]);
  }
}

async function playwright(title, name, browser, args) {
  say(`\n${title}`);
  const file = join(reports, `playwright-${name}.json`);
  const env = { CHROMIUM_PATH: browser, PLAYWRIGHT_JSON_OUTPUT_NAME: file };
  // Each run empties the folder of what failed before.
  const output = `--output=test-results/e2e-${name}`;
  const { code } = await run(["npx", "playwright", "test", "--reporter=line,json", output, ...args], {
    shown: true,
    limitMs: 50 * MINUTE,
    env,
  });
  const report = readReport(file);
  const stats = report?.stats;
  failures.push(
    ...triedTests(report?.suites ?? [])
      .filter(failedOnce)
      .map(wordsOfTest(name)),
  );
  // On a busy CI machine a test gets a second try; needing it is said, not hidden.
  const flaky = stats?.flaky ?? 0;
  if (flaky > 0) say(`${flaky} end-to-end test(s) passed only at the second try: see the report above.`);
  count((stats?.expected ?? 0) + flaky, failuresOf(code, stats?.unexpected ?? 0));
}

/** Every test of a report of Playwright, with each time it was run. */
function triedTests(suites, path = []) {
  return suites.flatMap((suite) => [
    ...triedTests(suite.suites ?? [], [...path, suite.title]),
    ...(suite.specs ?? []).flatMap((spec) =>
      spec.tests.map(({ results }) => ({ title: [...path, suite.title, spec.title].join(" › "), tries: results })),
    ),
  ]);
}

const failedOnce = ({ tries }) => tries.some(({ status }) => status !== "passed" && status !== "skipped");

const wordsOfTest =
  (browser) =>
  ({ title, tries }) =>
    `${browser}: ${title}\n${tries.map(wordsOfTry).join("\n")}`;

const wordsOfTry = ({ status, error }) => `${status}: ${error?.message ?? ""}`.slice(0, FAILURE_LENGTH);

for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(130));
rmSync(reports, { recursive: true, force: true });
mkdirSync(reports, { recursive: true });

const startedAt = performance.now();
const provisioned = await run(["node", "scripts/ensure-browser.mjs"], { limitMs: 10 * MINUTE });
const browser = findBrowser();
// What could not be installed is left out, and is not to be left out in silence.
say(
  provisioned.code === 0 && findFirefox() && findWebKit()
    ? `Browsers: ${browser}, ${findFirefox()}, ${findWebKit().browser}`
    : provisioned.output.trimEnd(),
);
await Promise.all(
  CHECKS.map(async (list) => {
    for (const [name, ...command] of list) await check(name, command);
  }),
);
await unitTests();
if (browser === undefined) count(0, 1);
else await endToEndTests(browser);

if (failures.length > 0) say(`\nFailed, or passed only at the second try:\n\n${failures.join("\n\n")}`);
say(`\nAll of it took ${took(startedAt)}.`);
say(`${totals.passed} passed, ${totals.failed} failed`);
process.exitCode = totals.failed === 0 ? 0 : 1;
