import { openLibrary } from "#client/local-store/open-library.ts";
import { openLocalStore } from "#client/local-store/open-local-store.ts";
import { openTabs } from "#client/local-store/tab-messages.ts";
import { browserClock } from "#client/platform/browser-clock.ts";
import { readFeedPage } from "#client/sync/feed-page.ts";
import { createBodyPuller } from "#client/sync/pull-bodies.ts";

// The page that catch-up.bench.ts drives: what the app does at its start and when the network is back.

export interface CaughtUp {
  ms: number;
  requests: number;
  /** bytes of all answers, as they came */
  bytes: number;
  /** documents whose text is on this device now */
  here: number;
}

/** Reads the feed to its end and pulls all text that is lacking, into a database that a new page opens. */
async function catchUp(name: string): Promise<CaughtUp> {
  const life = new AbortController();
  let requests = 0;
  let bytes = 0;
  const counted: typeof fetch = async (input, init) => {
    requests += 1;
    const response = await fetch(input, init);
    bytes += Number(response.headers.get("content-length") ?? 0);
    return response;
  };
  const start = performance.now();
  const store = openLocalStore(name);
  const library = openLibrary(
    store,
    openTabs({ post: () => undefined, onMessage: () => () => undefined }, life.signal),
  );
  const bodies = createBodyPuller({ fetch: counted, clock: browserClock }, store, library, () => false);
  await library.ready;
  let told: Promise<boolean> | undefined;
  for (let more = true; more;) {
    const from = library.cursor();
    const feed = await readFeedPage(counted, from, life.signal);
    if (feed === undefined) throw new Error("no feed");
    told = library.takeFeed({ from, to: feed.cursor }, feed.entries);
    more = feed.more;
    if (more) await told;
  }
  for (let round = await bodies.pull(life.signal, told); round !== "done"; round = await bodies.pull(life.signal)) {
    if (round === "failed") throw new Error("a pull failed");
  }
  const ms = performance.now() - start;
  const stored = await store.library();
  const here = stored.ok ? stored.value.records.filter(({ have }) => have !== undefined).length : 0;
  store.close();
  return { ms, requests, bytes, here };
}

export const measurements = { catchUp };
Object.assign(globalThis, { measurements });
