import { afterAll, beforeAll, expect, test } from "vitest";
import { answer } from "#tests/support/provider-behaviour.ts";
import { HOOK_MS, LEDGER_OF, openFaultScene, pause } from "./fault-scene.ts";
import type { FaultScene, LedgerRow } from "./fault-scene.ts";

/** 15 s in the long form; long enough for a client that was woken to give its socket up (C8: 5 s) in any */
const STALL_MS = Number(process.env["STALL_MS"] ?? 7000);
const words = Array.from({ length: 400 }, (_, index) => `word${index} `);

let scene: FaultScene;
beforeAll(async () => {
  // The provider goes on while the server stands still, and a stall of ours is none of the provider's.
  scene = await openFaultScene({
    otherwise: answer(words, { pace: { everyMs: 10 } }),
    env: { RUN_STALL_TIMEOUT_MS: "3000", RUN_STALL_NOTICE_MS: "1000" },
  });
}, HOOK_MS);
afterAll(async () => {
  await scene?.close();
});

test(
  `B3, I1, I2, I5: a server that stands still for ${STALL_MS} ms fails its health check; clients come back, nothing is lost or charged twice`,
  { timeout: 90_000 + STALL_MS },
  async () => {
    const { server, proxy } = scene;
    const chat = await scene.openChat();
    expect((await scene.put(chat)).status).toBe(201);
    const reader = scene.follow(chat.runId);
    await reader.until(() => reader.text().length > 50);
    const { device } = chat;
    const connects = device.connects();

    server.signal("SIGSTOP");
    const startedAt = performance.now();
    const health = await fetch(`${server.url}/healthz`, { signal: AbortSignal.timeout(1000) }).catch(String);
    expect(health).toContain("TimeoutError");
    const token = device.edit((conversation) => conversation.setTag("typed while it stood still", true));
    device.wake();
    reader.wake();
    // The device repeats its command too: it cannot know that the first one was taken.
    const repeated = scene.put(chat);
    await device.until(() => device.connects() > connects);
    expect(device.settled()).toBeLessThan(token);
    await pause(Math.max(0, STALL_MS - (performance.now() - startedAt)));
    server.signal("SIGCONT");

    expect((await repeated).status).toBe(200);
    await device.until(() => device.settled() >= token);
    await reader.ended();
    const end = await scene.endOf(chat.runId);
    expect(end).toMatchObject({ state: "completed", text: words.join(""), attempts: 1 });
    expect([reader.text(), reader.neverWentBack()]).toEqual([words.join(""), true]);
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    expect(scene.callsFor(chat.prompt)).toBe(1);
    expect(scene.read<LedgerRow>(LEDGER_OF, chat.runId)).toMatchObject([{ attempt: 1, outcome: "completed" }]);

    const fresh = scene.openDevice(chat.room);
    await fresh.until(() => fresh.content() === device.content());
    expect(fresh.conversation.summary().tags).toEqual(["typed while it stood still"]);
    expect(fresh.conversation.message(chat.body.messageId)?.text).toBe(words.join(""));
    // The sockets that were given up are gone from the server's side as well.
    fresh.close();
    await proxy.until(() => proxy.open() > 0);
  },
);
