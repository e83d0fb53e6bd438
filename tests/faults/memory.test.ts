import { afterAll, beforeAll, expect, test } from "vitest";
import { answer } from "#tests/support/provider-behaviour.ts";
import { HOOK_MS, openFaultScene } from "./fault-scene.ts";
import type { FaultScene } from "./fault-scene.ts";

/** how many documents are filled at once; more than about 10 do not fit, and end the process */
const ROOMS = (process.env["MEMORY_ROOMS"] ?? "4").split(",").map(Number);
const PIECE = 400_000;
/** a document takes 6 MiB at most: this is beyond it */
const PIECES = 18;

let scene: FaultScene;
beforeAll(async () => {
  scene = await openFaultScene({
    otherwise: answer("An answer."),
    env: { NODE_OPTIONS: "--max-old-space-size=128" },
  });
}, HOOK_MS);
afterAll(async () => {
  await scene?.close();
});

interface Written {
  room: string;
  /** characters of the draft that were acknowledged, at least */
  acknowledged: number;
  refused: readonly string[];
}

/** Writes ever more into one document until it is refused, or the server is gone. */
async function fill(gone: AbortSignal): Promise<Written> {
  const room = `conversation.${scene.newId()}.0`;
  const device = scene.openDevice(room);
  let acknowledged = 0;
  for (let piece = 0; piece < PIECES && !gone.aborted; piece++) {
    const connects = device.connects();
    const token = device.edit(({ draft }) => draft.insert(draft.length, "m".repeat(PIECE)));
    await device.until(
      () =>
        gone.aborted || device.settled() >= token || device.refused().length > 0 || device.connects() > connects + 1,
    );
    if (device.settled() < token) break;
    acknowledged += PIECE;
  }
  const written = { room, acknowledged, refused: device.refused() };
  device.close();
  return written;
}

test.each(ROOMS)(
  "B4, I1: with 128 MB of heap and %i documents filled to their limit, limits refuse or the process starts again clean; nothing acknowledged is lost",
  { timeout: 240_000 },
  async (rooms) => {
    const { server } = scene;
    const gone = new AbortController();
    const exited = server.exited().then(() => gone.abort());
    const control = await scene.openChat();
    const written = await Promise.all(Array.from({ length: rooms }, () => fill(gone.signal)));
    const alive = server.alive();
    const health = alive ? (await fetch(`${server.url}/healthz`)).status : 0;
    const total = written.reduce((sum, { acknowledged }) => sum + acknowledged, 0);
    const codes = [...new Set(written.flatMap(({ refused }) => refused))];
    process.stdout.write(
      `B4: ${Math.round(total / 1e6)} MB acknowledged in ${rooms} documents, refused with ${codes.join(", ") || "nothing"}; process ${alive ? "alive" : "ended, out of memory"}\n`,
    );
    expect(total).toBeGreaterThan(PIECE * rooms);
    if (alive) {
      expect(health).toBe(200);
      expect(codes).toContain("quota");
      await server.kill("SIGKILL");
    }
    await exited;
    // A clean start, with what it had: each document one by one, in the same little memory.
    await server.restart();
    for (const { room, acknowledged } of written) {
      const fresh = scene.openDevice(room);
      await fresh.until(fresh.arrived);
      expect(fresh.conversation.draft.length, room).toBeGreaterThanOrEqual(acknowledged);
      fresh.close();
    }
    const fresh = scene.openDevice(control.room);
    await fresh.until(() => fresh.content() === control.device.content());
    expect((await scene.put(control)).status).toBe(201);
    expect(await scene.endOf(control.runId)).toMatchObject({ state: "completed" });
  },
);
