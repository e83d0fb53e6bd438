import { expect, test } from "vitest";
import { signInGuest } from "#tests/support/guest.ts";
import { answer } from "#tests/support/provider-behaviour.ts";
import { LEDGER_OF, openFaultScene } from "./fault-scene.ts";
import type { Chat, LedgerRow } from "./fault-scene.ts";
import { openLimitedDisk, openTmpfsDisk } from "./small-disk.ts";
import type { SmallDisk } from "./small-disk.ts";

const words = Array.from({ length: 80 }, (_, index) => `word${index} ünï🎉 `);

/** What each of these answers: status and code. */
async function refusals(asked: Record<string, Promise<Response>>): Promise<Record<string, string>> {
  const seen = await Promise.all(
    Object.entries(asked).map(async ([what, request]) => {
      const response = await request;
      const { code } = (await response.json()) as { code?: string };
      return [what, `${response.status} ${code}`];
    }),
  );
  return Object.fromEntries(seen) as Record<string, string>;
}

/** Writes until an edit is not acknowledged any more, with room for the first few; answers the tags that were. */
async function writeUntilFull({ device }: Chat, fill: () => void): Promise<string[]> {
  const acknowledged: string[] = [];
  for (let index = 0; index < 200; index++) {
    if (index === 3) fill();
    const tag = `t${index}`;
    const connects = device.connects();
    const token = device.edit((chat) => {
      chat.setTag(tag, true);
      chat.draft.insert(0, "x".repeat(20_000));
    });
    await device.until(() => device.settled() >= token || device.connects() > connects);
    if (device.settled() < token) return acknowledged;
    acknowledged.push(tag);
  }
  throw new Error("4 MB were acknowledged on a disk without room");
}

/** Lives through a full disk; answers what was acknowledged and is not there afterwards. */
async function fillAndRecover(disk: SmallDisk): Promise<string[]> {
  const scene = await openFaultScene({ dataDir: disk.dataDir, otherwise: answer(words, { pace: { everyMs: 15 } }) });
  const { server } = scene;
  try {
    const [running, chat, other] = [await scene.openChat(), await scene.openChat(), await scene.openChat()];
    expect((await scene.put(running)).status).toBe(201);
    const reader = scene.follow(running.runId);
    await reader.until(() => reader.text().length > 20);

    const acknowledged = await writeUntilFull(chat, () => disk.fill(server.pid()!));
    expect(acknowledged.length).toBeGreaterThanOrEqual(3);
    const shownWhenFull = reader.text();
    // A device that waits meanwhile, with an edit nobody can take.
    const token = other.device.edit((conversation) => conversation.setTag("typed while full", true));
    const answers = await refusals({
      start: scene.put(other),
      ready: fetch(`${server.url}/readyz`),
      signIn: fetch(`${server.url}/api/auth/sign-in/anonymous`, { method: "POST", headers: { origin: server.url } }),
    });
    expect(answers).toEqual({
      start: "507 storage_unavailable",
      ready: "503 storage_failing",
      signIn: "507 storage_unavailable",
    });
    // Reading goes on, and the process lives.
    for (const path of ["/healthz", "/api/sync/feed", "/api/me", `/api/runs/${running.runId}`])
      expect([path, (await scene.guest.fetch(path)).status]).toEqual([path, 200]);
    expect(other.device.settled()).toBeLessThan(token);

    disk.makeRoom(server.pid()!);
    other.device.wake();
    await other.device.until(() => other.device.settled() >= token);
    expect(other.device.refused()).toEqual([]);
    await expect.poll(async () => (await fetch(`${server.url}/readyz`)).status, { timeout: 10_000 }).toBe(200);
    const end = await scene.endOf(running.runId);
    expect(words.join("").startsWith(end!.text) && end!.text.startsWith(shownWhenFull)).toBe(true);
    expect(["completed", "interrupted"]).toContain(end!.state);
    expect(scene.read<LedgerRow>(LEDGER_OF, running.runId)).toHaveLength(1);
    expect((await scene.put(other)).status).toBe(201);
    expect(await scene.endOf(other.runId)).toMatchObject({ state: "completed", text: words.join("") });
    expect(scene.callsFor(other.prompt)).toBe(1);
    expect((await signInGuest(server.url)).cookie).not.toBe("");

    // What was acknowledged is in the file, also for a process that knows nothing else.
    await server.kill("SIGKILL");
    await server.restart();
    const fresh = scene.openDevice(chat.room);
    await fresh.until(fresh.arrived);
    const present = new Set(fresh.conversation.summary().tags);
    process.stdout.write(`B5: ${acknowledged.length} edits of 20 kB acknowledged, then full; run ${end!.state}\n`);
    return acknowledged.filter((tag) => !present.has(tag));
  } finally {
    await scene.close();
  }
}

const DISKS = [
  ["a file system without room (ENOSPC)", openTmpfsDisk],
  ["a limit on the length of files (EFBIG)", openLimitedDisk],
] as const;

test.for(DISKS)(
  "B5, I1: $0: nothing is acknowledged, refusals say so, reading goes on, and with room all of it works again",
  { timeout: 90_000 },
  async ([name, open], { skip }) => {
    const disk = open();
    if (disk === undefined) return skip(`${name}: this machine does not let a test make one`);
    try {
      expect(await fillAndRecover(disk)).toEqual([]);
    } finally {
      disk.close();
    }
  },
);
