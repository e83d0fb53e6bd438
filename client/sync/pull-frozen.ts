import { checkSeries } from "#client/local-store/frozen-records.ts";
import type { SnapshotRecords } from "#client/local-store/snapshot-state.ts";
import { sealedSummary } from "#client/local-store/snapshot-state.ts";
import type { FrozenHere, SnapshotStore } from "#client/local-store/snapshot-store.ts";
import { steadyClock } from "#client/platform/platform.ts";
import type { Platform } from "#client/platform/platform.ts";
import type { SnapshotId } from "#shared/domain/ids.ts";
import { MOST_WANTED_SERIES, asFrozenMessage } from "#shared/protocol/snapshot-bodies.ts";
import { postWantedMessages } from "./snapshot-requests.ts";
import type { SeriesAnswer, WantedSeries } from "./snapshot-requests.ts";

/** What could not be had, and what this device could not store, is not asked for again so soon, in ms. */
const LATER_MS = 10 * 60_000;
const FULL_MS = 15 * 60_000;
const ANSWER_MS = 60_000;
/** How many snapshots whose manifest the feed did not bring are asked for one by one in a round. */
const SINGLE_AT_MOST = 20;

/** What one round came to. */
export type FrozenRound = "done" | "more" | "failed";

export interface FrozenPullerParts {
  platform: Pick<Platform, "fetch" | "clock">;
  store: SnapshotStore;
  records: () => SnapshotRecords;
  /** Asks for all of one snapshot, and stores it; answers whether it is here. */
  fetchOne: (id: SnapshotId) => Promise<boolean>;
}

/** Brings what snapshots hold to this device, so that one's own can always be read: bounded, and going on where it was. */
export interface FrozenPuller {
  /** One request, where anything is lacking. */
  pull(signal: AbortSignal): Promise<FrozenRound>;
}

export function createFrozenPuller({ platform, store, records, fetchOne }: FrozenPullerParts): FrozenPuller {
  const clock = steadyClock(platform.clock);
  /** by conversation or snapshot: when to ask again for what did not come */
  const later = new Map<string, number>();
  /** conversations of which all is, or was, asked for anew, because the place they were pulled to did not hold */
  const anew = new Map<string, "next" | "asked">();
  let notBefore = -Infinity;

  const mayAsk = (id: string): boolean => (later.get(id) ?? -Infinity) <= clock.now();
  const putOff = (id: string): void => void later.set(id, clock.now() + LATER_MS);

  /** Conversations with a snapshot whose last message is not here. */
  function lacking({ keys }: FrozenHere): string[] {
    const found = new Set<string>();
    for (const record of records().values()) {
      const head = sealedSummary(record)?.head;
      if (head && !keys.has(`${record.conversationId} ${head}`)) found.add(record.conversationId);
    }
    return [...found].filter(mayAsk);
  }

  async function fetchSingles(): Promise<boolean> {
    const ids = [...records().values()].filter(({ id, manifest }) => manifest === undefined && mayAsk(id));
    for (const { id } of ids.slice(0, SINGLE_AT_MOST)) {
      putOff(id);
      await fetchOne(id);
    }
    return ids.length > SINGLE_AT_MOST;
  }

  async function ask(wanted: readonly WantedSeries[], signal: AbortSignal): Promise<SeriesAnswer | undefined> {
    const own = new AbortController();
    const stopTimer = clock.after(ANSWER_MS, () => own.abort());
    try {
      return await postWantedMessages(platform.fetch, wanted, AbortSignal.any([signal, own.signal]));
    } catch {
      return undefined; // no network, or an answer cut short
    } finally {
      stopTimer();
    }
  }

  /** Answers whether what came could be stored. */
  async function take(wanted: readonly WantedSeries[], answer: SeriesAnswer): Promise<boolean> {
    const asked = new Map(wanted.map(({ conversationId, after }) => [conversationId, after]));
    // An answer for what was not asked for, or from an earlier place, would move the place wrongly.
    const own = answer.filter(({ conversationId, after }) => after >= (asked.get(conversationId) ?? Infinity));
    const checked = own.map(({ conversationId, messages, after }) =>
      checkSeries({
        conversationId,
        after,
        messages: messages.map(({ hash, message }) => ({ hash, message: asFrozenMessage(message) })),
      }),
    );
    const stored = await store.takeSeries(checked);
    if (!stored.ok) return false;
    // Without getting further nothing more is to be had now.
    for (const { conversationId, after } of own)
      if (after === asked.get(conversationId)) askAnewOrLater(conversationId, after);
    if (own.length === 0) for (const { conversationId } of wanted) putOff(conversationId);
    return true;
  }

  /** What is lacking although all was pulled was lost here: all of it is asked for once more. */
  function askAnewOrLater(conversationId: string, after: number): void {
    if (after === 0 || anew.has(conversationId)) return putOff(conversationId);
    anew.set(conversationId, "next");
  }

  return {
    async pull(signal) {
      if (clock.now() < notBefore) return "done";
      const here = await store.frozenHere();
      if (!here.ok) return "done";
      const ids = lacking(here.value);
      if (ids.length === 0) return (await fetchSingles()) ? "more" : "done";
      const wanted = ids.slice(0, MOST_WANTED_SERIES).map((conversationId) => ({
        conversationId,
        after: anew.get(conversationId) === "next" ? 0 : (here.value.after.get(conversationId) ?? 0),
      }));
      const answer = await ask(wanted, signal);
      if (answer === undefined) return "failed";
      for (const { conversationId, after } of wanted)
        if (after === 0 && anew.has(conversationId)) anew.set(conversationId, "asked");
      if (!(await take(wanted, answer))) {
        notBefore = clock.now() + FULL_MS;
        return "done";
      }
      return "more";
    },
  };
}
