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
// directly. Server and scripted provider are processes of their own; the database is on the disk of TMPDIR.
const PAIRS = 25;
const ROUNDS = 6;
const CONCURRENT = 20;
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

async function openProvider(tokens: number, everyMs: number) {
  const main = fileURLToPath(new URL("../support/scripted-provider-main.ts", import.meta.url));
  const child = spawn(process.execPath, ["--import", "tsx", main], {
    env: { ...process.env, TEXT: "word ".repeat(tokens).trim(), PACE_MS: String(everyMs) },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  return { baseUrl: line.toString("utf8").trim(), close: () => void child.kill() };
}

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

const row = (name: string, direct: readonly Timing[], relayed: readonly Timing[]): string => {
  const at = (timings: readonly Timing[], share: number) =>
    percentile(
      timings.map(({ firstMs }) => firstMs),
      share,
    );
  const cells = [0.5, 0.95].map((share) => {
    const [own, through] = [at(direct, share), at(relayed, share)];
    return `${own.toFixed(1)} / ${through.toFixed(1)} / ${(through - own).toFixed(1)}`;
  });
  return `| ${name} (n = ${relayed.length}) | ${cells.join(" | ")} |`;
};

const together = (call: (index: number) => Promise<Timing>): Promise<Timing[]> =>
  Promise.all(Array.from({ length: CONCURRENT }, (_, index) => call(index)));

const folder = mkdtempSync(join(tmpdir(), "holdfast-bench-"));
const paced = await openProvider(PACED_TOKENS, PACE_MS);
const flood = await openProvider(FLOOD_TOKENS, 0);
const entry = (id: string, baseUrl: string) => ({ id, baseUrl, models: [{ id: "scripted-1" }] });
const file = join(folder, "providers.json");
writeFileSync(file, JSON.stringify([entry("paced", paced.baseUrl), entry("flood", flood.baseUrl)]));
const server = await openServerProcess({ env: { PROVIDERS_FILE: file } }).catch((error: unknown) => {
  paced.close();
  flood.close();
  throw error;
});

try {
  const guest = await signInGuest(server.url);
  const conversations: Conversation[] = [];
  for (let at = 0; at < CONCURRENT; at++) conversations.push(await createConversation(server.url, guest));
  const relay = (index: number) => callRelay(guest, conversations[index % CONCURRENT]!, "paced/scripted-1");
  for (let at = 0; at < 3; at++) await Promise.all([callDirectly(paced.baseUrl), relay(at)]);

  const one = { direct: [] as Timing[], relayed: [] as Timing[] };
  for (let at = 0; at < PAIRS; at++) {
    one.direct.push(await callDirectly(paced.baseUrl));
    one.relayed.push(await relay(at));
  }
  const many = { direct: [] as Timing[], relayed: [] as Timing[] };
  for (let at = 0; at < ROUNDS; at++) {
    many.direct.push(...(await together(() => callDirectly(paced.baseUrl))));
    many.relayed.push(...(await together(relay)));
  }
  const direct = await callDirectly(flood.baseUrl);
  const relayed = await callRelay(guest, conversations[0]!, "flood/scripted-1");
  const rate = ({ totalMs }: Timing): string => Math.round((FLOOD_TOKENS / totalMs) * 1000).toLocaleString("en");

  const [cpu] = cpus();
  process.stdout.write(
    `${[
      `${new Date().toISOString().slice(0, 10)}, Node ${process.version}, ${cpus().length} x ${cpu?.model.trim() ?? "?"}`,
      "",
      "| Time to first token, ms: direct / through the relay / added | p50 | p95 |",
      "| --- | --- | --- |",
      row("1 run at a time", one.direct, one.relayed),
      row(`${CONCURRENT} runs at once`, many.direct, many.relayed),
      "",
      `Flood, one run of ${FLOOD_TOKENS} tokens: direct ${rate(direct)} tokens/s, through the relay ${rate(relayed)} tokens/s.`,
    ].join("\n")}\n`,
  );
} finally {
  await server.close();
  paced.close();
  flood.close();
  rmSync(folder, { recursive: true, force: true });
}
