import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BrowserContext, BrowserType, LaunchOptions } from "@playwright/test";
import { killBrowserOf } from "#tests/support/browser-processes.ts";

/** A browser with its profile on disk, which survives it. */
export interface OwnBrowser {
  /** the folder of its profile */
  profile: string;
  /** Starts it, or starts it again. */
  start(): Promise<BrowserContext>;
  /** Ends it as a person does. */
  stop(): Promise<void>;
  /** Ends every process of it at once, as a crash or a power cut does; answers how many there were. */
  kill(): Promise<number>;
  close(): Promise<void>;
}

export async function openOwnBrowser(type: BrowserType, launchOptions: LaunchOptions): Promise<OwnBrowser> {
  const profile = await mkdtemp(join(tmpdir(), "holdfast-profile-"));
  let context: BrowserContext | undefined;
  return {
    profile,
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
      const killed = killBrowserOf(profile);
      await closed;
      context = undefined;
      return killed;
    },
    async close() {
      await context?.close();
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
