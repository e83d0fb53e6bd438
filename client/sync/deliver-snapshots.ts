import type { SnapshotOutbox } from "#client/local-store/snapshot-queue.ts";
import type { QueuedCommand, SettledCommand, SnapshotCommand } from "#client/local-store/snapshot-record.ts";
import type { Locks } from "#client/platform/locks.ts";
import type { Platform } from "#client/platform/platform.ts";
import type { FrozenMessage } from "#shared/domain/frozen-content.ts";
import { sendSnapshotCommand } from "./snapshot-requests.ts";
import { judgeSnapshotAnswer } from "./snapshot-verdict-state.ts";
import type { SnapshotVerdict } from "./snapshot-verdict-state.ts";

/** A request without an answer for this long is made again; 16 MB may be on their way. */
const ANSWER_MS = 60_000;
/** Whoever is ended before they are noted sends so many again, or those of so many ms, which has no second effect. */
const NOTED_TOGETHER = 500;
const NOTED_AFTER_MS = 5_000;

/** The lock under which commands about snapshots are sent: one tab, or the service worker, at a time. */
export const snapshotsLock = (scope: string): string => `holdfast-snapshots-${scope}`;
/** The channel on which they tell each other what changed. */
export const snapshotsChannel = (scope: string): string => `holdfast-snapshots-${scope}`;

export interface DeliverSnapshotsParts {
  platform: Pick<Platform, "fetch" | "clock">;
  locks: Locks;
  outbox: SnapshotOutbox;
  /** names the account and workspace */
  scope: string;
}

/** What is left of the commands that wait. */
export type SnapshotRound =
  /** nothing that trying again could bring further */
  | { type: "done" }
  /** all that is known is done; the store did not say what else waits */
  | { type: "unknown" }
  /** `reached`: the server answered, and says to come back */
  | { type: "later"; reached: boolean; atLeastMs: number };

/**
 * Delivers stored commands about snapshots once, in order, with `fetch` and the outbox alone: for pages and for a service
 * worker. Those of one snapshot follow each other; where one has to wait, the later ones of its conversation wait behind
 * it, so that snapshots are numbered as they were taken. Sending one again has no second effect.
 */
export async function deliverSnapshots(parts: DeliverSnapshotsParts, signal: AbortSignal): Promise<SnapshotRound> {
  try {
    return await parts.locks.hold(snapshotsLock(parts.scope), signal, () => deliverAll(parts, signal));
  } catch {
    return { type: "later", reached: false, atLeastMs: 0 }; // no lock, or the time is over
  }
}

async function deliverAll(parts: DeliverSnapshotsParts, signal: AbortSignal): Promise<SnapshotRound> {
  const notes = noteTogether(parts.outbox, parts.platform.clock);
  try {
    return await deliverEach(parts, notes, signal);
  } finally {
    await notes.flush();
  }
}

/** What is done, on its way into the outbox. */
interface Notes {
  settle(queued: QueuedCommand, settled: SettledCommand): Promise<void>;
  flush(): Promise<void>;
}

/** Erasures are noted together: each time, all that is stored is looked through for what nobody needs any more. */
function noteTogether(outbox: SnapshotOutbox, clock: Pick<Platform["clock"], "now">): Notes {
  let erased: QueuedCommand[] = [];
  let since = 0;
  async function flush(): Promise<void> {
    const all = erased;
    erased = [];
    if (all.length > 0) await outbox.settle(all, { type: "done", answered: undefined });
  }
  return {
    flush,
    async settle(queued, settled) {
      if (settled.type !== "done" || queued.command.deed.type !== "erase")
        return await outbox.settle([queued], settled);
      if (erased.length === 0) since = clock.now();
      erased.push(queued);
      if (erased.length >= NOTED_TOGETHER || clock.now() - since >= NOTED_AFTER_MS) await flush();
    },
  };
}

async function deliverEach(
  { platform, outbox }: DeliverSnapshotsParts,
  notes: Notes,
  signal: AbortSignal,
): Promise<SnapshotRound> {
  /** snapshots that were refused themselves: whatever is asked of them has nothing to be done to */
  const refused = new Set<string>();
  const waiting = new Set<string>();
  let atLeastMs = 0;
  // Read under the lock: who held it before took out what was delivered.
  const { commands, isWhole } = await outbox.list();
  for (const queued of commands) {
    const { snapshotId, conversationId, deed, refused: code } = queued.command;
    if (code !== undefined && deed.type === "take") refused.add(snapshotId);
    if (code !== undefined || refused.has(snapshotId) || waiting.has(conversationId)) continue;
    const verdict = await attempt(platform, outbox, queued.command, signal);
    if (verdict === undefined) return { type: "later", reached: false, atLeastMs };
    if (verdict.type === "retry") {
      waiting.add(conversationId);
      atLeastMs = Math.max(atLeastMs, verdict.atLeastMs);
      continue;
    }
    await notes.settle(queued, verdict);
    if (verdict.type === "refused" && deed.type === "take") refused.add(snapshotId);
  }
  return waiting.size > 0 ? { type: "later", reached: true, atLeastMs } : nothingLeft(isWhole);
}

const nothingLeft = (isWhole: boolean): SnapshotRound => ({ type: isWhole ? "done" : "unknown" });

const WITH_MESSAGES = { type: "with-messages" } as const;

/** Asked without them, the server would wait for edits first that never come. */
const areMissing = ({ deed }: SnapshotCommand): boolean => deed.type === "take" && deed.source === "file";

/** Sends one, with its messages where the server asks for them; `undefined` where no answer came. */
async function attempt(
  platform: DeliverSnapshotsParts["platform"],
  outbox: SnapshotOutbox,
  command: SnapshotCommand,
  signal: AbortSignal,
): Promise<Exclude<SnapshotVerdict, { type: "with-messages" }> | undefined> {
  const first = areMissing(command) ? WITH_MESSAGES : await send(platform, command, undefined, signal);
  if (first?.type !== "with-messages") return first;
  const messages = await outbox.messages(command);
  if (!messages.ok) {
    // A disk that cannot be read now may be read later; one that lost them will not find them again.
    return messages.failure === "lost" ? { type: "refused", code: "messages_lost" } : { type: "retry", atLeastMs: 0 };
  }
  const second = await send(platform, command, messages.value, signal);
  return second?.type === "with-messages" ? { type: "refused", code: "messages_missing" } : second;
}

async function send(
  { fetch, clock }: DeliverSnapshotsParts["platform"],
  command: SnapshotCommand,
  messages: readonly FrozenMessage[] | undefined,
  signal: AbortSignal,
): Promise<SnapshotVerdict | undefined> {
  const own = new AbortController();
  const stopTimer = clock.after(ANSWER_MS, () => own.abort());
  try {
    const answer = await sendSnapshotCommand(fetch, command, messages, AbortSignal.any([signal, own.signal]));
    return judgeSnapshotAnswer(command.deed, answer);
  } catch {
    return undefined; // no network is no answer
  } finally {
    stopTimer();
  }
}
