import type { LocalLibrary } from "#client/local-store/open-library.ts";
import type { Platform } from "#client/platform/platform.ts";
import type { BodyPuller } from "./pull-bodies.ts";
import { ANSWER_MS, WAKE_ANSWER_MS } from "./engine-state.ts";
import { readFeedPage } from "./feed-page.ts";
import type { FeedPage } from "./feed-page.ts";
import { firstFeedState, nextFeed } from "./feed-state.ts";
import type { FeedEvent } from "./feed-state.ts";

/** What reading the feed tells of the server. */
export interface FeedHost {
  contact(): void;
  failure(): void;
  /** the server knew who we are */
  sessionWorks(): void;
}

export interface FeedReader {
  /** Something may have changed on the server: look soon. */
  hint(): void;
}

/**
 * Reads the feed into the library: at start, on wake, after hints, and regularly while the page is visible. Once it is
 * read to its end, the text of documents that it tells more of than is here is pulled, a round between two looks.
 */
export function openFeed(
  platform: Pick<Platform, "clock" | "random" | "fetch" | "connectivity" | "visibility">,
  library: LocalLibrary,
  bodies: BodyPuller,
  host: FeedHost,
  signal: AbortSignal,
): FeedReader {
  const { clock, connectivity, visibility } = platform;
  let state = firstFeedState(clock.now());
  let cancelTimer: (() => void) | undefined;

  function handle(event: FeedEvent): void {
    if (signal.aborted) return;
    const before = state;
    state = nextFeed(clock.now(), state, event);
    cancelTimer?.();
    if (state.status === "waiting") {
      cancelTimer = clock.after(Math.max(0, state.at - clock.now()), onTimer);
    } else if (before.status !== "reading" || event.type === "read") void read();
  }

  function onTimer(): void {
    // Hidden pages do not ask; becoming visible is a wake-up.
    if (visibility.visible()) handle({ type: "due" });
  }

  async function read(): Promise<void> {
    await library.ready;
    const from = library.cursor();
    const feed = await request(from);
    if (signal.aborted) return;
    if (feed === undefined) return handle({ type: "failed", random: platform.random() });
    // "More" without getting further would go round for ever.
    const more = feed.more && feed.cursor > library.cursor();
    const told = library.takeFeed({ from, to: feed.cursor }, feed.entries);
    if (more) {
      await told;
      return handle({ type: "read", more });
    }
    const round = await bodies.pull(signal, told);
    if (round === "failed") return handle({ type: "failed", random: platform.random() });
    handle({ type: "read", more: round === "more" });
  }

  /** A request on a connection that died in silence would be waited for for ever: it may take only so long. */
  let giveUpWithin: ((ms: number) => void) | undefined;

  async function request(from: number): Promise<FeedPage | undefined> {
    const own = new AbortController();
    let stopTimer: (() => void) | undefined;
    giveUpWithin = (ms) => {
      stopTimer?.();
      stopTimer = clock.after(ms, () => own.abort());
    };
    try {
      giveUpWithin(ANSWER_MS);
      const within = AbortSignal.any([signal, own.signal]);
      return await readFeedPage(platform.fetch, from, within, (isOk) => {
        host.contact();
        if (isOk) host.sessionWorks();
      });
    } catch {
      // No network, or an answer cut short: both are "later".
      if (!signal.aborted) host.failure();
      return undefined;
    } finally {
      stopTimer?.();
      giveUpWithin = undefined;
    }
  }

  const stopWaking = connectivity.onWake(() => {
    giveUpWithin?.(WAKE_ANSWER_MS);
    handle({ type: "wake" });
  });
  signal.addEventListener(
    "abort",
    () => {
      stopWaking();
      cancelTimer?.();
    },
    { once: true },
  );
  handle({ type: "due" });
  return { hint: () => handle({ type: "hint" }) };
}
