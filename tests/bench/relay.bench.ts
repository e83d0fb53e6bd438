import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createUuidV7 } from "#shared/lib/uuid.ts";
import { signInGuest } from "#tests/support/guest.ts";
import type { Guest } from "#tests/support/guest.ts";
import { openNodeDevice } from "#tests/support/node-device.ts";
import { openServerProcess } from "#tests/support/server-process.ts";

// `npm run build && node --import tsx tests/bench/relay.bench.ts`: what the relay adds to calling a provider
// directly, and what a raw pipe adds. Server, pipe and scripted provider are processes of their own; the database
// is on the disk of TMPDIR.
const TURNS = 100;
const CROWDS = [
  { size: 20, rounds: 6 },
  { size: 100, rounds: 3 },
] as const;
const PACED_TOKENS = 20;
const PACE_MS = 20;
const FLOOD_TOKENS = 20_000;

interface Timing {
  firstMs: number;
  totalMs: number;
}
interface Conversation {
  conversationId: string;
  parentMessageId: string;
}

const newId = (): string => createUuidV7(Date.now(), (length) => crypto.getRandomValues(new Uint8Array(length)));

/** Runs a program that prints where it listens. */
async function openProcess(file: string, env: Record<string, string>) {
  const main = fileURLToPath(new URL(file, import.meta.url));
  const child = spawn(process.execPath, ["--import", "tsx", main], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  return { baseUrl: line.toString("utf8").trim(), close: () => void child.kill() };
}

const openProvider = (tokens: number, everyMs: number) =>
  openProcess("../support/scripted-provider-main.ts", {
    TEXT: "word ".repeat(tokens).trim(),
    PACE_MS: String(everyMs),
  });

/** Reads a response to its end; `first` says when the text so far holds the first token. */
async function readTimed(asked: Promise<Response>, first: RegExp): Promise<Timing> {
  const startedAt = performance.now();
  const response = await asked;
  if (!response.ok || !response.body) throw new Error(`answered ${response.status} ${await response.text()}`);
  const decoder = new TextDecoder();
  let firstMs: number | undefined;
  let head = "";
  for await (const bytes of response.body as unknown as AsyncIterable<Uint8Array>) {
    if (firstMs !== undefined) continue;
    head += decoder.decode(bytes, { stream: true });
    if (first.test(head)) firstMs = performance.now() - startedAt;
  }
  if (firstMs === undefined) throw new Error("no token came");
  return { firstMs, totalMs: performance.now() - startedAt };
}

const callDirectly = (baseUrl: string): Promise<Timing> =>
  readTimed(
    fetch(`${baseUrl}/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: "scripted-1", stream: true, messages: [{ role: "user", content: "Hello?" }] }),
    }),
    /"content":"[^"]/u,
  );

const callRelay = (guest: Guest, conversation: Conversation, model: string): Promise<Timing> =>
  readTimed(
    guest.fetch(`/api/runs/${newId()}`, {
      method: "PUT",
      headers: { "content-type": "application/json", accept: "text/event-stream" },
      body: JSON.stringify({ ...conversation, messageId: newId(), model, parameters: {} }),
    }),
    /^event: d$/mu,
  );

async function createConversation(url: string, guest: Guest): Promise<Conversation> {
  const conversationId = newId();
  const parentMessageId = newId();
  const device = openNodeDevice(url, guest.cookie, `conversation.${conversationId}.0`);
  const token = device.edit((conversation) =>
    conversation.addPrompt({ id: parentMessageId as never, parentId: undefined, text: "Hello?", createdAt: 1 }),
  );
  await device.until(() => device.settled() >= token);
  device.close();
  return { conversationId, parentMessageId };
}

const percentile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN;

type Path = "direct" | "piped" | "relayed";
type Timings = Record<Path, number[]>;

/** One line of the table: each way's time to first token at a share, and what it adds to the direct one. */
function row(name: string, { direct, piped, relayed }: Timings): string {
  const cells = [0.5, 0.95].map((share) => {
    const [own, pipe, relay] = [direct, piped, relayed].map((timings) => percentile(timings, share)) as [
      number,
      number,
      number,
    ];
    const added = `${(pipe - own).toFixed(1)} / ${(relay - own).toFixed(1)}`;
    return `${own.toFixed(1)} / ${pipe.toFixed(1)} / ${relay.toFixed(1)} | ${added}`;
  });
  return `| ${name} (n = ${relayed.length}) | ${cells.join(" | ")} |`;
}

/** Lets the ways take turns, each with `size` calls at once. */
async function measure(
  ways: Record<Path, (index: number) => Promise<Timing>>,
  size: number,
  rounds: number,
): Promise<Timings> {
  const timings: Timings = { direct: [], piped: [], relayed: [] };
  for (let round = 0; round < rounds; round++) {
    for (const path of ["direct", "piped", "relayed"] as const) {
      const calls = Array.from({ length: size }, (_, index) => ways[path](round * size + index));
      for (const { firstMs } of await Promise.all(calls)) timings[path].push(firstMs);
    }
  }
  return timings;
}

const folder = mkdtempSync(join(tmpdir(), "holdfast-bench-"));
const paced = await openProvider(PACED_TOKENS, PACE_MS);
const flood = await openProvider(FLOOD_TOKENS, 0);
const pipe = await openProcess("./raw-pipe.ts", { TARGET: paced.baseUrl });
const closeProcesses = (): void => {
  for (const opened of [paced, flood, pipe]) opened.close();
};
const entry = (id: string, baseUrl: string) => ({ id, baseUrl, models: [{ id: "scripted-1" }] });
const file = join(folder, "providers.json");
writeFileSync(file, JSON.stringify([entry("paced", paced.baseUrl), entry("flood", flood.baseUrl)]));
const server = await openServerProcess({ env: { PROVIDERS_FILE: file } }).catch((error: unknown) => {
  closeProcesses();
  throw error;
});

try {
  const guest = await signInGuest(server.url);
  const conversations: Conversation[] = [];
  for (let at = 0; at < 100; at++) conversations.push(await createConversation(server.url, guest));
  const ways = {
    direct: () => callDirectly(paced.baseUrl),
    piped: () => callDirectly(pipe.baseUrl),
    relayed: (index: number) => callRelay(guest, conversations[index % conversations.length]!, "paced/scripted-1"),
  };
  // The first calls of a process compile it; nobody meets that twice.
  await measure(ways, 1, 10);
  const one = await measure(ways, 1, TURNS);
  const crowds: string[] = [];
  for (const { size, rounds } of CROWDS) crowds.push(row(`${size} runs at once`, await measure(ways, size, rounds)));
  const direct = await callDirectly(flood.baseUrl);
  const relayed = await callRelay(guest, conversations[0]!, "flood/scripted-1");
  const rate = ({ totalMs }: Timing): string => Math.round((FLOOD_TOKENS / totalMs) * 1000).toLocaleString("en");

  const [cpu] = cpus();
  process.stdout.write(
    `${[
      `${new Date().toISOString().slice(0, 10)}, Node ${process.version}, ${cpus().length} x ${cpu?.model.trim() ?? "?"}`,
      "",
      "| Time to first token, ms: direct / pipe / relay | p50 | added by pipe / relay | p95 | added by pipe / relay |",
      "| --- | --- | --- | --- | --- |",
      row("1 run at a time", one),
      ...crowds,
      "",
      `Flood, one run of ${FLOOD_TOKENS} tokens: direct ${rate(direct)} tokens/s, through the relay ${rate(relayed)} tokens/s.`,
    ].join("\n")}\n`,
  );
} finally {
  await server.close();
  closeProcesses();
  rmSync(folder, { recursive: true, force: true });
}
