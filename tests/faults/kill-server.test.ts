import Database from "better-sqlite3";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { MessageId } from "#shared/domain/ids.ts";
import { createUuidV7 } from "#shared/lib/uuid.ts";
import { runSnapshotSchema } from "#shared/protocol/http-bodies.ts";
import type { RunSnapshot } from "#shared/protocol/http-bodies.ts";
import { signInGuest } from "#tests/support/guest.ts";
import type { Guest } from "#tests/support/guest.ts";
import { openNodeDevice } from "#tests/support/node-device.ts";
import { answer } from "#tests/support/provider-behaviour.ts";
import { openScriptedProvider } from "#tests/support/scripted-provider.ts";
import type { ScriptedProvider } from "#tests/support/scripted-provider.ts";
import { createSeededRandom, seedOfThisRun } from "#tests/support/seeded-random.ts";
import { openServerProcess } from "#tests/support/server-process.ts";
import type { ServerProcess } from "#tests/support/server-process.ts";

const ROUNDS = Number(process.env["KILL_ROUNDS"] ?? 8);
const SEED = seedOfThisRun();
const random = createSeededRandom(SEED);
const words = Array.from({ length: 150 }, (_, index) => `word${index} ünï🎉 `).join("");

let provider: ScriptedProvider;
let server: ServerProcess;
let guest: Guest;

beforeAll(async () => {
  provider = await openScriptedProvider({ otherwise: answer(words, { pace: { everyMs: 4 } }) });
  server = await openServerProcess({ env: { OPENAI_BASE_URL: provider.baseUrl, OPENAI_API_KEY: "test" } });
  guest = await signInGuest(server.url);
});
afterAll(async () => {
  await server?.close();
  await provider?.close();
});

const newId = (): string => createUuidV7(Date.now(), random.bytes);
const pause = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));

/** Starts the run and collects the text the reader was shown, until the server is gone or the run is over. */
async function readRun(runId: string, body: object, shown: { text: string }): Promise<void> {
  try {
    const response = await guest.fetch(`/api/runs/${runId}`, {
      method: "PUT",
      headers: { "content-type": "application/json", accept: "text/event-stream" },
      body: JSON.stringify(body),
    });
    let rest = "";
    const decoder = new TextDecoder();
    for await (const bytes of response.body ?? []) {
      rest += decoder.decode(bytes, { stream: true });
      const events = rest.split("\n\n");
      rest = events.pop() ?? "";
      for (const event of events) take(event, shown);
    }
  } catch {
    // The kill cuts this stream: what was read so far is what the reader saw.
  }
}

function take(event: string, shown: { text: string }): void {
  if (!event.includes("event: d")) return;
  const data = event.split("\n").find((line) => line.startsWith("data: "));
  const frame = JSON.parse(data?.slice(6) ?? "{}") as { c: string; o: number; t: string };
  if (frame.c !== "t") return;
  expect(frame.o).toBe(shown.text.length);
  shown.text += frame.t;
}

async function runAfterRestart(runId: string): Promise<RunSnapshot | undefined> {
  for (let tries = 0; tries < 100; tries++) {
    const response = await guest.fetch(`/api/runs/${runId}`);
    if (response.status === 404) return undefined;
    const snapshot = runSnapshotSchema.parse(await response.json());
    if (!["queued", "streaming", "stopping"].includes(snapshot.state)) return snapshot;
    await pause(50);
  }
  throw new Error(`run ${runId} never ended after the restart`);
}

function chargesOf(runId: string): number[] {
  const database = new Database(join(server.dataDir, "holdfast.sqlite"), { readonly: true });
  try {
    const rows = database.prepare("SELECT attempt FROM usage WHERE run_id = ?").all(runId) as { attempt: number }[];
    return rows.map((row) => row.attempt);
  } finally {
    database.close();
  }
}

const callsFor = (prompt: string): number =>
  provider.requests.filter((request) => JSON.stringify(request.body.messages).includes(prompt)).length;

test(
  `B1: after each of ${ROUNDS} kills everything acknowledged and every shown token is there, and nothing is charged twice`,
  { timeout: 60_000 + ROUNDS * 20_000 },
  async () => {
    const totals = { edits: 0, acknowledged: 0, shown: 0, interrupted: 0 };
    for (let round = 0; round < ROUNDS; round++) {
      const where = `seed ${SEED}, round ${round}`;
      const conversationId = newId();
      const room = `conversation.${conversationId}.0`;
      const [promptId, messageId, runId] = [newId(), newId(), newId()];
      const prompt = `prompt ${conversationId}`;
      const device = openNodeDevice(server.url, guest.cookie, room);
      device.edit((chat) =>
        chat.addPrompt({ id: promptId as MessageId, parentId: undefined, text: prompt, createdAt: Date.now() }),
      );
      const tags: { tag: string; token: number }[] = [];
      const typing = setInterval(() => {
        const tag = `t${tags.length}`;
        tags.push({ tag, token: device.edit((chat) => chat.setTag(tag, true)) });
      }, 3);
      const body = { conversationId, parentMessageId: promptId, messageId, model: "openai/scripted-1", parameters: {} };
      const shown = { text: "" };
      const reading = readRun(runId, body, shown);
      await pause(30 + random.below(1_200));
      await server.kill("SIGKILL");
      clearInterval(typing);
      const settled = device.settled();
      const acknowledged = tags.filter(({ token }) => token <= settled).map(({ tag }) => tag);
      device.close();
      await reading;

      await server.restart();
      const run = await runAfterRestart(runId);
      const reader = openNodeDevice(server.url, guest.cookie, room);
      if (settled > 0) await reader.until(() => reader.arrived());
      const present = new Set(reader.conversation.summary().tags);
      expect(
        acknowledged.filter((tag) => !present.has(tag)),
        `acknowledged edits, ${where}`,
      ).toEqual([]);
      if (run) {
        await reader.until(() => {
          const message = reader.conversation.message(messageId);
          return message?.role === "assistant" && message.run?.status === run.state;
        });
        expect(run.text.startsWith(shown.text), `shown tokens are logged, ${where}`).toBe(true);
        expect(reader.conversation.message(messageId)?.text, `the document has the log's text, ${where}`).toBe(
          run.text,
        );
        expect(words.startsWith(run.text), `only what the provider sent, ${where}`).toBe(true);
        expect(run.state === "interrupted" || run.text === words, `state ${run.state}, ${where}`).toBe(true);
        // The device repeats its command, as it does after every failure it saw.
        const before = callsFor(prompt);
        await guest.fetch(`/api/runs/${runId}`, {
          method: "PUT",
          headers: { "content-type": "application/json" },
          body: JSON.stringify(body),
        });
        expect(callsFor(prompt), `provider calls, ${where}`).toBe(before);
        expect(before, `provider calls, ${where}`).toBeLessThanOrEqual(1);
        // An attempt that was logged and died before its request left is booked as well: it may have been billed.
        const charges = chargesOf(runId);
        expect(charges.length, `charges, ${where}`).toBeLessThanOrEqual(1);
        expect(charges.length, `charges, ${where}`).toBeGreaterThanOrEqual(before);
        if (run.state === "interrupted") totals.interrupted += 1;
      } else {
        expect(shown.text).toBe("");
      }
      totals.edits += tags.length;
      totals.acknowledged += acknowledged.length;
      totals.shown += shown.text.length;
      expect(reader.refused()).toEqual([]);
      reader.close();
    }
    process.stdout.write(`kill -9 × ${ROUNDS}, seed ${SEED}: ${JSON.stringify(totals)}\n`);
    // Rounds in which nothing was under way would prove nothing.
    expect(totals.acknowledged).toBeGreaterThan(ROUNDS);
    expect(totals.shown).toBeGreaterThan(ROUNDS);
    expect(totals.interrupted).toBeGreaterThan(ROUNDS / 4);
  },
);
