import { availableParallelism, loadavg } from "node:os";
import { afterAll, beforeAll, expect, test } from "vitest";
import { answer } from "#tests/support/provider-behaviour.ts";
import { HOOK_MS, LEDGER_OF, openFaultScene, pause } from "./fault-scene.ts";
import type { Chat, FaultScene, LedgerRow } from "./fault-scene.ts";

const ROUNDS = Number(process.env["KILL_ROUNDS"] ?? 4);
/** a stop longer than this after a crash would be felt as an outage (row B1) */
const RESTART_MS = 3000;
const words = Array.from({ length: 150 }, (_, index) => `word${index} ünï🎉 `).join("");

let scene: FaultScene;
beforeAll(async () => {
  scene = await openFaultScene({ otherwise: answer(words, { pace: { everyMs: 4 } }) });
}, HOOK_MS);
afterAll(async () => {
  await scene?.close();
});

const totals = { edits: 0, acknowledged: 0, shown: 0, interrupted: 0, cutFirst: 0, lost: 0 };
const restarts: number[] = [];

interface Typing {
  tags: { tag: string; token: number }[];
  stop(): void;
}

function typeInto({ device }: Chat): Typing {
  const tags: Typing["tags"] = [];
  const timer = setInterval(() => {
    const tag = `t${tags.length}`;
    tags.push({ tag, token: device.edit((chat) => chat.setTag(tag, true)) });
  }, 3);
  return { tags, stop: () => clearInterval(timer) };
}

/** Kills the server at a random moment of an answer and of typing; in some rounds the network goes first. */
async function killedRound(round: number): Promise<void> {
  const where = `seed ${scene.seed}, round ${round}`;
  const chat = await scene.openChat();
  const typing = typeInto(chat);
  const started = scene.put(chat).then(
    () => scene.follow(chat.runId),
    () => undefined, // killed before it answered
  );
  // Two of three rounds die while somebody reads, the third at whatever point of the start it is.
  if (round % 3 !== 2) await started.then((reader) => reader?.until(() => reader.text() !== ""));
  await pause(scene.random.below(600));
  if (round % 4 === 0) {
    const afterBytes = scene.random.below(2000);
    scene.proxy.set({ type: "cut", direction: round % 8 === 0 ? "down" : "up", afterBytes, how: "reset" });
    await pause(scene.random.below(40));
    totals.cutFirst += 1;
  }
  await scene.server.kill("SIGKILL");
  typing.stop();
  const settled = chat.device.settled();
  const acknowledged = typing.tags.filter(({ token }) => token <= settled).map(({ tag }) => tag);
  const reader = await started;
  const shown = reader?.text() ?? "";
  scene.proxy.set({ type: "pass" });
  const startedAt = performance.now();
  await scene.server.restart();
  restarts.push(performance.now() - startedAt);
  await expectAllThere(chat, { acknowledged, shown, where });
  await expectEqualCopies(chat, typing, where);
  totals.edits += typing.tags.length;
  totals.acknowledged += acknowledged.length;
  totals.shown += shown.length;
  expect(reader?.neverWentBack() ?? true).toBe(true);
  reader?.close();
  chat.device.close();
}

/** I1, I5: what was acknowledged or shown is stored, and nothing is charged twice. */
async function expectAllThere(
  { room, prompt, runId, body }: Chat,
  { acknowledged, shown, where }: { acknowledged: string[]; shown: string; where: string },
): Promise<void> {
  const run = await scene.endOf(runId);
  const fresh = scene.openDevice(room, scene.server.url);
  await fresh.until(fresh.arrived);
  const present = new Set(fresh.conversation.summary().tags);
  const lost = acknowledged.filter((tag) => !present.has(tag));
  totals.lost += lost.length;
  expect(lost, `acknowledged edits, ${where}`).toEqual([]);
  if (run === undefined) return expect(shown, where).toBe("");
  await fresh.until(() => {
    const message = fresh.conversation.message(body.messageId);
    return message?.role === "assistant" && message.run?.status === run.state;
  });
  expect(run.text.startsWith(shown), `shown tokens are logged, ${where}`).toBe(true);
  expect(fresh.conversation.message(body.messageId)?.text, `the document has the log's text, ${where}`).toBe(run.text);
  expect(words.startsWith(run.text), `only what the provider sent, ${where}`).toBe(true);
  expect(run.state === "interrupted" || run.text === words, `state ${run.state}, ${where}`).toBe(true);
  if (run.state === "interrupted") totals.interrupted += 1;
  await expectOneCharge(prompt, runId, body, where);
  expect(fresh.refused()).toEqual([]);
  fresh.close();
}

async function expectOneCharge(prompt: string, runId: string, body: Chat["body"], where: string): Promise<void> {
  const before = scene.callsFor(prompt);
  // The device repeats its command, as it does after every failure it saw.
  const again = await scene.put({ prompt, runId, body } as Chat);
  expect(again.status, where).toBe(200);
  expect(scene.callsFor(prompt), `provider calls, ${where}`).toBe(before);
  expect(before, `provider calls, ${where}`).toBeLessThanOrEqual(1);
  // An attempt that was logged and died before its request left is booked as well: it may have been billed.
  const charges = scene.read<LedgerRow>(LEDGER_OF, runId).length;
  expect(charges, `charges, ${where}`).toBeLessThanOrEqual(1);
  expect(charges, `charges, ${where}`).toBeGreaterThanOrEqual(before);
}

/** I2: the device that lived through it and one that comes fresh hold the same, every edit included. */
async function expectEqualCopies({ room, device }: Chat, { tags }: Typing, where: string): Promise<void> {
  const last = tags.at(-1)?.token ?? 0;
  device.wake();
  await device.until(() => device.settled() >= last);
  const fresh = scene.openDevice(room);
  await fresh.until(fresh.arrived);
  await fresh.until(() => fresh.content() === device.content());
  const present = new Set(fresh.conversation.summary().tags);
  expect(
    tags.filter(({ tag }) => !present.has(tag)),
    where,
  ).toEqual([]);
  fresh.close();
}

test(
  `B1, I1, I2, I5: after each of ${ROUNDS} kills everything acknowledged and every shown token is there, copies are equal, and nothing is charged twice`,
  { timeout: 60_000 + ROUNDS * 20_000 },
  async () => {
    for (let round = 0; round < ROUNDS; round++) await killedRound(round);
    const ordered = restarts.toSorted((a, b) => a - b);
    const restart = { medianMs: Math.round(ordered[ROUNDS >> 1]!), longestMs: Math.round(ordered.at(-1)!) };
    const figures = JSON.stringify({ ...totals, restart, load: loadavg()[0] });
    process.stdout.write(`B1: kill -9 × ${ROUNDS}, seed ${scene.seed}: ${figures}\n`);
    // Rounds in which nothing was under way would prove nothing.
    expect(totals.acknowledged).toBeGreaterThan(ROUNDS);
    expect(totals.shown).toBeGreaterThan(ROUNDS);
    expect(totals.interrupted).toBeGreaterThanOrEqual(ROUNDS / 4);
    // Where more wants to run than there are processors, a wall clock measures the others.
    if (loadavg()[0]! <= availableParallelism()) expect(restart.medianMs).toBeLessThan(RESTART_MS);
    expect(restart.longestMs).toBeLessThan(10 * RESTART_MS);
  },
);
