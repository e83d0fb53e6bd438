import * as Y from "yjs";

export interface Folded {
  state: Uint8Array | undefined;
  /** indices of the updates that could not be read */
  corrupt: number[];
}

/**
 * Folds updates (Yjs V1) through a garbage-collected Y.Doc into one. `mergeUpdates` would keep deleted text and
 * every struct. Values that are no readable update are left out and named.
 */
export function foldUpdates(updates: readonly unknown[]): Folded {
  return foldReadable(updates) ?? foldWhatIsReadable(updates);
}

/** The usual case, in one pass: nothing is corrupt. Answers `undefined` where anything is. */
function foldReadable(updates: readonly unknown[]): Folded | undefined {
  const readable = updates.flatMap((update, index) => (update instanceof Uint8Array ? [{ update, index }] : []));
  if (readable.length < updates.length) return undefined;
  if (readable.length === 0) return { state: undefined, corrupt: [] };
  const doc = new Y.Doc({ guid: "fold" });
  try {
    if (applyAll(doc, readable) !== undefined) return undefined;
    // Some corrupt updates apply and leave what cannot be written again: reading it structurally is cheaper than writing.
    const [only] = readable;
    if (readable.length === 1 && only) return decodes(only.update) ? { state: only.update, corrupt: [] } : undefined;
    return { state: Y.encodeStateAsUpdate(doc), corrupt: [] };
  } catch {
    return undefined;
  }
}

function foldWhatIsReadable(updates: readonly unknown[]): Folded {
  const corrupt = updates.flatMap((update, index) => (decodes(update) ? [] : [index]));
  for (;;) {
    const readable = updates.flatMap((update, index) =>
      update instanceof Uint8Array && !corrupt.includes(index) ? [{ update, index }] : [],
    );
    if (readable.length === 0) return { state: undefined, corrupt };
    const doc = new Y.Doc({ guid: "fold" });
    const failed = applyAll(doc, readable);
    if (failed === undefined) return { state: Y.encodeStateAsUpdate(doc), corrupt };
    // Applying is not atomic: what threw may have left its mark, so start again without it.
    corrupt.push(failed);
  }
}

function decodes(update: unknown): boolean {
  if (!(update instanceof Uint8Array)) return false;
  try {
    Y.decodeUpdate(update);
    return true;
  } catch {
    return false;
  }
}

/** Applies in one transaction, since deletions are not held back by causality; answers what threw. */
function applyAll(doc: Y.Doc, readable: readonly { update: Uint8Array; index: number }[]): number | undefined {
  let current: number | undefined;
  try {
    doc.transact(() => {
      for (const { update, index } of readable) {
        current = index;
        Y.applyUpdate(doc, update);
      }
    });
    return undefined;
  } catch {
    return current;
  }
}
