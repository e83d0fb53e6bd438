import WebSocket from "ws";
import * as Y from "yjs";
import { createEngine } from "#client/sync/engine-state.ts";
import type { EngineInput, EngineView } from "#client/sync/engine-events.ts";
import { canonicalContent, contentDigest } from "#shared/documents/canonical-content.ts";
import { openConversation } from "#shared/documents/conversation.ts";
import type { ConversationDocument } from "#shared/documents/conversation.ts";
import { SYNC_SUBPROTOCOL } from "#shared/protocol/sync-frames.ts";
import { createAnnouncement } from "./waiting.ts";

const REMOTE = "remote";

/** The app's sync engine on a real socket, without a browser: for tests that kill the server. */
export interface NodeDevice {
  readonly conversation: ConversationDocument;
  /** Makes one edit; answers its token. */
  edit(change: (conversation: ConversationDocument) => void): number;
  /** every edit with a token up to this one was acknowledged as durable */
  settled(): number;
  refused(): readonly string[];
  /** Resolves when the condition holds; it is looked at after each event of the connection. */
  until(condition: () => boolean): Promise<void>;
  arrived(): boolean;
  /** everything it holds, in one form for all replicas */
  content(): string;
  /** what the engine says of its connection */
  connection(): EngineView["connection"];
  /** how often it opened a socket */
  connects(): number;
  /** As a browser tells that the page is seen again: an open socket has to prove itself, a waiting one is tried. */
  wake(): void;
  close(): void;
}

export function openNodeDevice(serverUrl: string, cookie: string, room: string): NodeDevice {
  const doc = new Y.Doc();
  const conversation = openConversation(doc, "local");
  const engine = createEngine({ doc, remoteOrigin: REMOTE, random: Math.random, digest: () => contentDigest });
  const changes = createAnnouncement();
  const refused: string[] = [];
  let socket: WebSocket | undefined;
  let timer: NodeJS.Timeout | undefined;
  let token = 0;
  let settled = 0;
  let arrived = false;
  let connects = 0;

  function run(input: EngineInput): void {
    for (const effect of engine.handle(Date.now(), input)) {
      if (effect.type === "connect") connect();
      else if (effect.type === "send") socket?.send(effect.message);
      else if (effect.type === "disconnect") drop();
      else if (effect.type === "settled") settled = effect.through;
      else if (effect.type === "arrived") arrived = true;
      else if (effect.type === "refused") refused.push(effect.code);
      else if (effect.type === "ended") refused.push(`closed ${effect.code}`);
    }
    clearTimeout(timer);
    const at = engine.view().timerAt;
    if (at !== undefined) timer = setTimeout(() => run({ type: "tick" }), Math.max(1, at - Date.now()));
    changes.announce();
  }

  function drop(): void {
    const gone = socket;
    socket = undefined;
    gone?.terminate();
  }

  function connect(): void {
    drop();
    connects += 1;
    const opened = new WebSocket(`${serverUrl.replace(/^http/, "ws")}/sync/${room}`, [SYNC_SUBPROTOCOL], {
      headers: { cookie, origin: serverUrl },
    });
    socket = opened;
    const mine = (act: () => void) => () => (socket === opened ? act() : undefined);
    opened.on(
      "open",
      mine(() => run({ type: "opened" })),
    );
    opened.on("message", (data: Buffer) => mine(() => run({ type: "received", message: new Uint8Array(data) }))());
    opened.on("close", (code) => mine(() => run({ type: "closed", code }))());
    opened.on("error", () => undefined); // `close` follows and is what counts
  }

  doc.on("update", (update: Uint8Array, origin: unknown) => {
    if (origin !== REMOTE) run({ type: "local", token: ++token, update });
  });
  run({ type: "start" });

  return {
    conversation,
    edit(change) {
      change(conversation);
      return token;
    },
    settled: () => settled,
    refused: () => refused,
    until: changes.until,
    arrived: () => arrived,
    content: () => canonicalContent(doc),
    connection: () => engine.view().connection,
    connects: () => connects,
    wake: () => run({ type: "wake" }),
    close() {
      run({ type: "stop" });
      clearTimeout(timer);
      drop();
    },
  };
}
