import { fileURLToPath } from "node:url";
import { expect, test } from "@playwright/test";
import { build } from "vite";
import type { Rollup } from "vite";
import * as Y from "yjs";
import { frozenId, frozenIds } from "#tests/support/frozen-ids.ts";
import { generateConversation } from "#tests/support/generated-conversation.ts";

const CONVERSATIONS = 1_000;

/** The code that freezes on the server, as one script that puts it into a global. */
async function bundle(): Promise<string> {
  const entry = fileURLToPath(new URL("../support/frozen-ids.ts", import.meta.url));
  const built = (await build({
    configFile: false,
    logLevel: "error",
    build: { write: false, minify: false, lib: { entry, formats: ["iife"], name: "frozen" } },
  })) as Rollup.RollupOutput[];
  return built[0]?.output[0].code ?? "";
}

test(`P6: ${CONVERSATIONS} conversations have the same id in this browser as on the server`, async ({ page }) => {
  const written = Array.from({ length: CONVERSATIONS }, (_, seed) => generateConversation(seed));
  const updates = written.map((doc) => Buffer.from(Y.encodeStateAsUpdate(doc)).toString("base64"));
  const onServer = frozenIds(updates);
  expect(written.map(frozenId)).toEqual(onServer);
  await page.addScriptTag({ content: await bundle() });
  const inBrowser = await page.evaluate(
    (all) => (globalThis as unknown as { frozen: { frozenIds: typeof frozenIds } }).frozen.frozenIds(all),
    updates,
  );
  expect(inBrowser).toEqual(onServer);
  const ids = new Set(onServer.filter((id) => /^[0-9a-f]{64}$/u.test(id)));
  process.stdout.write(
    `${ids.size} different ids, ${onServer.filter((id) => id === "empty").length} had nothing in them\n`,
  );
  expect(ids.size).toBeGreaterThan(CONVERSATIONS * 0.85);
});
