import * as Y from "yjs";
import { contentDigest } from "#shared/documents/canonical-content.ts";
import type { DocumentKind } from "#shared/domain/room-name.ts";
import { KIND_RULES } from "./document-kinds.ts";
import type { DocumentView } from "./document-kinds.ts";
import { watchIntegration } from "./integration-watch.ts";
import type { ProcessorTime } from "./integration-watch.ts";
import { weightOfChange, weightOfDocument } from "./document-weight.ts";
import { checkPlacement, clocksOf } from "./placement-check.ts";
import { UPDATE_LIMITS } from "./update-limits.ts";

/** What became of a change: the bytes Yjs emitted for it, nothing at all, or a copy that must be dropped. */
export type Applied =
  | { type: "changed"; bytes: Uint8Array }
  | { type: "unchanged" }
  | { type: "broken"; error: unknown };

/** One copy of a document in memory, garbage-collected: it holds no deleted text. */
export interface LiveDocument {
  readonly doc: Y.Doc;
  readonly view: DocumentView;
  /** nobody but the relay writes it */
  readonly isFrozen: boolean;
  /**
   * Applies updates of one author in one transaction. `work` hands over each that passes `checkUpdate`, which may look
   * at the document in between; where all of them take too long, or one stands impossibly, the copy is broken.
   */
  applyAll(work: (apply: (update: Uint8Array) => void) => void): Applied;
  /** The same for a single update. */
  apply(update: Uint8Array): Applied;
  /** Edits as the relay, in one transaction. */
  edit(change: (view: DocumentView) => void): Applied;
  stateVector(): Uint8Array;
  /** everything a peer with this state vector lacks; throws where the vector is none */
  since(stateVector?: Uint8Array): Uint8Array;
  digest(): Uint8Array;
  summary(): string;
  /** bytes of the heap it takes; `encoded`: those of the log it is made of */
  weight(encoded: number): number;
  close(): void;
}

const REMOTE = "remote";
const RELAY = "relay";

/** Whether the document misses something that its log should have contained. */
export const hasPending = (doc: Y.Doc): boolean => doc.store.pendingStructs !== null || doc.store.pendingDs !== null;

/** An empty garbage-collected document that writes under the given clientID. */
export function createDoc(clientId: number): Y.Doc {
  const doc = new Y.Doc({ gc: true, guid: "room" });
  doc.clientID = clientId;
  return doc;
}

/**
 * Folds a log into a live copy, in one transaction.
 * @param processorTime by which `apply` measures; without it an update may take as long as it likes
 * @returns `undefined` where the log is not whole: an update that throws, or refers to what is not there
 */
export function createLiveDocument(
  clientId: number,
  log: Iterable<Uint8Array>,
  processorTime: ProcessorTime = () => 0,
  kind: DocumentKind = "conversation",
): LiveDocument | undefined {
  const doc = createDoc(clientId);
  const watch = watchIntegration(doc, processorTime);
  const { open, roots, isFrozen } = KIND_RULES[kind];
  const { view, summary, close } = open(doc, RELAY);
  let valueBytes = 0;
  doc.on("afterTransaction", (transaction: Y.Transaction) => void (valueBytes += weightOfChange(transaction)));
  try {
    doc.transact(() => {
      for (const bytes of log) Y.applyUpdate(doc, bytes, REMOTE);
    }, REMOTE);
  } catch {
    return undefined;
  }
  if (hasPending(doc)) return undefined;

  let emitted: Uint8Array[] = [];
  doc.on("update", (bytes: Uint8Array) => emitted.push(bytes));

  function applied(change: () => void): Applied {
    emitted = [];
    try {
      change();
    } catch (error) {
      return { type: "broken", error };
    }
    if (hasPending(doc)) return { type: "broken", error: new Error("The update left pending structs") };
    const [first] = emitted;
    if (first === undefined) return { type: "unchanged" };
    return { type: "changed", bytes: emitted.length === 1 ? first : Y.mergeUpdates(emitted) };
  }

  const applyAll: LiveDocument["applyAll"] = (work) =>
    applied(() => {
      const before = clocksOf(doc);
      // Together they hold the others up no longer than one may.
      const until = processorTime() + UPDATE_LIMITS.integrationMs;
      doc.transact(() => work((update) => watch.apply(update, REMOTE, until)), REMOTE);
      checkPlacement(doc, before);
    });

  return {
    doc,
    view,
    isFrozen,
    applyAll,
    apply: (update) => applyAll((apply) => apply(update)),
    edit: (change) => applied(() => doc.transact(() => change(view), RELAY)),
    stateVector: () => Y.encodeStateVector(doc),
    since: (stateVector) => Y.encodeStateAsUpdate(doc, stateVector),
    digest: () => contentDigest(doc, roots),
    summary: () => JSON.stringify(summary()),
    weight: (encoded) => weightOfDocument(doc, encoded, valueBytes),
    close() {
      close();
      doc.destroy();
    },
  };
}

/** The server's clientIDs are drawn from the range Yjs itself uses. */
const CLIENT_IDS = 2 ** 32;

/** A clientID nobody wrote under: two writers of one id would silently diverge. */
export function freshClientId(bindings: ReadonlyMap<number, string>, random: () => number): number {
  let clientId = Math.floor(random() * CLIENT_IDS);
  while (bindings.has(clientId)) clientId = (clientId + 1) % CLIENT_IDS;
  return clientId;
}
