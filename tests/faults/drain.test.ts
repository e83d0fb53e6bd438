import { afterAll, beforeAll, expect, test } from "vitest";
import { answer } from "#tests/support/provider-behaviour.ts";
import { HOOK_MS, LEDGER_OF, openFaultScene } from "./fault-scene.ts";
import type { FaultScene, LedgerRow } from "./fault-scene.ts";

const STREAMS = 50;
const DRAIN_MS = 1500;
/** How long the server waits for the store after that; on a crowded machine the next start ends what is left then. */
const STORED_WITHIN_MS = 5_000;
const words = Array.from({ length: 1500 }, (_, index) => `word${index} ünï🎉 `);

let scene: FaultScene;
beforeAll(async () => {
  scene = await openFaultScene({ env: { DRAIN_TIMEOUT_MS: String(DRAIN_MS) } });
}, HOOK_MS);
afterAll(async () => {
  await scene?.close();
});

test(
  `B2, I1, I5: SIGTERM under ${STREAMS} streams ends within 10 s; every reader goes on at the new process, every call is booked once`,
  { timeout: 90_000 },
  async () => {
    const { provider, server } = scene;
    const chats = await Promise.all(Array.from({ length: STREAMS }, () => scene.openChat()));
    // Half of the answers end before or while the server drains, the others would take a minute.
    provider.scriptOtherwise(({ body }) => {
      const index = chats.findIndex(({ prompt }) => JSON.stringify(body.messages).includes(prompt));
      return answer(words.slice(0, index % 2 === 0 ? 60 : 1500), { pace: { everyMs: 40 } });
    });
    const readers = await Promise.all(
      chats.map(async (chat) => {
        const started = await scene.put(chat);
        expect(started.status).toBe(201);
        return scene.follow(chat.runId);
      }),
    );
    await Promise.all(readers.map((reader) => reader.until(() => reader.text().length > 30)));

    const termedAt = performance.now();
    server.signal("SIGTERM");
    await expect.poll(async () => (await fetch(`${server.url}/readyz`)).status).toBe(503);
    const late = await scene.guest.fetch(`/api/runs/${scene.newId()}`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ ...chats[0]!.body, messageId: scene.newId() }),
    });
    expect([late.status, late.headers.get("retry-after")]).toEqual([503, "1"]);
    await server.exited();
    const drainMs = Math.round(performance.now() - termedAt);
    expect(server.exitCode()).toBe(0);
    expect(drainMs).toBeLessThan(10_000);
    await server.restart();

    await Promise.all(readers.map((reader) => reader.ended()));
    const states: Record<string, number> = {};
    const wasSlow = drainMs >= DRAIN_MS + STORED_WITHIN_MS;
    const codes = wasSlow ? ["deploy", "server_restarted"] : ["deploy"];
    for (const [index, chat] of chats.entries()) {
      const reader = readers[index]!;
      const sent = words.join("");
      const snapshot = await scene.endOf(chat.runId);
      states[String(snapshot?.state)] = (states[String(snapshot?.state)] ?? 0) + 1;
      expect(reader.neverWentBack()).toBe(true);
      expect(reader.text()).toBe(snapshot?.text);
      expect(sent.startsWith(reader.text()) && reader.text().length > 30).toBe(true);
      if (snapshot?.state !== "completed") {
        expect(snapshot).toMatchObject({ state: "interrupted", failure: { retryable: true } });
        expect(codes).toContain(snapshot?.failure?.code);
      }
      await chat.device.until(() => {
        const message = chat.device.conversation.message(chat.body.messageId);
        return (
          message?.role === "assistant" && message.text === snapshot?.text && message.run?.status === snapshot.state
        );
      });
      const ledger = scene.read<LedgerRow>(LEDGER_OF, chat.runId);
      expect([ledger.length, scene.callsFor(chat.prompt)]).toEqual([1, 1]);
      expect(ledger[0]!.output_tokens).toBeGreaterThan(0);
    }
    expect(provider.requests).toHaveLength(STREAMS);
    // Both endings were seen, else half of this showed nothing.
    expect(states["completed"]).toBeGreaterThan(0);
    expect(states["interrupted"]).toBeGreaterThan(0);
    process.stdout.write(`B2: ${STREAMS} streams, left after ${drainMs} ms, ${JSON.stringify(states)}\n`);
  },
);
