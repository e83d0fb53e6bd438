import * as Y from "yjs";
import { foldUpdates } from "#client/local-store/fold-updates.ts";
import type { LocalStore, UnsentEdits } from "#client/local-store/local-store.ts";
import type { Platform } from "#client/platform/platform.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import { encodePush, parsePushAnswers } from "#shared/protocol/bulk-sync.ts";
import type { PushAnswer, Pushed } from "#shared/protocol/bulk-sync.ts";
import { MAX_FRAME_BYTES } from "#shared/protocol/sync-frames.ts";
import { postBytes } from "./post-bytes.ts";
import { PUSHED_AT_ONCE } from "./push-outcome.ts";
import type { PushOutcome } from "./push-outcome.ts";

interface Sent {
  edits: UnsentEdits;
  pushed: Pushed;
}

/** Which documents' edits to send, and those of how many at most. */
export interface PushWish {
  wants(id: ConversationId): boolean;
  most?: number;
}

/**
 * Sends edits of earlier sessions, of documents that nobody here has open, in one request: with `fetch` and the store
 * alone, so that a service worker can. Repeating it changes nothing (R5).
 */
export async function pushOutbox(
  platform: Pick<Platform, "fetch" | "clock">,
  store: LocalStore,
  { wants, most = PUSHED_AT_ONCE }: PushWish,
  signal: AbortSignal,
): Promise<PushOutcome> {
  let isAnother = false;
  // Keys of a database that is gone may name other rows by now.
  const stopWatching = store.onReopened(() => void (isAnother = true));
  try {
    const unsent = await store.unsent(most, wants);
    // A store that cannot be read says nothing about the network.
    if (!unsent.ok) return { type: "failed", reached: true };
    const { sent, left } = requestOf(unsent.value);
    if (sent.length === 0) return { type: "pushed", settled: [], left, later: [] };
    const body = encodePush(sent.map(({ pushed }) => pushed));
    const answer = await postBytes(platform, "/api/sync/push", body, signal);
    if (answer.type === "failed") return answer;
    const parsed = answer.type === "bytes" ? parsePushAnswers(answer.bytes) : undefined;
    const answers = parsed?.ok === true && !isAnother ? parsed.value : [];
    return await settle(store, sent, answers, left);
  } finally {
    stopWatching();
  }
}

async function settle(
  store: LocalStore,
  sent: readonly Sent[],
  answers: readonly PushAnswer[],
  left: ConversationId[],
): Promise<PushOutcome> {
  const settled: ConversationId[] = [];
  const later: ConversationId[] = [];
  for (const [index, { edits }] of sent.entries()) {
    const one = answers[index];
    const isDone = one?.type === "acknowledged" && (await store.settlePushed(edits.id, edits.keys, one.headSeq)).ok;
    (isDone ? settled : left).push(edits.id);
    // What was refused, or is gone, needs a person; all else may go the next time.
    const isFinal = one?.type === "refused" || one?.type === "gone" || one?.type === "old-epoch";
    if (!isDone && !isFinal) later.push(edits.id);
  }
  return { type: "pushed", settled, left, later };
}

/** As much as fits into one request; what cannot be sent so is left. */
function requestOf(unsent: readonly UnsentEdits[]): { sent: Sent[]; left: ConversationId[] } {
  const sent: Sent[] = [];
  const left: ConversationId[] = [];
  let bytes = 0;
  for (const edits of unsent) {
    const update = mergedEdits(edits);
    if (update === undefined || update.byteLength > MAX_FRAME_BYTES) left.push(edits.id);
    else if (bytes === 0 || bytes + update.byteLength <= MAX_FRAME_BYTES) {
      bytes += update.byteLength;
      sent.push({ edits, pushed: { id: edits.id, epoch: edits.epoch, update } });
    }
  }
  return { sent, left };
}

/** `undefined` where some of it cannot be read: that is found out, and said, when the document is opened. */
function mergedEdits({ updates, whole }: UnsentEdits): Uint8Array | undefined {
  const bytes = updates.flatMap((update) => (update instanceof Uint8Array ? [update] : []));
  if (bytes.length < updates.length) return undefined;
  if (whole) {
    const { state, corrupt } = foldUpdates(bytes);
    return corrupt.length === 0 ? state : undefined;
  }
  try {
    for (const update of bytes) Y.decodeUpdate(update);
    return Y.mergeUpdates(bytes);
  } catch {
    return undefined;
  }
}
