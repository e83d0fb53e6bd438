import * as Y from "yjs";
import { canonicalContent } from "#shared/documents/canonical-content.ts";
import { err, ok } from "#shared/lib/result.ts";
import type { Result } from "#shared/lib/result.ts";
import { KIND_RULES } from "./document-kinds.ts";
import { createLiveDocument } from "./live-document.ts";
import type { LiveDocument } from "./live-document.ts";

/** Why a log was left as it is: it misses something, or its fold does not read back as the same document. */
export type FoldFailure = "not-whole" | "diverged";

/** Only reading happens here, so the clientID is never written under. */
const READER = 0;

/**
 * Folds a log into one state (R17): through a garbage-collected Y.Doc in one transaction, because merging the
 * bytes would keep deleted text. The result counts only if, loaded again, it has the same state vector
 * and canonical content.
 */
export function foldLog(log: readonly Uint8Array[]): Result<Uint8Array, FoldFailure> {
  const folded = createLiveDocument(READER, log);
  if (folded === undefined) return err("not-whole");
  const state = folded.since();
  const reloaded = createLiveDocument(READER, [state]);
  const equal = reloaded !== undefined && isSame(folded, reloaded);
  folded.close();
  reloaded?.close();
  return equal ? ok(state) : err("diverged");
}

/**
 * What somebody with this state vector lacks of a log, or all of it: folded as `foldLog` does, so that no deleted text is
 * in it (R17), and not verified, since nothing is replaced by it. A vector that is none counts as absent.
 */
export function foldSince(log: readonly Uint8Array[], stateVector?: Uint8Array): Result<Uint8Array, FoldFailure> {
  const folded = createLiveDocument(READER, log);
  if (folded === undefined) return err("not-whole");
  const lacking = stateVector && sinceOrNothing(folded, stateVector);
  const state = lacking ?? folded.since();
  folded.close();
  return ok(state);
}

function sinceOrNothing(folded: LiveDocument, stateVector: Uint8Array): Uint8Array | undefined {
  try {
    return folded.since(stateVector);
  } catch {
    return undefined;
  }
}

function isSame(one: LiveDocument, other: LiveDocument): boolean {
  const a = Y.decodeStateVector(one.stateVector());
  const b = Y.decodeStateVector(other.stateVector());
  const sameClocks = a.size === b.size && [...a].every(([client, clock]) => b.get(client) === clock);
  // Of whichever kind it is: the roots of the other are empty in both.
  const isSameBy = (roots: readonly string[]): boolean =>
    canonicalContent(one.doc, roots) === canonicalContent(other.doc, roots);
  return sameClocks && Object.values(KIND_RULES).every(({ roots }) => isSameBy(roots));
}
