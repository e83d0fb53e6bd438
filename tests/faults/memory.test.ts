import { once } from "node:events";
import { afterAll, beforeAll, expect, test } from "vitest";
import WebSocket from "ws";
import * as Y from "yjs";
import { CloseCode } from "#shared/protocol/close-codes.ts";
import { SYNC_SUBPROTOCOL, encodeFrame } from "#shared/protocol/sync-frames.ts";
import { answer } from "#tests/support/provider-behaviour.ts";
import type { ConversationDocument } from "#shared/documents/conversation.ts";
import { HOOK_MS, openFaultScene } from "./fault-scene.ts";
import type { FaultScene } from "./fault-scene.ts";

/** how many documents are filled at once: more than fit, in the long form many times more */
const ROOMS = (process.env["MEMORY_ROOMS"] ?? "6").split(",").map(Number);
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

/** What a document is filled with, a piece at a time: as much as a text may hold, or as much as Yjs makes of it. */
const FILLINGS = {
  "long texts": { pieces: 18, piece: 400_000, least: 13 * 400_000 },
  "single characters": { pieces: 4, piece: 5_000, least: 20_000 },
} as const;
type Filling = keyof typeof FILLINGS;

function writePiece({ draft, doc }: ConversationDocument, filling: Filling): void {
  const { piece } = FILLINGS[filling];
  if (filling === "long texts") return draft.insert(draft.length, "m".repeat(piece));
  // Each before the other, so that none joins its neighbour: a structure of 200 bytes for a character.
  doc.transact(() => {
    for (let i = 0; i < piece; i++) draft.insert(0, "m");
  }, "edit");
}

/** Writes ever more into one document until it is refused, coming back as often as the server has no memory for it. */
async function fill(filling: Filling, gone: AbortSignal): Promise<Written> {
  const { pieces, piece } = FILLINGS[filling];
  const room = `conversation.${scene.newId()}.0`;
  const device = scene.openDevice(room);
  let acknowledged = 0;
  for (let written = 0; written < pieces && !gone.aborted; written++) {
    const token = device.edit((conversation) => writePiece(conversation, filling));
    await device.until(() => gone.aborted || device.settled() >= token || device.refused().length > 0);
    if (device.settled() < token) break;
    acknowledged += piece;
  }
  const written = { room, acknowledged, refused: device.refused() };
  device.close();
  return written;
}

const metric = async (name: string): Promise<number> => {
  const line = (await (await fetch(`${scene.server.url}/metrics`)).text())
    .split("\n")
    .find((one) => one.startsWith(name));
  return Number(line?.split(" ").at(-1) ?? 0);
};

/** A frame of 4 MB that holds two million empty objects, which would take 130. */
function emptyObjects(): Uint8Array {
  const doc = new Y.Doc();
  doc.getMap("settings").set(
    "k",
    Array.from({ length: 2_000_000 }, () => ({})),
  );
  return encodeFrame({ type: "update", update: Y.encodeStateAsUpdate(doc) });
}

test("B4: with 128 MB of heap, a frame that would fill it is refused before anything is made of it", async () => {
  const { server, guest } = scene;
  const bomb = emptyObjects();
  for (let round = 0; round < 3; round++) {
    const url = `${server.url.replace("http", "ws")}/sync/conversation.${scene.newId()}.0`;
    const socket = new WebSocket(url, SYNC_SUBPROTOCOL, { headers: { cookie: guest.cookie, origin: server.url } });
    await once(socket, "open");
    socket.send(bomb);
    const [code] = (await once(socket, "close")) as [number];
    expect(code).toBe(CloseCode.invalid);
  }
  expect(server.alive()).toBe(true);
});

test.each(ROOMS.flatMap((rooms) => (Object.keys(FILLINGS) as Filling[]).map((filling) => ({ rooms, filling }))))(
  "B4, I1, R16: with 128 MB of heap and $rooms documents filled with $filling, limits refuse, whoever finds no memory comes back, and nothing acknowledged is lost",
  { timeout: 280_000 },
  async ({ rooms, filling }) => {
    const { server } = scene;
    const gone = new AbortController();
    const exited = server.exited().then(() => gone.abort());
    const control = await scene.openChat();
    const startedAt = Date.now();
    const written = await Promise.all(Array.from({ length: rooms }, () => fill(filling, gone.signal)));
    const total = written.reduce((sum, { acknowledged }) => sum + acknowledged, 0);
    const codes = [...new Set(written.flatMap(({ refused }) => refused))];
    expect(server.alive(), "the process lives").toBe(true);
    const crowded = await metric('holdfast_sync_notices_total{code="crowded"}');
    process.stdout.write(
      `B4: ${(total / 1e6).toFixed(1)} MB of ${filling} acknowledged in ${rooms} documents in ${Date.now() - startedAt} ms, refused with ${codes.join(", ") || "nothing"}, ` +
        `sent away ${crowded} times; documents in memory now: ${await metric("holdfast_rooms")}\n`,
    );
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    expect(total).toBeGreaterThanOrEqual(FILLINGS[filling].least * rooms);
    expect(codes).toEqual(filling === "long texts" ? ["quota"] : []);
    // All of it at once is more than the process has.
    if (rooms > 10) expect(crowded).toBeGreaterThan(0);
    await server.kill("SIGKILL");
    await exited;
    // A clean start, with what it had, in the same little memory.
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
