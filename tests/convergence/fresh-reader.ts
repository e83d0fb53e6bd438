import * as Y from "yjs";
import type { ConversationId } from "#shared/domain/ids.ts";
import { formatRoomName } from "#shared/domain/room-name.ts";
import { encodeFrame, parseFrame } from "#shared/protocol/sync-frames.ts";
import type { SimulatedServer } from "./server.ts";

const NOTHING = encodeFrame({ type: "step1", stateVector: Y.encodeStateVector(new Y.Doc()) });

const roomOf = (id: string): string => formatRoomName({ kind: "conversation", id: id as ConversationId, epoch: 0 });

/** Has a document open without asking for anything; answers how to leave. */
export function holdOpen(server: SimulatedServer, account: string, id: string): () => void {
  const session = server.accept(`/sync/${roomOf(id)}`, account, { send: () => undefined, close: () => undefined });
  return () => session.left();
}

/** What the server sends of a document to a device that has nothing of it; never, where it sends none. */
export function readAfresh(server: SimulatedServer, account: string, id: string): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const session = server.accept(`/sync/${roomOf(id)}`, account, {
      send(message) {
        const frame = parseFrame(message);
        if (!frame.ok || frame.value.type !== "step2") return;
        resolve(frame.value.update);
        session.left();
      },
      close: (code) => reject(new Error(`The server closed ${code}`)),
    });
    session.receive(NOTHING);
  });
}
