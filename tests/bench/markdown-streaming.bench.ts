import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "@playwright/test";
import type { Browser, CDPSession, Page } from "@playwright/test";
import { build } from "vite";
import { findBrowser } from "../../scripts/find-browser.mjs";
import type { answer as Answer } from "./markdown-page.tsx";
import { LONG, mixed } from "./markdown-samples.ts";
import { answer as scripted } from "#tests/support/provider-behaviour.ts";
import { openScriptedProvider } from "#tests/support/scripted-provider.ts";
import { openServerProcess } from "#tests/support/server-process.ts";

// `npm run build && npx tsx tests/bench/markdown-streaming.bench.ts [name…]`: what showing an answer costs while it
// is written, in a real Chromium: the whole product, then long parts of one kind in the frame of the chat.

const TOKENS = 2_000;
const TOKENS_PER_SECOND = 200;
const SLOWED = 4;
/** characters of a long part; a mixed answer of 20,000 tokens has about as many */
const LENGTH = 80_000;
/** 40 ms of a stream at 200 tokens a second */
const STEP = 40;
/** between the first and the last tenth */
const LEAP = 800;

declare const answer: typeof Answer;

interface Work {
  script: number;
  style: number;
  layout: number;
  /** all of the main thread, painting included */
  task: number;
}

const say = (text: string): void => void process.stdout.write(`${text}\n`);
const executablePath = findBrowser();

const launch = (): Promise<Browser> =>
  chromium.launch({
    ...(executablePath === undefined ? {} : { executablePath }),
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
  });

async function streamProduct(browser: Browser): Promise<void> {
  const tokens = mixed(TOKENS * 4).match(/[\s\S]{4}/gu) ?? [];
  const provider = await openScriptedProvider({
    otherwise: scripted(tokens, { pace: { everyMs: 1000 / TOKENS_PER_SECOND } }),
  });
  const server = await openServerProcess({ env: { OPENAI_API_KEY: "key", OPENAI_BASE_URL: provider.baseUrl } });
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  await page.goto(server.url);
  const composer = page.getByRole("textbox", { name: "Message", exact: true });
  await composer.fill("Write");
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Emulation.setCPUThrottlingRate", { rate: SLOWED });
  await page.evaluate(() => {
    const durations: number[] = [];
    new PerformanceObserver((list) => durations.push(...list.getEntries().map((entry) => entry.duration))).observe({
      entryTypes: ["longtask"],
    });
    Object.assign(globalThis, { durations });
  });
  const startedAt = performance.now();
  await composer.press("Enter");
  await page.getByRole("button", { name: "Regenerate" }).waitFor({ timeout: 60_000 });
  const seconds = (performance.now() - startedAt) / 1000;
  const long = await page.evaluate(() => (globalThis as unknown as { durations: number[] }).durations);
  const sum = long.reduce((total, one) => total + one, 0);
  say(
    `the product, ${tokens.length} tokens in ${seconds.toFixed(1)} s, CPU ${SLOWED}x slower: ` +
      `${long.length} long tasks, ${Math.round(sum)} ms in sum, ${Math.round(Math.max(0, ...long))} ms the longest`,
  );
  await page.close();
  await server.close();
  await provider.close();
}

async function openPages() {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-bench-"));
  await build({
    configFile: false,
    logLevel: "error",
    define: { "process.env.NODE_ENV": '"production"' },
    build: {
      outDir: folder,
      lib: {
        entry: fileURLToPath(new URL("markdown-page.tsx", import.meta.url)),
        formats: ["es"],
        fileName: () => "page.js",
      },
    },
  });
  const style = (await readdir(folder)).find((name) => name.endsWith(".css")) ?? "";
  const page = `<!doctype html><link rel="stylesheet" href="/${style}"><script type="module" src="/page.js"></script>`;
  const server = createServer((request, response) => {
    const name = request.url?.slice(1) ?? "";
    const type = name.endsWith(".js") ? "text/javascript" : name.endsWith(".css") ? "text/css" : "text/html";
    response.setHeader("content-type", type);
    if (type === "text/html") response.end(page);
    else
      readFile(join(folder, name)).then(
        (bytes) => response.end(bytes),
        () => response.writeHead(404).end(),
      );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async close(): Promise<void> {
      server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function workSoFar(devtools: CDPSession): Promise<Work> {
  const { metrics } = await devtools.send("Performance.getMetrics");
  const ms = (name: string): number => (metrics.find((one) => one.name === name)?.value ?? 0) * 1000;
  return {
    script: ms("ScriptDuration"),
    style: ms("RecalcStyleDuration"),
    layout: ms("LayoutDuration"),
    task: ms("TaskDuration"),
  };
}

/** The work of one stretch of the text, in ms for each 1,000 characters. */
async function measure(page: Page, devtools: CDPSession, text: string, from: number, to: number): Promise<Work> {
  const before = await workSoFar(devtools);
  await page.evaluate(([whole, start, end, step]) => answer.grow(whole, start, end, step), [
    text,
    from,
    to,
    STEP,
  ] as const);
  const after = await workSoFar(devtools);
  const per = (key: keyof Work): number => ((after[key] - before[key]) * 1000) / (to - from);
  return { script: per("script"), style: per("style"), layout: per("layout"), task: per("task") };
}

const sum = ({ script, style, layout }: Work): number => script + style + layout;

async function measureLong(browser: Browser, url: string, name: string, text: string): Promise<void> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  await page.goto(url);
  await page.waitForFunction(() => "answer" in globalThis);
  await page.evaluate(() => answer.open());
  const devtools = await page.context().newCDPSession(page);
  // Time of the thread itself, so that other work on the machine does not count.
  await devtools.send("Performance.enable", { timeDomain: "threadTicks" });
  const tenth = text.length / 10;
  // What is there at first has nothing to compare with: compiling, the first fonts.
  await page.evaluate(([whole, end, step]) => answer.grow(whole, 0, end, step), [text, tenth / 4, STEP] as const);
  const first = await measure(page, devtools, text, tenth / 4, tenth);
  await page.evaluate(([whole, a, b, step]) => answer.grow(whole, a, b, step), [text, tenth, tenth * 9, LEAP] as const);
  const last = await measure(page, devtools, text, tenth * 9, text.length);
  await page.close();
  const show = (work: Work): string =>
    `${sum(work).toFixed(1)} (${work.script.toFixed(1)} + ${work.style.toFixed(1)} + ${work.layout.toFixed(1)})`;
  say(
    `${name.padEnd(12)} first ${show(first)}, last ${show(last)}: x ${(sum(last) / sum(first)).toFixed(2)}; ` +
      `whole main thread ${first.task.toFixed(1)}, ${last.task.toFixed(1)}: x ${(last.task / first.task).toFixed(2)}`,
  );
}

const wanted = process.argv.slice(2);
const browser = await launch();
if (wanted.length === 0 || wanted.includes("product")) await streamProduct(browser);
say(`ms for each 1,000 characters (scripting + style + layout) in the first and last tenth of ${LENGTH} characters:`);
const pages = await openPages();
for (const [name, text] of Object.entries(LONG)) {
  if (wanted.length === 0 || wanted.includes(name)) await measureLong(browser, pages.url, name, text(LENGTH));
}
await pages.close();
await browser.close();
