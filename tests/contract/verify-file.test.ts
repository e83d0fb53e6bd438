import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import Sqlite from "better-sqlite3";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openServerProcess } from "#tests/support/server-process.ts";
import { META, SIGNED_AT, aContent, aFile, aParty, frozen } from "#tests/support/signing-party.ts";
import type { SigningParty } from "#tests/support/signing-party.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** starting npm takes its time on a busy machine */
const PATIENCE_MS = 120_000;
let folder: string;
let party: SigningParty;
let file: Uint8Array;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-verify-"));
  party = await aParty();
  const content = await aContent(party, [
    { prompt: "What is red?", answer: "A rose." },
    { prompt: "And blue?", answer: "The sky." },
  ]);
  // The words of the second answer were changed before it was frozen.
  file = await aFile(party, frozen(content.messages.map((one, at) => (at === 3 ? { ...one, text: "The sea." } : one))));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function kept(name: string, content: Uint8Array | string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}
const keysOf = (name: string, ...parties: SigningParty[]): string =>
  kept(name, JSON.stringify({ keys: parties.map(({ key }) => key) }));

const timeOf = (secondsLater: number): string => new Date((SIGNED_AT + secondsLater) * 1000).toISOString();

/** Has the key in use end so soon, in ms, beside a running server. */
function endIn(dataDir: string, ms: number): void {
  const database = new Sqlite(join(dataDir, "holdfast.sqlite"), { timeout: 5000 });
  database.prepare("update signing_key set expires_at = ? where retired_at is null").run(Date.now() + ms);
  database.close();
}

/** A command of `package.json`, without looking whether the build is fresh; in a folder with nothing of a server. */
function run(
  script: string,
  args: string[],
  env: Record<string, string> = {},
): { status: number | null; said: string } {
  const command = ["run", "--silent", "--ignore-scripts", script, "--", ...args];
  const base = { PATH: process.env["PATH"], HOME: process.env["HOME"], DATA_DIR: join(folder, "nothing") };
  const { status, stdout, stderr } = spawnSync("npm", command, {
    cwd: ROOT,
    env: { ...base, ...env },
    encoding: "utf8",
  });
  return { status, said: stdout + stderr };
}

test("an intact file, what is said of its answers, and by whose word", { timeout: PATIENCE_MS }, () => {
  const { status, said } = run("verify", [kept("a.holdfast.json", file), "--keys", keysOf("keys.json", party)]);
  expect(said.split("\n")).toEqual([
    `INTACT. Nothing in this file was changed since it was signed at ${new Date(SIGNED_AT * 1000).toISOString()} by "https://chat.example.org".`,
    expect.stringMatching(/^Snapshot 3, "Pläne für 東京 🗼": 4 messages, content id [0-9a-f]{64}\.$/u),
    "The key is one of those you gave.",
    `Fingerprint of the key: ${party.key.kid}`,
    'Message 2: verified: these are the words of "openai/gpt-x" ("gpt-x-2026-01-01"), asked exactly what stands before them.',
    'Message 4: edited: "openai/gpt-x" ("gpt-x-2026-01-01") wrote an answer here, but not these words.',
    "",
  ]);
  expect(status).toBe(0);
  const alone = run("verify", [kept("a.holdfast.json", file)]);
  expect(alone).toMatchObject({ status: 0, said: expect.stringContaining("You gave no keys") });
});

test("what is not intact, and what cannot be verified", { timeout: PATIENCE_MS }, async () => {
  const text = new TextDecoder().decode(file);
  const changed = kept("changed.holdfast.json", text.replace("And blue?", "And grey?"));
  expect(run("verify", [changed])).toMatchObject({
    status: 1,
    said: expect.stringMatching(/^CHANGED\. Message 3 \(a prompt of .*Z\) was changed\./),
  });
  const other = keysOf("other.json", await aParty());
  const whole = kept("whole.holdfast.json", file);
  expect(run("verify", [whole, "--keys", other])).toMatchObject({
    status: 1,
    said: expect.stringContaining("OTHER SERVER"),
  });
  for (const [name, ends, words] of [
    ["retired", { retiredAt: SIGNED_AT * 1000 - 1000 }, /^RETIRED KEY\. .*T\S+Z with key \S+, but .* retired at .*Z\./],
    ["expired", { exp: SIGNED_AT - 1 }, /^EXPIRED KEY\. .*T\S+Z with key \S+, but .* expired at .*Z\./],
  ] as const) {
    const ended = keysOf(`${name}.json`, { ...party, key: { ...party.key, ...ends } });
    expect(run("verify", [whole, "--keys", ended])).toMatchObject({ status: 1, said: expect.stringMatching(words) });
  }
  // The file itself was signed in time, and one of its answers says that it was not.
  const late = await aContent(party, [{ prompt: "?", answer: "!", claims: { iat: SIGNED_AT + 20 } }]);
  const ended = keysOf("ended.json", { ...party, key: { ...party.key, exp: SIGNED_AT + 10 } });
  const mark = `Message 2: unverified: its receipt says it was signed at ${timeOf(20)}, but its key expired at ${timeOf(10)}.`;
  expect(run("verify", [kept("late.holdfast.json", await aFile(party, late)), "--keys", ended])).toMatchObject({
    status: 0,
    said: expect.stringContaining(mark),
  });
  for (const args of [[], [whole, whole], [whole, "--other"], [join(folder, "none")], [whole, "--keys", whole]])
    expect([args, run("verify", args).status]).toEqual([args, 2]);
});

test("what a file says cannot speak to the terminal", { timeout: PATIENCE_MS }, async () => {
  const content = await aContent(party, [{ prompt: "?", answer: "!", claims: { model: "\u001b[2J" } }]);
  const meta = { title: "\u001b]0;owned\u0007\n\u202eINTACT", server: "\u009b2J" };
  const { said } = run("verify", [
    kept("loud.holdfast.json", await aFile(party, content, { meta: { ...META, ...meta } })),
  ]);
  // oxlint-disable-next-line no-control-regex -- these are what must not be there
  expect(said).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/u);
  expect(said).toContain("\\u001b]0;owned");
});

test(
  "a server keeps its keys over a restart, and rotates them while it runs, by itself before they end",
  { timeout: PATIENCE_MS },
  async () => {
    const server = await openServerProcess();
    try {
      const published = async (): Promise<{ kid: string; retiredAt?: number; exp?: number }[]> => {
        const response = await fetch(`${server.url}/.well-known/jwks.json`);
        expect(response.headers.get("cache-control")).toBe("public, max-age=300");
        return ((await response.json()) as { keys: { kid: string }[] }).keys;
      };
      const before = await published();
      expect(before).toHaveLength(1);
      await server.kill();
      await server.restart();
      expect(await published()).toEqual(before);
      const { status, said } = run("keys:rotate", [], { DATA_DIR: server.dataDir });
      expect([status, said]).toEqual([0, expect.stringContaining(`for ever: ${before[0]?.kid}.`)]);
      await expect.poll(published, { timeout: 20_000 }).toHaveLength(2);
      expect((await published())[1]).toMatchObject({ kid: before[0]?.kid, retiredAt: expect.any(Number) });
      const [made] = await published();
      endIn(server.dataDir, 29 * 86_400_000);
      await expect.poll(published, { timeout: 20_000 }).toHaveLength(3);
      const [renewed, replaced] = await published();
      expect(replaced).toMatchObject({ kid: made?.kid, retiredAt: expect.any(Number) });
      expect(renewed?.retiredAt).toBeUndefined();
      expect(renewed?.exp).toBeGreaterThan(Date.now() / 1000 + 364 * 86_400);
      expect(server.output()).not.toContain('"d":');
    } finally {
      await server.close();
    }
    expect(run("keys:rotate", [])).toMatchObject({ status: 1, said: expect.stringContaining("there is no database") });
  },
);

test(
  "the recipe in the documentation verifies a file as well, with nothing installed",
  { timeout: PATIENCE_MS },
  () => {
    const [, recipe = ""] =
      /```js\n([\s\S]*?)```/.exec(readFileSync(join(ROOT, "docs/snapshot-file.md"), "utf8")) ?? [];
    const script = kept("verify.mjs", recipe);
    const recipeSays = (name: string, content: Uint8Array | string, kid = party.key.kid) => {
      const { status, stdout, stderr } = spawnSync(process.execPath, [script, kept(name, content), kid], {
        encoding: "utf8",
      });
      return { status, said: stdout + stderr };
    };
    expect(recipeSays("whole.json", file)).toEqual({ status: 0, said: `intact, signed with ${party.key.kid}\n` });
    expect(recipeSays("whole.json", file, "another")).toMatchObject({
      status: 1,
      said: expect.stringContaining("not by this key"),
    });
    const text = new TextDecoder().decode(file);
    for (const [from, to, part] of [
      ["And blue?", "And grey?", "message 3"],
      ["Pläne", "Plans", "meta"],
      ["Be brief", "Be broad", "manifest"],
    ] as const)
      expect(recipeSays("other.json", text.replace(from, to))).toMatchObject({
        status: 1,
        said: expect.stringContaining(`changed: ${part}`),
      });
  },
);
