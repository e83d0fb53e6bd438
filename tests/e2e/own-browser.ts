import { readFileSync, readdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BrowserContext, BrowserType, LaunchOptions } from "@playwright/test";

/** A browser with its profile on disk, which survives it. */
export interface OwnBrowser {
  /** Starts it, or starts it again. */
  start(): Promise<BrowserContext>;
  /** Ends it as a person does. */
  stop(): Promise<void>;
  /** Ends every process of it at once, as a crash or a power cut does. */
  kill(): Promise<void>;
  close(): Promise<void>;
}

export async function openOwnBrowser(type: BrowserType, launchOptions: LaunchOptions): Promise<OwnBrowser> {
  const profile = await mkdtemp(join(tmpdir(), "holdfast-profile-"));
  let context: BrowserContext | undefined;
  return {
    async start() {
      context = await type.launchPersistentContext(profile, {
        ...launchOptions,
        viewport: { width: 1280, height: 800 },
        locale: "en-GB",
      });
      return context;
    },
    async stop() {
      await context?.close();
      context = undefined;
    },
    async kill() {
      const closed = context?.waitForEvent("close");
      for (const pid of processesOf(profile)) process.kill(pid, "SIGKILL");
      await closed;
      context = undefined;
    },
    async close() {
      await context?.close();
      await rm(profile, { recursive: true, force: true });
    },
  };
}

/** The processes whose command line names the profile; a process may be gone before it is read. */
function processesOf(profile: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/u.test(name))
    .filter((pid) => commandLineOf(pid).includes(profile))
    .map(Number);
}

function commandLineOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}
