import type { LocalStore } from "#client/local-store/local-store.ts";
import type { LocalDocuments } from "#client/local-store/open-documents.ts";
import type { LocalLibrary } from "#client/local-store/open-library.ts";
import type { Platform } from "#client/platform/platform.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import { backoffMs } from "#shared/lib/backoff.ts";

export interface ErasureParts {
  platform: Pick<Platform, "clock" | "random" | "fetch" | "connectivity">;
  store: LocalStore;
  library: LocalLibrary;
  documents: LocalDocuments;
}

const RETRY_BASE_MS = 500;
const RETRY_CAP_MS = 15_000;
/** A whole trash is emptied so many at a time; each that is done changes the library, and lets the next one in. */
const AT_ONCE = 20;
/** A request without an answer for this long is made again. */
const ANSWER_MS = 15_000;

/** Asks the server to erase what is marked so, until it answered for good; ends with the signal. */
export function openErasures({ platform, store, library, documents }: ErasureParts, signal: AbortSignal): void {
  const { clock } = platform;
  /** by conversation: ends the wait before the next try */
  const waiting = new Map<ConversationId, () => void>();

  const isWanted = (id: ConversationId): boolean =>
    !signal.aborted && library.entries().some((entry) => entry.id === id && entry.erasing);

  /** The status of the server's answer; `undefined` where none came. */
  async function request(id: ConversationId): Promise<number | undefined> {
    const own = new AbortController();
    const cancelTimer = clock.after(ANSWER_MS, () => own.abort());
    try {
      const response = await platform.fetch(`/api/conversations/${encodeURIComponent(id)}`, {
        method: "DELETE",
        signal: AbortSignal.any([signal, own.signal]),
      });
      await response.body?.cancel();
      return response.status;
    } catch {
      return undefined; // no network is no answer
    } finally {
      cancelTimer();
    }
  }

  /** Whether edits of it are yet to reach the server, which may not know it before. */
  async function isOnItsWay(id: ConversationId): Promise<boolean> {
    if (documents.find(id)?.pending() === true) return true;
    const unsent = await store.outbox();
    return !unsent.ok || unsent.value.rows.has(id);
  }

  /** A deletion that is still on its way is answered 409, and so is what was restored, which the feed tells soon. */
  async function isDone(id: ConversationId): Promise<boolean> {
    const status = await request(id);
    if (status === undefined) return false;
    return (status >= 200 && status < 300) || (status === 404 && !(await isOnItsWay(id)));
  }

  const pause = (id: ConversationId, ms: number): Promise<void> =>
    new Promise((resolve) => {
      const cancelTimer = clock.after(ms, resolve);
      waiting.set(id, () => {
        cancelTimer();
        resolve();
      });
    });

  async function untilErased(id: ConversationId): Promise<void> {
    for (let failures = 0; isWanted(id); failures++) {
      const done = await isDone(id);
      // What was restored meanwhile is no longer to go: what the feed tells of it keeps what the server never had.
      if (!isWanted(id)) break;
      if (done) {
        await library.forget(id, "if erasing");
        break;
      }
      await pause(id, backoffMs(failures, RETRY_BASE_MS, RETRY_CAP_MS, platform.random()));
    }
    waiting.delete(id);
  }

  function takeUp(): void {
    if (signal.aborted) return;
    for (const { id, erasing } of library.entries()) {
      if (!erasing || waiting.has(id) || waiting.size >= AT_ONCE) continue;
      waiting.set(id, () => undefined);
      void untilErased(id);
    }
  }

  const resume = (): void => {
    for (const goOn of waiting.values()) goOn();
    takeUp();
  };
  const stops = [library.subscribe(takeUp), platform.connectivity.onWake(resume)];
  signal.addEventListener(
    "abort",
    () => {
      for (const stop of stops) stop();
      resume();
    },
    { once: true },
  );
  takeUp();
}
