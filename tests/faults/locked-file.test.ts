import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { answer } from "#tests/support/provider-behaviour.ts";
import { signInGuest } from "#tests/support/guest.ts";
import { HOOK_MS, LEDGER_OF, openFaultScene, pause } from "./fault-scene.ts";
import type { FaultScene, LedgerRow } from "./fault-scene.ts";
import { lockFile } from "./file-lock.ts";

/** 10 s in the long form; in any, longer than the store waits for a lock */
const LOCK_MS = Number(process.env["LOCK_MS"] ?? 7000);
/** how long a request may wait for a store that is locked, in ms; a busy machine included */
const BOUND_MS = 12_000;
const words = Array.from({ length: 60 }, (_, index) => `word${index} `);

let scene: FaultScene;
beforeAll(async () => {
  scene = await openFaultScene({ otherwise: answer(words, { pace: { everyMs: 20 } }) });
}, HOOK_MS);
afterAll(async () => {
  await scene?.close();
});

interface Answered {
  what: string;
  status: number;
  code: string | undefined;
  retryAfter: string | null;
  tookMs: number;
}

async function timed(what: string, asked: Promise<Response>): Promise<Answered> {
  const startedAt = performance.now();
  const response = await asked;
  const body = (await response.text()) || "{}";
  const { code } = JSON.parse(body.startsWith("{") ? body : "{}") as { code?: string };
  const tookMs = Math.round(performance.now() - startedAt);
  return { what, status: response.status, code, retryAfter: response.headers.get("retry-after"), tookMs };
}

test(
  `B6, I1, I5: while another process holds the file for ${LOCK_MS} ms requests wait for a bounded time and are told to come back; then all goes on`,
  { timeout: 120_000 + LOCK_MS },
  async () => {
    const { server, guest } = scene;
    const [chat, other, third] = [await scene.openChat(), await scene.openChat(), await scene.openChat()];
    expect((await scene.put(chat)).status).toBe(201);
    const reader = scene.follow(chat.runId);
    await reader.until(() => reader.text().length > 20);

    const lock = await lockFile(join(server.dataDir, "holdfast.sqlite"));
    const lockedAt = performance.now();
    const settled = other.device.settled();
    const token = other.device.edit((conversation) => conversation.setTag("typed under the lock", true));
    const stranger = (): Promise<Response> =>
      fetch(`${server.url}/api/auth/sign-in/anonymous`, {
        method: "POST",
        headers: { origin: server.url, "content-type": "application/json" },
        body: "{}",
      });
    const asked = [
      timed("start", scene.put(other)),
      timed("start", scene.put(third)),
      timed("sign in", stranger()),
      timed("sign in", stranger()),
      timed("sign in", stranger()),
      timed("read", guest.fetch(`/api/runs/${chat.runId}`)),
      timed("feed", guest.fetch("/api/sync/feed")),
      timed("who", guest.fetch("/api/me")),
    ];
    const health = await timed("health", fetch(`${server.url}/healthz`));
    expect([health.status, health.tookMs < 2000]).toEqual([200, true]);
    const answers = await Promise.all(asked);
    const shownUnderLock = reader.text();
    expect(other.device.settled()).toBe(settled);
    await pause(Math.max(0, LOCK_MS - (performance.now() - lockedAt)));
    await lock.release();
    process.stdout.write(
      `B6: ${answers.map(({ what, status, code, tookMs }) => `${what} ${status} ${code} ${tookMs} ms`).join(", ")}\n`,
    );

    for (const { what, status, code, retryAfter, tookMs } of answers) {
      expect(tookMs, what).toBeLessThan(BOUND_MS);
      // What only reads goes on; what has to write is sent away with the time to come back.
      if (["read", "feed", "who"].includes(what)) expect([what, status]).toEqual([what, 200]);
      else expect([what, status, code, retryAfter]).toEqual([what, 503, "storage_busy", "1"]);
    }

    await other.device.until(() => other.device.settled() >= token);
    expect(other.device.refused()).toEqual([]);
    await reader.ended();
    const end = await scene.endOf(chat.runId);
    expect(end).toMatchObject({ state: "completed", text: words.join("") });
    expect(reader.text().startsWith(shownUnderLock) && reader.neverWentBack()).toBe(true);
    for (const one of [other, third]) {
      expect((await scene.put(one)).status).toBe(201);
      expect(await scene.endOf(one.runId)).toMatchObject({ state: "completed", text: words.join("") });
      expect([scene.callsFor(one.prompt), scene.read<LedgerRow>(LEDGER_OF, one.runId).length]).toEqual([1, 1]);
    }
    expect((await signInGuest(server.url)).cookie).not.toBe("");
    const fresh = scene.openDevice(other.room);
    await fresh.until(() => fresh.content() === other.device.content());
    expect(fresh.conversation.summary().tags).toEqual(["typed under the lock"]);
  },
);
