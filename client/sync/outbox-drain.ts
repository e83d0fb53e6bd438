import type { LocalDocument } from "#client/local-store/local-document.ts";
import type { LocalStore, Unacknowledged } from "#client/local-store/local-store.ts";
import type { LocalDocuments } from "#client/local-store/open-documents.ts";
import type { Clock } from "#client/platform/platform.ts";
import { whenEnded } from "#client/platform/when-ended.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import { backoffMs } from "#shared/lib/backoff.ts";
import { createLostRows } from "./lost-rows.ts";
import { PUSHED_AT_ONCE } from "./push-outcome.ts";
import type { PushOutcome } from "./push-outcome.ts";

/** how many documents nobody looks at are open at once to send what they hold */
const DRAINED_AT_ONCE = 4;
/** ms between two looks at the outbox; another tab may have died with rows in it */
const SCAN_MS = 15_000;
const SCAN_AGAIN_MS = 2_000;
/** ms before a push that failed is tried again, at first and at most */
const PUSH_BASE_MS = 1_000;
const PUSH_CAP_MS = 30_000;

/**
 * Sees to it that every outbox row on this device is sent, and that the words of every copy set aside come back,
 * whichever session or tab wrote them.
 */
export interface OutboxDrain {
  /** Looks at the outbox soon, and tries documents again that were given up. */
  retry(): void;
  /** Another tab changed the outbox: nothing is known until it was read again. */
  outdated(): void;
  /** Lets go of documents that are done; to be called when any document changed. */
  review(): void;
  /** whether the outbox was read since anything changed in it behind our back */
  known(): boolean;
  /** outbox rows by document, over all tabs; documents without any are not named */
  rows(): ReadonlyMap<ConversationId, number>;
  /** commands about snapshots, over all tabs */
  snapshots(): Unacknowledged["snapshots"];
  /** documents with edits on this device that can neither be read nor were they acknowledged */
  unreadable(): ReadonlySet<ConversationId>;
  /** how many other records of this device could not be read, and nobody was told yet */
  corrupt(): number;
  /** documents whose edits went with a database that the browser deleted, and are nowhere else as far as we know */
  evicted(): ReadonlySet<ConversationId>;
  /** A person was told of those. */
  dismissEvicted(): void;
}

/** whether words of copies set aside are still to come, and can: a document of a newer app is left as it is */
const bringsBack = (document: LocalDocument): boolean => document.setAside() && document.status().type === "ready";

export interface DrainParts {
  store: LocalStore;
  documents: LocalDocuments;
  clock: Clock;
  random: () => number;
}

/** What the drain asks of sync, and tells it. */
export interface DrainHost {
  /** whether there is no point in waiting for a document's `ack` for now */
  stuck(document: LocalDocument): boolean;
  /** whether the server will never take this document's edits */
  final(id: ConversationId): boolean;
  changed(): void;
  /** all documents with rows, whichever tab wrote them, each time the outbox was read */
  wasRead(ids: ReadonlySet<ConversationId>): void;
  /** sends edits of up to so many documents that are not open, by one request */
  push(ids: ReadonlySet<ConversationId>, most: number): Promise<PushOutcome>;
}

export function openOutboxDrain(
  { store, documents, clock, random }: DrainParts,
  { stuck, final, changed, wasRead, push }: DrainHost,
  signal: AbortSignal,
): OutboxDrain {
  /** rows of other tabs and of earlier sessions, as last read */
  let foreign = new Map<ConversationId, number[]>();
  let unreadable: ReadonlySet<ConversationId> = new Set();
  let corrupt = 0;
  let snapshots = { waiting: 0, refused: 0 };
  const lost = createLostRows(clock);
  /** raised when another tab changed the outbox */
  let version = 0;
  let readVersion: number | undefined;
  let scanning = false;
  let cancelTimer: (() => void) | undefined;
  /** closed documents with rows, to be pushed; what a push leaves has to be opened */
  const closed = new Set<ConversationId>();
  let pushing = false;
  let pushFailures = 0;
  /** halved by each push that did not get through: on a slow line less goes out in time */
  let pushMost = PUSHED_AT_ONCE;
  let pushAt = -Infinity;
  const queue = new Set<ConversationId>();
  const givenUp = new Set<ConversationId>();
  const held = new Map<ConversationId, { document: LocalDocument; release: () => void }>();

  const isForeign = (id: ConversationId, key: number): boolean => !documents.find(id)?.outbox().includes(key);

  async function read(): Promise<void> {
    if (scanning || signal.aborted) return;
    scanning = true;
    const asOf = version;
    const look = lost.look();
    const result = await store.outbox();
    scanning = false;
    if (signal.aborted) return;
    if (result.ok) {
      unreadable = result.value.unreadable;
      corrupt = result.value.corrupt;
      snapshots = result.value.snapshots;
      lost.seen(look, new Set(result.value.rows.keys()));
      for (const id of result.value.setAside) bringBack(id);
      takeRows(result.value.rows, readVersion === undefined);
      readVersion = asOf;
      wasRead(new Set(result.value.rows.keys()));
    }
    if (asOf !== version) return schedule(0);
    schedule(foreign.size > 0 || lost.looksAgain() ? SCAN_AGAIN_MS : SCAN_MS);
    changed();
  }

  function takeRows(rows: Map<ConversationId, number[]>, first: boolean): void {
    const before = foreign;
    foreign = new Map();
    for (const [id, keys] of rows) {
      const others = keys.filter((key) => isForeign(id, key));
      if (others.length === 0) continue;
      foreign.set(id, others);
      // A living tab sends its own rows; those that are still there at the second look may be orphans.
      const orphans = first ? others : others.filter((key) => before.get(id)?.includes(key));
      if (orphans.length > 0) takeOver(id, orphans);
    }
    next();
    void pushClosed();
  }

  function bringBack(id: ConversationId): void {
    const open = documents.find(id);
    if (open) documents.bringBack(open);
    else if (!givenUp.has(id) && !final(id)) queue.add(id);
  }

  function takeOver(id: ConversationId, keys: number[]): void {
    const open = documents.find(id);
    if (open) void open.adopt(keys).then(changed);
    else if (!givenUp.has(id) && !final(id) && !queue.has(id) && !held.has(id)) closed.add(id);
  }

  async function pushClosed(): Promise<void> {
    if (pushing || closed.size === 0 || clock.now() < pushAt) return;
    pushing = true;
    const ids = new Set([...closed].filter((id) => documents.find(id) === undefined));
    closed.clear();
    const most = pushMost;
    const outcome = await push(ids, most);
    pushing = false;
    if (signal.aborted) return;
    if (outcome.type === "failed") {
      if (!outcome.reached) pushMost = Math.max(1, Math.floor(most / 2));
      if (!outcome.reached) openSome(ids);
      // The rows are found again with the next look at the outbox.
      pushAt = clock.now() + backoffMs(pushFailures++, PUSH_BASE_MS, PUSH_CAP_MS, random());
      return next();
    }
    pushFailures = 0;
    pushMost = Math.min(PUSHED_AT_ONCE, most * 2);
    for (const id of outcome.left) queue.add(id);
    if (outcome.settled.length > 0) outdated();
    next();
  }

  /** On a line too slow for a request a socket carries edits bit by bit; and what is open outlives a lost database. */
  function openSome(ids: ReadonlySet<ConversationId>): void {
    for (const id of ids) if (queue.size + held.size < DRAINED_AT_ONCE) queue.add(id);
  }

  function outdated(): void {
    version++;
    changed();
    schedule(0);
  }

  function next(): void {
    for (const id of queue) {
      if (held.size >= DRAINED_AT_ONCE) return;
      queue.delete(id);
      if (!held.has(id)) held.set(id, documents.hold(id));
    }
  }

  function schedule(ms: number): void {
    cancelTimer?.();
    cancelTimer = clock.after(ms, () => void read());
  }

  const stops = [
    // Rows of closed documents and of tabs that are gone were nowhere else.
    store.onReopened(() => {
      lost.add([...foreign.keys()].filter((id) => !documents.find(id)));
      schedule(SCAN_AGAIN_MS);
    }),
    store.onFound(outdated),
    store.onQuarantined(() => schedule(0)),
  ];
  whenEnded(signal, () => cancelTimer?.(), ...stops);
  void read();

  return {
    retry() {
      givenUp.clear();
      pushAt = -Infinity;
      schedule(0);
    },
    outdated,
    review() {
      for (const [id, { document, release }] of held) {
        if (document.status().type === "loading") continue;
        const gaveUp = stuck(document);
        if (gaveUp || (document.setAside() && !bringsBack(document))) givenUp.add(id);
        const busy = document.pending() || document.outbox().length > 0 || bringsBack(document);
        if (!gaveUp && busy) continue;
        held.delete(id);
        release();
      }
      next();
    },
    known: () => readVersion === version,
    rows() {
      const counts = new Map<ConversationId, number>();
      const add = (id: ConversationId, rows: number): void => {
        if (rows > 0) counts.set(id, (counts.get(id) ?? 0) + rows);
      };
      for (const document of documents.opened()) add(document.id, document.outbox().length);
      for (const [id, keys] of foreign) add(id, keys.filter((key) => isForeign(id, key)).length);
      return counts;
    },
    snapshots: () => snapshots,
    unreadable: () => unreadable,
    corrupt: () => corrupt,
    evicted: lost.found,
    dismissEvicted() {
      lost.dismiss();
      changed();
    },
  };
}
