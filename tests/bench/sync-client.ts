import { once } from "node:events";
import { WebSocket } from "ws";
import * as Y from "yjs";
import type { Dialect } from "./sync-dialects.ts";

export interface ClientOptions {
  port: number;
  document: string;
  dialect: Dialect;
  cookie?: string | undefined;
  /** called for each update that comes from the server */
  onUpdate?: (bytes: Uint8Array) => void;
}

export type SyncClient = Awaited<ReturnType<typeof openSyncClient>>;

/** One socket of one document that writes as a typing person does, with as little work of its own as possible. */
export async function openSyncClient({ port, document, dialect, cookie, onUpdate }: ClientOptions) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${dialect.path(document)}`, dialect.protocols, {
    headers: { origin: `http://127.0.0.1:${port}`, ...(cookie !== undefined && { cookie }) },
    perMessageDeflate: false,
  });
  const doc = new Y.Doc();
  // `draft` is a root type of a conversation; to the other servers any name will do.
  const text = doc.getText("draft");
  const read = dialect.createReader();
  const sentAt: number[] = [];
  const waits: number[] = [];
  let taken = 0;
  let state: ((bytes: Uint8Array) => void) | undefined;
  let wake: (() => void) | undefined;
  const died = new AbortController();

  socket.on("message", (data: Buffer) => {
    const now = performance.now();
    for (const heard of read(data)) {
      if (heard.type === "taken") {
        for (const at of sentAt.splice(0, heard.frames)) waits.push(now - at);
        taken += heard.frames;
        wake?.();
      } else if (heard.type === "state") state?.(heard.bytes);
      else if (heard.type === "update") onUpdate?.(heard.bytes);
    }
  });
  socket.on("error", () => undefined); // `close` follows, and says what there is to say
  socket.on("close", () => {
    died.abort();
    wake?.();
  });
  await once(socket, "open");
  for (const frame of dialect.greeting(document)) socket.send(frame);

  function ask(): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const answered = new AbortController();
      state = (bytes) => {
        answered.abort();
        resolve(bytes);
      };
      const gone = (): void => reject(new Error(`the socket of ${document} closed`));
      died.signal.addEventListener("abort", gone, { signal: answered.signal });
      socket.send(dialect.askState(document));
    });
  }
  // Every server has loaded the document before a client writes.
  await ask();

  return {
    /** ms from sending an update to hearing that it was taken, in order */
    waits,
    taken: (): number => taken,
    sent: (): number => taken + sentAt.length,
    inFlight: (): number => sentAt.length,
    alive: (): boolean => !died.signal.aborted,
    /** Appends a few letters: one update. */
    write(words: string): void {
      doc.once("update", (update: Uint8Array) => {
        sentAt.push(performance.now());
        socket.send(dialect.update(document, update));
      });
      text.insert(text.length, words);
    },
    /** Resolves at the next confirmation, or when the socket closes. */
    next: (): Promise<void> =>
      new Promise((resolve) => {
        wake = resolve;
      }),
    /** The whole state as the server has it now. */
    ask,
    text: async (): Promise<string> => {
      const copy = new Y.Doc();
      Y.applyUpdate(copy, await ask());
      return copy.getText("draft").toJSON();
    },
    close: (): void => socket.terminate(),
  };
}
