import { chainMessages, FROZEN_FORMAT } from "#shared/domain/frozen-content.ts";
import type { FrozenMessage, LooseMessage } from "#shared/domain/frozen-content.ts";
import { endedRun, newId } from "#tests/support/snapshot-scene.ts";
import { signInGuest } from "#tests/support/guest.ts";
import type { Guest } from "#tests/support/guest.ts";
import { openServerProcess } from "#tests/support/server-process.ts";

// How long the event loop of the built server stands still while it freezes the largest conversations that it takes,
// sent along by a device: in that time nobody's keystroke is acknowledged and nobody's answer streams.

const ROUNDS = 5;
const MB = 1024 * 1024;

interface Load {
  name: string;
  /** how many messages, of how many characters */
  count: number;
  length: number;
  /** what they are made of */
  letter: string;
  /** characters of each answer's receipt */
  receipt: number;
}

const LOADS: readonly Load[] = [
  { name: "10,000 messages of 700 characters, with receipts", count: 10_000, length: 700, letter: "w", receipt: 900 },
  { name: "10,000 messages of 20 characters", count: 10_000, length: 20, letter: "w", receipt: 0 },
  { name: "3 messages of 4 MB", count: 3, length: 4 * MB - 1, letter: "w", receipt: 0 },
  { name: "3 messages of 2 MB, each character escaped", count: 3, length: 2 * MB, letter: '"', receipt: 0 },
];

function frozenRun(at: number, receipt: number): FrozenMessage["run"] {
  const { runId: id, frame: _frame, failure: _failure, ...facts } = endedRun(at);
  return { ...facts, id, provider: "openai", ...(receipt > 0 && { receipt: "r".repeat(receipt) }) };
}

/** The body of a request as bytes. */
function bodyOf({ count, length, letter, receipt }: Load): string {
  const loose = Array.from({ length: count }, (_, at): LooseMessage => {
    const base = { id: newId(), text: letter.repeat(length), createdAt: at };
    return at % 2 === 0
      ? { ...base, role: "user", author: "author" }
      : { ...base, role: "assistant", run: frozenRun(at, receipt) };
  });
  const { messages, hashes } = chainMessages(loose);
  const settings = { model: "", systemPrompt: "", parameters: {} };
  const manifest = { format: FROZEN_FORMAT, settings, messageCount: count, head: hashes.at(-1) };
  return JSON.stringify({ id: newId(), conversationId: newId(), manifest, messages });
}

/** The longest delay of the event loop since it was asked last, in ms; it is looked at every 10 ms, which are counted in. */
async function longestDelay(url: string): Promise<number> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  return Number(/^nodejs_eventloop_lag_max_seconds (\S+)$/mu.exec(metrics)?.[1]) * 1_000 - 10;
}

async function freeze(guest: Guest, url: string, body: string): Promise<{ ms: number; longest: number }> {
  await longestDelay(url);
  const began = performance.now();
  const answer = await guest.fetch("/api/snapshots", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
  });
  if (answer.status !== 201) throw new Error(`${answer.status} ${await answer.text()}`);
  await answer.arrayBuffer();
  return { ms: performance.now() - began, longest: await longestDelay(url) };
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
const shown = (values: readonly number[]): string =>
  `${median(values).toFixed(0)} (${Math.min(...values).toFixed(0)}–${Math.max(...values).toFixed(0)})`;

const server = await openServerProcess();
const guest = await signInGuest(server.url);
process.stdout.write("| Body | MB | ms until it is answered | longest delay of the event loop, ms |\n");
process.stdout.write("| --- | ---: | ---: | ---: |\n");
for (const load of LOADS) {
  const rounds: { ms: number; longest: number }[] = [];
  let size = 0;
  for (let at = 0; at < ROUNDS; at++) {
    const body = bodyOf(load);
    size = body.length;
    rounds.push(await freeze(guest, server.url, body));
  }
  const [all, longest] = [rounds.map(({ ms }) => ms), rounds.map((round) => round.longest)];
  process.stdout.write(`| ${load.name} | ${(size / MB).toFixed(1)} | ${shown(all)} | ${shown(longest)} |\n`);
}
await server.close();
