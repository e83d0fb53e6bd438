import * as Y from "yjs";
import type { LocalLibrary } from "#client/local-store/open-library.ts";
import type { Lacking } from "#client/local-store/library-state.ts";
import type { LocalStore, PulledBody } from "#client/local-store/local-store.ts";
import type { Platform } from "#client/platform/platform.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import { encodePull, parsePulled } from "#shared/protocol/bulk-sync.ts";
import type { Pulled, Wanted } from "#shared/protocol/bulk-sync.ts";
import { postBytes } from "./post-bytes.ts";
import type { BytesAnswer } from "./post-bytes.ts";

/** How many documents one request asks for at most: half of what it may. */
const AT_ONCE = 100;
/** What the server could not give now, and this device not store, is not asked for again so soon, in ms. */
const LATER_MS = 60_000;
const FULL_MS = 15 * 60_000;

/** What one round of pulling came to. */
export type PullRound =
  /** nothing is lacking, or nothing that can be had now */
  | "done"
  | "more"
  /** the server was not reached, or says to come back */
  | "failed";

/** Brings the text of documents that nobody has open to this device, so that all of it is there offline. */
export interface BodyPuller {
  /**
   * One request, where anything is lacking.
   * @param told whether what the feed told before could be stored: without the summary of a text it is not stored either,
   *   so the text is asked for meanwhile, and waits
   */
  pull(signal: AbortSignal, told?: Promise<boolean>): Promise<PullRound>;
}

export function createBodyPuller(
  platform: Pick<Platform, "fetch" | "clock">,
  store: LocalStore,
  library: LocalLibrary,
  /** whether this tab has it open, and so live */
  isOpen: (id: ConversationId) => boolean,
): BodyPuller {
  /** what the server did not give away, with its place in the feed then */
  const refused = new Map<ConversationId, number>();
  /** when to ask again for what could not be had */
  const later = new Map<ConversationId, number>();
  let isSupported = true;
  /** halved by each request that did not get through: on a slow line less comes in time */
  let atOnce = AT_ONCE;
  let notBefore = -Infinity;

  const isWanted = ({ id, feedSeq }: Lacking): boolean =>
    !isOpen(id) && refused.get(id) !== feedSeq && (later.get(id) ?? -Infinity) <= platform.clock.now();

  async function wantedOf({ id, epoch, haveSeq }: Lacking): Promise<Wanted> {
    const stored = haveSeq > 0 ? await store.load(id) : undefined;
    const state = stored?.ok ? stored.value.state : undefined;
    return { id, epoch, haveSeq, stateVector: state && Y.encodeStateVectorFromUpdate(state) };
  }

  /** Stores what came; answers whether it could. */
  async function take(
    asked: readonly Lacking[],
    answers: readonly Pulled[],
    wholes: ReadonlySet<ConversationId>,
  ): Promise<boolean> {
    const bodies: PulledBody[] = [];
    for (const [index, one] of asked.entries()) {
      const answer = answers[index];
      if (answer?.type === "state") bodies.push(bodyOf(one, answer, wholes.has(one.id)));
      // What is still less than the feed tells of, or not ours, is not asked for again until the feed tells more.
      if (answer === undefined || !isEnough(one, answer)) refused.set(one.id, one.feedSeq);
    }
    // As long as an answer brings anything, the rest only did not fit into it.
    if (bodies.length === 0) putOff(asked.filter((_, index) => answers[index]?.type === "later"));
    if (bodies.length === 0) return true;
    const stored = await store.takePulled(bodies);
    if (!stored.ok) {
      // There may be room for a cursor where there is none for a text.
      notBefore = platform.clock.now() + FULL_MS;
      return false;
    }
    const taken = new Set(stored.value.taken);
    library.tookBodies(bodies.filter(({ id }) => taken.has(id)));
    putOff(asked.filter((one, index) => answers[index]?.type === "state" && !taken.has(one.id)));
    for (const id of stored.value.long) await store.compact(id, 0);
    return true;
  }

  function noteLine(answer: BytesAnswer): void {
    if (answer.type !== "failed") atOnce = Math.min(AT_ONCE, atOnce * 2);
    else if (!answer.reached) atOnce = Math.max(1, Math.floor(atOnce / 2));
  }

  function putOff(some: readonly Lacking[]): void {
    for (const { id } of some) later.set(id, platform.clock.now() + LATER_MS);
  }

  async function ask(some: readonly Lacking[], signal: AbortSignal): Promise<Asked> {
    const wanted = await Promise.all(some.map(wantedOf));
    const wholes = new Set(some.flatMap(({ id }, at) => (wanted[at]?.stateVector === undefined ? [id] : [])));
    return { asked: some, wholes, answer: await postBytes(platform, "/api/sync/pull", encodePull(wanted), signal) };
  }

  /** Asks for what is lacking besides what is on its way, where there is any and it could be stored. */
  function askForMore(underWay: readonly Lacking[], signal: AbortSignal): Promise<Asked> | undefined {
    // A device that cannot store would ask for the same for ever.
    const mayStore = store.health().type === "ok" && platform.clock.now() >= notBefore;
    const here = new Set(underWay.map(({ id }) => id));
    const some = isSupported && mayStore ? library.lacking().filter((one) => isWanted(one) && !here.has(one.id)) : [];
    return some.length > 0 ? ask(some.slice(0, atOnce), signal) : undefined;
  }

  /** the next request, made while what the one before brought is stored */
  let ahead: Promise<Asked> | undefined;

  /** Of the request made ahead, unless that failed a while ago, which says nothing about now; else of a new one. */
  async function nextAnswer(signal: AbortSignal): Promise<Asked | undefined> {
    const early = await ahead;
    ahead = undefined;
    return early && early.answer.type !== "failed" ? early : await askForMore([], signal);
  }

  async function takeAnswer({ asked, wholes, answer }: Asked, signal: AbortSignal): Promise<PullRound> {
    noteLine(answer);
    if (answer.type === "failed") return "failed";
    if (answer.type === "unsupported") isSupported = false;
    if (answer.type !== "bytes") return "done";
    const parsed = parsePulled(answer.bytes);
    if (!parsed.ok || parsed.value.length !== asked.length) return "failed";
    ahead = askForMore(asked, signal);
    if (await take(asked, parsed.value, wholes)) return ahead || library.lacking().some(isWanted) ? "more" : "done";
    ahead = undefined;
    return "done";
  }

  return {
    async pull(signal, told) {
      const early = await nextAnswer(signal);
      if ((await told) === false) {
        // A disk that is nearly full may take the next small thing, and fail at the next feed.
        if (store.health().type !== "ok") notBefore = platform.clock.now() + LATER_MS;
        return "done";
      }
      // A page that tells of erased chats is not known here before it is about to be stored.
      const next = early ?? (await nextAnswer(signal));
      return next ? await takeAnswer(next, signal) : "done";
    },
  };
}

/** One request, and what came of it. */
interface Asked {
  asked: readonly Lacking[];
  /** of which of them all was asked for */
  wholes: ReadonlySet<ConversationId>;
  answer: BytesAnswer;
}

const bodyOf = (
  lacking: Lacking,
  { epoch, headSeq, update }: Extract<Pulled, { type: "state" }>,
  whole: boolean,
): PulledBody => ({
  id: lacking.id,
  epoch,
  seq: headSeq,
  update,
  // What a peer has of another history says nothing about this one.
  whole: whole || epoch !== lacking.epoch,
});

/** Whether asking again could bring anything, or nothing is lacking any more. A log may be shorter than it was: a backup. */
function isEnough({ epoch, haveSeq }: Lacking, answer: Pulled): boolean {
  if (answer.type === "later") return true;
  return answer.type === "state" && answer.epoch === epoch && answer.headSeq > haveSeq;
}
