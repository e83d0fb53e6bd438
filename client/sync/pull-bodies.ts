import * as Y from "yjs";
import type { LocalLibrary } from "#client/local-store/open-library.ts";
import type { Lacking } from "#client/local-store/library-state.ts";
import type { LocalStore, PulledBody } from "#client/local-store/local-store.ts";
import type { Platform } from "#client/platform/platform.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import { encodePull, parsePulled } from "#shared/protocol/bulk-sync.ts";
import type { Pulled, Wanted } from "#shared/protocol/bulk-sync.ts";
import { postBytes } from "./post-bytes.ts";

/** How many documents one request asks for: half of what it may, so that answers come soon on slow lines. */
const AT_ONCE = 100;
/** What the server could not give now is not asked for again so soon, in ms. */
const LATER_MS = 60_000;

/** What one round of pulling came to. */
export type PullRound =
  /** nothing is lacking, or nothing that can be had now */
  | "done"
  | "more"
  /** the server was not reached, or says to come back */
  | "failed";

/** Brings the text of documents that nobody has open to this device, so that all of it is there offline. */
export interface BodyPuller {
  /** One request, where anything is lacking. */
  pull(signal: AbortSignal): Promise<PullRound>;
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

  const isWanted = ({ id, feedSeq }: Lacking): boolean =>
    !isOpen(id) && refused.get(id) !== feedSeq && (later.get(id) ?? -Infinity) <= platform.clock.now();

  async function wantedOf({ id, epoch, haveSeq }: Lacking): Promise<Wanted> {
    const stored = haveSeq > 0 ? await store.load(id) : undefined;
    const state = stored?.ok ? stored.value.state : undefined;
    return { id, epoch, haveSeq, stateVector: state && Y.encodeStateVectorFromUpdate(state) };
  }

  /** Stores what came; answers whether it could. */
  async function take(asked: readonly Lacking[], answers: readonly Pulled[]): Promise<boolean> {
    const bodies: PulledBody[] = [];
    for (const [index, one] of asked.entries()) {
      const answer = answers[index];
      if (answer?.type === "state") bodies.push(bodyOf(one, answer));
      // What is still less than the feed tells of, or not ours, is not asked for again until the feed tells more.
      if (answer === undefined || !isEnough(one, answer)) refused.set(one.id, one.feedSeq);
    }
    // As long as an answer brings anything, the rest only did not fit into it.
    if (bodies.length === 0) putOff(asked.filter((_, index) => answers[index]?.type === "later"));
    if (bodies.length === 0) return true;
    const stored = await store.takePulled(bodies);
    if (!stored.ok) return false;
    library.tookBodies(bodies);
    for (const id of stored.value) await store.compact(id, 0);
    return true;
  }

  function putOff(some: readonly Lacking[]): void {
    for (const { id } of some) later.set(id, platform.clock.now() + LATER_MS);
  }

  return {
    async pull(signal) {
      const asked = isSupported ? library.lacking().filter(isWanted).slice(0, AT_ONCE) : [];
      // A device that cannot store would ask for the same for ever.
      if (asked.length === 0 || store.health().type === "failing") return "done";
      const body = encodePull(await Promise.all(asked.map(wantedOf)));
      const answer = await postBytes(platform, "/api/sync/pull", body, signal);
      if (answer.type === "failed") return "failed";
      if (answer.type === "unsupported") isSupported = false;
      if (answer.type !== "bytes") return "done";
      const parsed = parsePulled(answer.bytes);
      if (!parsed.ok || parsed.value.length !== asked.length) return "failed";
      const taken = await take(asked, parsed.value);
      return taken && library.lacking().some(isWanted) ? "more" : "done";
    },
  };
}

const bodyOf = ({ id }: Lacking, { epoch, headSeq, update }: Extract<Pulled, { type: "state" }>): PulledBody => ({
  id,
  epoch,
  seq: headSeq,
  update,
});

/** Whether asking again could bring anything, or nothing is lacking any more. A log may be shorter than it was: a backup. */
function isEnough({ epoch, haveSeq }: Lacking, answer: Pulled): boolean {
  if (answer.type === "later") return true;
  return answer.type === "state" && answer.epoch === epoch && answer.headSeq > haveSeq;
}
