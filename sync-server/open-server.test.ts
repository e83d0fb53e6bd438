import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { parseConfig } from "./config/config.ts";
import type { Config } from "./config/config.ts";
import { createLog } from "./observability/log.ts";
import { openServer } from "./open-server.ts";

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "holdfast-open-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const log = createLog("silent", { write: () => undefined });

function configWith(environment: Record<string, string>): Config {
  const config = parseConfig({ PORT: "0", HOST: "127.0.0.1", LOCAL_ENDPOINTS: "off", ...environment });
  if (!config.ok) throw new Error(config.failure.join("; "));
  return config.value;
}

test.each([
  ["is missing", "nowhere.json"],
  ["is no file", "."],
])("a providers file that %s is named with its variable before any database is opened", async (_, name) => {
  const dataDir = join(folder, "data");
  const config = configWith({ DATA_DIR: dataDir, PROVIDERS_FILE: join(folder, name) });
  await expect(openServer(config, log, () => undefined)).rejects.toThrow(/PROVIDERS_FILE names .* cannot be read/u);
  expect(existsSync(dataDir)).toBe(false);
});

test("closing ends, also with a connection that says nothing and one half said", async () => {
  const server = await openServer(configWith({ DATA_DIR: join(folder, "data") }), log, () => undefined);
  const ends = ["", "GET /healthz HTTP/1.1\r\nhost: x\r\n"].map(
    (said) =>
      new Promise<void>((resolve) => {
        const socket = connect(server.port, "127.0.0.1", () => socket.write(said));
        socket.on("error", () => undefined).on("close", () => resolve());
      }),
  );
  await fetch(`http://127.0.0.1:${server.port}/`);
  await server.close();
  await expect(Promise.all(ends)).resolves.toHaveLength(2);
});
