import * as Y from "yjs";
import { createEngine } from "#client/sync/engine-state.ts";
import type { Engine, EngineEffect, EngineInput } from "#client/sync/engine-state.ts";
import { openConversation } from "#shared/documents/conversation.ts";
import type { ConversationDocument } from "#shared/documents/conversation.ts";
import type { MessageId } from "#shared/domain/ids.ts";
import { SYNC_SUBPROTOCOL } from "#shared/protocol/sync-frames.ts";
import { createUuidV7 } from "#shared/lib/uuid.ts";
import type { Link, Network } from "./network.ts";
import type { SimulatedServer } from "./server.ts";
import type { World } from "./world.ts";

const LOCAL = "local";
const REMOTE = "remote";
const STORED = "stored";

/** A row of the simulated local store, with the edit marks it is responsible for. */
interface Row {
  token: number;
  update: Uint8Array;
  pending: boolean;
}

/** What a device claims; the oracles hold it to its word. */
export interface Claims {
  /** The server acknowledged these edits. */
  settled(device: string, marks: readonly string[]): void;
  /** This device shows content of others. */
  shown(device: string, conversation: ConversationDocument, ownMarks: ReadonlySet<string>): void;
  /** An edit was refused, which no honest edit may be. */
  refused(device: string, code: string): void;
  diverged(device: string): void;
}

export interface Device {
  readonly name: string;
  start(): void;
  /** One random edit of a person. */
  edit(): void;
  /** The tab dies: what the store had not completed is gone; then it opens again. */
  restart(): void;
  wake(): void;
  conversation(): ConversationDocument;
  view(): ReturnType<Engine["view"]>;
  /** marks of all edits that are on this device for good: stored here or acknowledged */
  lastingMarks(): ReadonlySet<string>;
}

/**
 * A person's device with one open conversation: the real engine over a simulated local store and network.
 * The store completes writes late, and in order, as IndexedDB does.
 */
export function createDevice(
  world: World,
  name: string,
  server: SimulatedServer,
  network: Network,
  claims: Claims,
): Device {
  let rows: Row[] = [];
  let life = 0;
  let edits = 0;
  let nextToken = 1;
  const lasting = new Set<string>();
  const marksByToken = new Map<number, string>();
  const own = new Set<string>();
  let open = openTab();

  function openTab() {
    life += 1;
    const doc = new Y.Doc();
    doc.clientID = world.random.below(2 ** 32);
    const engine = createEngine({ doc, remoteOrigin: REMOTE, random: world.random.next });
    const tab = { life, doc, engine, conversation: openConversation(doc, LOCAL), link: undefined as Link | undefined };
    for (const row of rows) Y.applyUpdate(doc, row.update, STORED);
    const inherited = rows.filter((row) => row.pending).map((row) => row.token);
    // What the store had not completed when the last tab died is nobody's promise any more.
    for (const token of marksByToken.keys()) if (!inherited.includes(token)) marksByToken.delete(token);
    doc.on("update", (update: Uint8Array, origin: unknown) => onUpdate(tab, update, origin));
    for (const token of inherited) run(tab, { type: "local", token, update: undefined });
    return tab;
  }

  type Tab = ReturnType<typeof openTab>;

  function run(tab: Tab, input: EngineInput): void {
    if (tab.life !== life) return;
    for (const effect of tab.engine.handle(world.now(), input)) carryOut(tab, effect);
    schedule(tab);
  }

  function schedule(tab: Tab): void {
    const at = tab.engine.view().timerAt;
    if (at !== undefined) world.after(Math.max(1, at - world.now()), () => run(tab, { type: "tick" }));
  }

  function carryOut(tab: Tab, effect: EngineEffect): void {
    switch (effect.type) {
      case "connect":
        tab.link = connect(tab);
        return;
      case "send":
        tab.link?.send("client", effect.message);
        return;
      case "disconnect":
        tab.link?.close("client", 1000);
        tab.link = undefined;
        return;
      case "settled":
        return onSettled(effect.through);
      case "refused":
        return claims.refused(name, effect.code);
      case "ended":
        return claims.refused(name, `closed ${effect.code}`);
      case "diverged":
        return claims.diverged(name);
      case "arrived":
      case "accepted":
      case "feed-moved":
    }
  }

  function connect(tab: Tab): Link {
    const mine = (): boolean => tab.link === link && tab.life === life;
    const session = server.createSession(
      name,
      SYNC_SUBPROTOCOL,
      (message) => link.send("server", message),
      (code) => link.close("server", code),
    );
    const link: Link = network.open(
      {
        onClientMessage: (message) => mine() && run(tab, { type: "received", message }),
        onClientClosed: (code) => {
          if (!mine()) return;
          tab.link = undefined;
          run(tab, { type: "closed", code });
        },
        onServerMessage: session.receive,
        onServerClosed: session.left,
      },
      () => {
        session.opened();
        if (mine()) run(tab, { type: "opened" });
      },
    );
    return link;
  }

  function onUpdate(tab: Tab, update: Uint8Array, origin: unknown): void {
    if (origin === STORED) return;
    const token = nextToken++;
    const pending = origin === LOCAL;
    const mark = currentMark;
    if (pending && mark) marksByToken.set(token, mark);
    // The store completes later; a tab that dies before that never had the row.
    const atLife = life;
    storeAfter(() => {
      if (atLife !== life) return;
      rows.push({ token, update, pending: pending && !alreadyAcknowledged.has(token) });
      if (mark) lasting.add(mark);
    });
    if (pending) run(tab, { type: "local", token, update });
    else claims.shown(name, tab.conversation, own);
  }

  let storeBusyUntil = 0;
  function storeAfter(complete: () => void): void {
    storeBusyUntil = Math.max(storeBusyUntil, world.now() + world.delay(1, 120));
    world.after(storeBusyUntil - world.now(), complete);
  }

  const alreadyAcknowledged = new Set<number>();
  let settledThrough = 0;
  function onSettled(through: number): void {
    const marks: string[] = [];
    for (let token = settledThrough + 1; token <= through; token++) {
      alreadyAcknowledged.add(token);
      const mark = marksByToken.get(token);
      if (mark) marks.push(mark);
    }
    settledThrough = Math.max(settledThrough, through);
    for (const mark of marks) lasting.add(mark);
    rows = rows.map((row) => (row.token <= through ? { ...row, pending: false } : row));
    claims.settled(name, marks);
  }

  let currentMark: string | undefined;
  function edit(): void {
    const mark = `${name}-${++edits}`;
    own.add(mark);
    currentMark = mark;
    open.doc.transact(() => {
      open.conversation.setTag(mark, true);
      randomEdit(open.conversation, mark);
    }, LOCAL);
    currentMark = undefined;
  }

  function randomEdit(chat: ConversationDocument, mark: string): void {
    const branch = chat.branch();
    switch (world.random.below(7)) {
      case 0:
        return chat.rename(`title ${mark}`);
      case 1:
        return chat.setParameter("temperature", world.random.below(20) / 10);
      case 2: {
        const id = createUuidV7(world.now(), world.random.bytes) as MessageId;
        return chat.addPrompt({ id, parentId: branch.at(-1)?.id, text: `prompt [${mark}]`, createdAt: world.now() });
      }
      case 3:
        return chat.draft.insert(world.random.below(chat.draft.length + 1), `<${mark}>`);
      case 4: {
        // Only whole insertions are deleted: two halves could otherwise join to look like a third.
        const whole = [...chat.draft.toJSON().matchAll(/<[a-z]\d-\d+>/g)];
        const one = whole[world.random.below(whole.length || 1)];
        return one && chat.draft.delete(one.index, one[0].length);
      }
      case 5: {
        const one = branch[world.random.below(branch.length || 1)];
        return one && world.chance(0.3) ? chat.removeMessage(one.id) : chat.setPinned(world.chance(0.5));
      }
      default:
        return chat.setTag(`tag ${world.random.below(5)}`, world.chance(0.5));
    }
  }

  return {
    name,
    start: () => run(open, { type: "start" }),
    edit,
    restart() {
      open.link?.close("client", 1001);
      open = openTab();
      run(open, { type: "start" });
    },
    wake: () => run(open, { type: "wake" }),
    conversation: () => open.conversation,
    view: () => open.engine.view(),
    lastingMarks: () => lasting,
  };
}
