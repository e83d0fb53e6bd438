import { once } from "node:events";
import * as decoding from "lib0/decoding";
import WebSocket from "ws";
import { SYNC_SUBPROTOCOL, encodeFrame } from "#shared/protocol/sync-frames.ts";
import { createAnnouncement } from "#tests/support/waiting.ts";

export type RawPeer = Awaited<ReturnType<typeof openRawPeer>>;
const MESSAGE = { awareness: 1, ack: 100, nack: 101 };

/** A socket that speaks raw frames and keeps count of what it is told. */
export async function openRawPeer(
  serverUrl: string,
  cookie: string,
  room: string,
  options: { wait?: boolean; extended?: boolean } = {},
) {
  const socket = new WebSocket(
    `${serverUrl.replace("http", "ws")}/sync/${room}`,
    options.extended === false ? [] : [SYNC_SUBPROTOCOL],
    { headers: { cookie, origin: serverUrl } },
  );
  const changes = createAnnouncement();
  const frames: Uint8Array[] = [];
  const state = {
    acked: 0,
    nacked: 0,
    /** of each nack, in order */
    codes: [] as string[],
    closed: undefined as number | undefined,
    status: undefined as number | undefined,
  };
  socket.on("message", (data: Buffer) => {
    frames.push(data);
    const decoder = decoding.createDecoder(data);
    const type = decoding.readVarUint(decoder);
    if (type === MESSAGE.ack) state.acked = decoding.readVarUint(decoder);
    if (type === MESSAGE.nack) {
      state.nacked += 1;
      decoding.readVarUint(decoder);
      state.codes.push(decoding.readVarString(decoder));
    }
    changes.announce();
  });
  socket.on("unexpected-response", (_, response) => {
    state.status = response.statusCode;
    response.destroy();
  });
  socket.on("close", (code) => {
    state.closed = code;
    changes.announce();
  });
  socket.on("error", () => undefined); // `close` follows
  if (options.wait !== false) await once(socket, "open");
  return {
    socket,
    frames,
    state,
    room,
    until: changes.until,
    send: (bytes: Uint8Array) => socket.send(bytes),
    update: (update: Uint8Array) => socket.send(encodeFrame({ type: "update", update })),
    /** Waits for the close and answers its code. */
    async closed(): Promise<number> {
      await changes.until(() => state.closed !== undefined);
      return state.closed ?? 0;
    },
    /** Waits until the server asked back, i.e. handled everything before. */
    async answered(): Promise<void> {
      const seen = frames.length;
      socket.send(encodeFrame({ type: "query-awareness" }));
      await changes.until(
        () => state.closed !== undefined || frames.slice(seen).some((frame) => frame[0] === MESSAGE.awareness),
      );
    },
  };
}
