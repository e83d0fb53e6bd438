import * as Y from "yjs";
import { contentDigest } from "#shared/documents/canonical-content.ts";
import { openConversation } from "#shared/documents/conversation.ts";
import { recoverConversation } from "#shared/documents/recover-conversation.ts";
import type { ConversationId, MessageId } from "#shared/domain/ids.ts";
import { isSameBytes } from "#shared/lib/same-bytes.ts";
import { foldUpdates } from "./fold-updates.ts";
import type { LocalDocument } from "./local-document.ts";
import type { DocumentWrite, LocalStore, LocalSummary } from "./local-store.ts";

export interface BringBackHost {
  /** a clientID nobody wrote under */
  clientId(): number;
  newMessageId(): MessageId;
  now(): number;
  /** edits are stored; other tabs may want them, and the library their summary */
  stored(id: ConversationId, update: Uint8Array, summary: LocalSummary): void;
}

/** How to get at `bringBack`: few devices ever need it, so its code is fetched by those that do. */
export type LoadBringBack = () => Promise<typeof bringBack>;

/**
 * Writes the words that copies set aside have and the document lacks into it, as new edits (C9). The edits are
 * stored in the transaction that marks the copies as done, and only if no tab did so before: whoever dies
 * anywhere in here leaves either the copies for the next one, or edits in the outbox that are sent by the next one.
 * Answers whether no copy is left. Nothing is done where this tab's copy, or the stored one, is a wrong one itself.
 */
export async function bringBack(document: LocalDocument, store: LocalStore, host: BringBackHost): Promise<boolean> {
  for (;;) {
    const read = await store.load(document.id);
    if (!read.ok) return false;
    const { setAside, state } = read.value;
    if (setAside.length === 0) return true;
    const known = knownContent(document.doc, state);
    if (known === undefined) return false;
    const copies = setAside.map(({ content }) => content);
    const { before, edits, summary } = recoveringEdits(known, copies, host);
    const write: DocumentWrite = {
      id: document.id,
      epoch: document.epoch(),
      local: edits,
      // What the edits build on may be in memory only, and this tab may die before it is stored.
      remote: edits && before,
      state: undefined,
      commands: [],
      summary: edits && { summary, changedAt: host.now(), headSeq: undefined },
      strict: false,
    };
    const keys = setAside.map(({ key }) => key);
    const stored = await store.bringBack(keys, write);
    if (!stored.ok) return false;
    if (stored.value === "elsewhere") continue;
    if (stored.value !== undefined) await document.adopt([stored.value]);
    if (edits && write.summary) host.stored(document.id, edits, write.summary);
    return true;
  }
}

/**
 * All that this device knows of a document: another tab may have stored what did not reach this one yet, the words in
 * question among it. Where two copies have different words under the same clocks, the one that is merged first wins:
 * if the order matters, one of them is wrong, and seems to have what it lacks. `undefined` until that one is mended.
 */
function knownContent(doc: Y.Doc, state: Uint8Array | undefined): Y.Doc | undefined {
  const own = Y.encodeStateAsUpdate(doc);
  if (state === undefined) return merged([own]);
  const known = merged([own, state]);
  return isSameBytes(contentDigest(known), contentDigest(merged([state, own]))) ? known : undefined;
}

function merged(updates: readonly Uint8Array[]): Y.Doc {
  const doc = new Y.Doc();
  doc.transact(() => updates.forEach((update) => Y.applyUpdate(doc, update)));
  return doc;
}

interface RecoveringEdits {
  before: Uint8Array;
  /** absent where nothing is lacking */
  edits: Uint8Array | undefined;
  summary: LocalSummary["summary"];
}

/** Made in `doc`, beside the document that is open, which shows nothing that is not stored. */
function recoveringEdits(doc: Y.Doc, copies: readonly unknown[], host: BringBackHost): RecoveringEdits {
  doc.clientID = host.clientId();
  const into = openConversation(doc, "edit");
  const before = Y.encodeStateAsUpdate(doc);
  const edits: Uint8Array[] = [];
  doc.on("update", (update: Uint8Array) => edits.push(update));
  for (const copy of copies) {
    // Bytes that rotted meanwhile stay in the quarantine, as all that cannot be read.
    const { state } = foldUpdates([copy]);
    if (state === undefined) continue;
    const from = openConversation(new Y.Doc(), "edit");
    Y.applyUpdate(from.doc, state);
    recoverConversation(from, into, () => host.newMessageId());
    from.close();
  }
  const summary = into.summary();
  into.close();
  return { before, edits: edits.length > 0 ? Y.mergeUpdates(edits) : undefined, summary };
}
