import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { findWebKit } from "../../scripts/find-browser.mjs";

/** A page in WebKitGTK's MiniBrowser, driven by the W3C endpoints of its own driver (https://www.w3.org/TR/webdriver2/). */
export interface WebKitPage {
  goto(url: string): Promise<void>;
  reload(): Promise<void>;
  /** Runs the body of a function in the page and answers what it returns. */
  run<T>(body: string): Promise<T>;
  /** Types into the field that a CSS selector finds; "\uE007" is Enter. */
  type(selector: string, text: string): Promise<void>;
  /** Waits until the body of a function returns something true. */
  until(what: string, body: string): Promise<void>;
  screenshot(): Promise<Buffer>;
  close(): Promise<void>;
}

const ELEMENT = "element-6066-11e4-a52e-4f735466cecf";
const WITHIN_MS = 20_000;
const LOOK_MS = 100;

/** Starts a screen of its own, the driver and the browser. */
export async function openWebKit(): Promise<WebKitPage> {
  const children: ChildProcess[] = [];
  const endAll = async (): Promise<void> => {
    for (const child of children.toReversed()) await end(child);
  };
  try {
    return pageOf(await openSession(children), endAll);
  } catch (error) {
    await endAll();
    throw error;
  }
}

/** Answers the address of a session; what it started is in `children`. */
async function openSession(children: ChildProcess[]): Promise<string> {
  const found = findWebKit();
  if (found === undefined) throw new Error("WebKitGTK, its driver or Xvfb is not installed");
  const screen = spawn(found.screen, ["-displayfd", "3", "-screen", "0", "1280x800x24", "-nolisten", "tcp"], {
    stdio: ["ignore", "ignore", "ignore", "pipe"],
  });
  children.push(screen);
  const display = String(await Promise.race([once(screen.stdio[3]!, "data"), once(screen, "exit")])).trim();
  if (screen.exitCode !== null) throw new Error(`Xvfb ended with ${screen.exitCode}`);
  const port = await freePort();
  const driver = spawn(found.driver, [`--port=${port}`], {
    stdio: "ignore",
    // The browser runs as whoever runs the tests, where its sandbox may not be had.
    env: { ...process.env, DISPLAY: `:${display}`, WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: "1" },
  });
  children.push(driver);
  const base = `http://127.0.0.1:${port}`;
  await answers(base);
  const options = { binary: found.browser, args: ["--automation"] };
  const capabilities = { alwaysMatch: { "webkitgtk:browserOptions": options } };
  const { sessionId } = (await ask(`${base}/session`, "POST", { capabilities })) as { sessionId: string };
  return `${base}/session/${sessionId}`;
}

function pageOf(session: string, endAll: () => Promise<void>): WebKitPage {
  const run = async <T>(body: string): Promise<T> =>
    (await ask(`${session}/execute/sync`, "POST", { script: body, args: [] })) as T;
  return {
    goto: async (url) => void (await ask(`${session}/url`, "POST", { url })),
    reload: async () => void (await ask(`${session}/refresh`, "POST", {})),
    run,
    async type(selector, text) {
      const query = { using: "css selector", value: selector };
      const element = (await ask(`${session}/element`, "POST", query)) as Record<string, string>;
      await ask(`${session}/element/${element[ELEMENT]}/value`, "POST", { text });
    },
    async until(what, body) {
      const since = performance.now();
      while (!(await run<boolean>(body))) {
        if (performance.now() - since > WITHIN_MS)
          throw new Error(
            `not within ${WITHIN_MS} ms: ${what}\n${await run<string>("return document.body.innerText")}`,
          );
        await wait(LOOK_MS);
      }
    },
    screenshot: async () => Buffer.from((await ask(`${session}/screenshot`, "GET")) as string, "base64"),
    async close() {
      // Where the browser is gone already, its processes are all there is to end.
      await ask(session, "DELETE").catch(() => undefined);
      await endAll();
    },
  };
}

async function ask(url: string, method: string, body?: object): Promise<unknown> {
  const response = await fetch(url, { method, ...(body && { body: JSON.stringify(body) }) });
  const { value } = (await response.json()) as { value: { error?: string; message?: string } | null };
  if (!response.ok) throw new Error(`${method} ${new URL(url).pathname}: ${value?.error} ${value?.message}`);
  return value;
}

async function answers(base: string): Promise<void> {
  for (let look = 0; look < 100; look++) {
    const there = await fetch(`${base}/status`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (there) return;
    await wait(LOOK_MS);
  }
  throw new Error("the driver does not answer");
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill();
  await ended;
}
