import { afterAll, beforeAll, expect, test } from "vitest";
import { answer } from "#tests/support/provider-behaviour.ts";
import type { ProxyMode } from "#tests/support/tcp-proxy.ts";
import { HOOK_MS, LEDGER_OF, openFaultScene, pause } from "./fault-scene.ts";
import type { Chat, FaultScene, LedgerRow } from "./fault-scene.ts";

const ROUNDS = Number(process.env["NETWORK_ROUNDS"] ?? 1);
/** about 2.4 s */
const words = Array.from({ length: 240 }, (_, index) => `word${index} ünï🎉 `);

let scene: FaultScene;
beforeAll(async () => {
  scene = await openFaultScene({ otherwise: answer(words, { pace: { everyMs: 10 } }) });
}, HOOK_MS);
afterAll(async () => {
  await scene?.close();
});

const below = (limit: number): number => scene.random.below(limit);
/** Each kind of break, at a place that the seed chooses. */
const BREAKS: readonly (readonly [string, () => ProxyMode])[] = [
  ["half-open", () => ({ type: "half-open" })],
  ["cut after n bytes down", () => ({ type: "cut", direction: "down", afterBytes: below(4000), how: "end" })],
  ["cut after n bytes up", () => ({ type: "cut", direction: "up", afterBytes: below(300), how: "reset" })],
  ["cut in mid-frame down", () => ({ type: "cut-mid-chunk", direction: "down" })],
  ["cut in mid-frame up", () => ({ type: "cut-mid-chunk", direction: "up" })],
  ["nobody there", () => ({ type: "refuse" })],
  ["latency and jitter", () => ({ type: "delay", ms: 40, jitterMs: 80 })],
  ["20 bytes a second", () => ({ type: "throttle", direction: "down", bytesPerSecond: 20 })],
];

/** Types and reads through a network that breaks this way three times. */
async function liveThrough(chat: Chat, makeMode: () => ProxyMode): Promise<string[]> {
  const { proxy } = scene;
  const { device } = chat;
  expect((await scene.put(chat)).status).toBe(201);
  const reader = scene.follow(chat.runId);
  await reader.until(() => reader.text() !== "");
  const tags: string[] = [];
  let token = 0;
  for (let turn = 0; turn < 3; turn++) {
    proxy.set(makeMode());
    for (let edit = 0; edit < 5; edit++) {
      const tag = `t${tags.length}`;
      tags.push(tag);
      token = device.edit((conversation) => conversation.setTag(tag, true));
      await pause(20);
    }
    // The command is repeated into the broken network too, as a device does that got no answer.
    await scene.put(chat, AbortSignal.timeout(100)).catch(() => undefined);
    proxy.set({ type: "pass" });
    // What was cut without a word is found by whoever is woken; a phone that changes networks is.
    device.wake();
    reader.wake();
    await pause(scene.random.below(100));
  }
  await device.until(() => device.settled() >= token);
  await reader.ended();
  expect([reader.text(), reader.neverWentBack()]).toEqual([words.join(""), true]);
  reader.close();
  return tags;
}

test.each(BREAKS)(
  "A2, I1, I2, I5: %s: devices come back, nothing acknowledged is lost, nothing comes twice",
  { timeout: 60_000 * ROUNDS },
  async (_, makeMode) => {
    for (let round = 0; round < ROUNDS; round++) {
      const where = `seed ${scene.seed}, round ${round}`;
      const chat = await scene.openChat();
      const tags = await liveThrough(chat, makeMode);
      const fresh = scene.openDevice(chat.room, scene.server.url);
      await fresh.until(() => fresh.content() === chat.device.content());
      expect(fresh.conversation.summary().tags.toSorted(), where).toEqual(tags.toSorted());
      expect(await scene.endOf(chat.runId), where).toMatchObject({ state: "completed", text: words.join("") });
      const ledger = scene.read<LedgerRow>(LEDGER_OF, chat.runId);
      expect([scene.callsFor(chat.prompt), ledger.length], where).toEqual([1, 1]);
      expect([chat.device.refused(), fresh.refused()], where).toEqual([[], []]);
      fresh.close();
      chat.device.close();
    }
  },
);
