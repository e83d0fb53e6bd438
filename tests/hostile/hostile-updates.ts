import * as Y from "yjs";
import { openConversation } from "#shared/documents/conversation.ts";
import type { MessageId } from "#shared/domain/ids.ts";
import { createUuidV7 } from "#shared/lib/uuid.ts";
import type { SeededRandom } from "#tests/support/seeded-random.ts";
import { createUpdateGrammar } from "./update-grammar.ts";
import type { KnownRoom } from "./update-grammar.ts";
import { asV2, cut, flip, splice } from "./update-mutation.ts";

/** How a hostile update came about; counts are printed by it. */
export type Origin = "grammar" | "honest" | "flipped" | "cut" | "spliced" | "replayed" | "early" | "v2";

/** How often each is chosen, of 100. */
const WEIGHTS: readonly [Origin, number][] = [
  ["grammar", 55],
  ["flipped", 18],
  ["replayed", 7],
  ["cut", 5],
  ["spliced", 5],
  ["early", 4],
  ["honest", 4],
  ["v2", 2],
];
/** A prompt nobody wrote: what hangs below it changes nothing of the victim's. */
const PARENT = "00000000-0000-7000-8000-000000000000" as MessageId;
/** So many sent updates are remembered, to be sent again or taken apart. */
const KEPT = 200;

/**
 * The updates of a hostile peer: made by the grammar, or out of honest ones by changing bytes, sending them
 * again, or sending what builds on an edit that never arrives.
 * @param seen a copy of the document as the peer sees it
 */
export function createHostileUpdates(random: SeededRandom, room: KnownRoom, seen: Y.Doc) {
  const { below } = random;
  const grammar = createUpdateGrammar(random, room);
  const kept: Uint8Array[] = [];
  // Only what deletes nobody's words but the peer's own is changed: one bit may turn a refused deletion into an honest
  // one, which anybody who may write may make.
  const honestOnes: Uint8Array[] = [];
  const pick = <T>(items: readonly T[]): T => items[below(items.length)] as T;

  function keep(update: Uint8Array, pool: Uint8Array[]): Uint8Array {
    if (pool.length < KEPT) pool.push(update);
    else pool[below(KEPT)] = update;
    return update;
  }

  /** What the app itself would send; with `missing`, after an edit nobody else has. */
  function honest(missing: boolean): Uint8Array {
    const doc = new Y.Doc();
    Y.applyUpdate(doc, Y.encodeStateAsUpdate(seen));
    doc.clientID = pick(room.own);
    if (missing) edit(doc);
    // What the edit emits names only its own deletions; all those of the document would, with a bit changed, be an
    // honest deletion of what the victim wrote.
    let update: Uint8Array = Y.encodeStateAsUpdate(new Y.Doc());
    doc.on("update", (emitted: Uint8Array) => (update = emitted));
    edit(doc);
    doc.destroy();
    return keep(keep(update, kept), honestOnes);
  }

  function edit(doc: Y.Doc): void {
    const conversation = openConversation(doc, "attacker");
    pick([
      () => conversation.setTag(`t${below(20)}`, below(2) === 0),
      () =>
        conversation.draft.insert(
          below(conversation.draft.length + 1),
          pick(["typed ", "\ud83c\udf0a", "x".repeat(below(99) + 1)]),
        ),
      () => conversation.setDraft(`draft ${below(1_000)}`),
      () => conversation.setParameter("temperature", below(20) / 10),
      () =>
        conversation.addPrompt({
          id: createUuidV7(below(2 ** 40), random.bytes) as MessageId,
          parentId: PARENT,
          text: "a prompt",
          createdAt: 1,
        }),
    ])();
    conversation.close();
  }

  function make(origin: Origin): Uint8Array {
    switch (origin) {
      case "grammar":
        return keep(grammar(), kept);
      case "honest":
        return honest(false);
      case "early":
        return honest(true);
      case "flipped":
        return flip(random, below(3) > 0 ? honest(false) : (pick(honestOnes) ?? honest(false)));
      case "cut":
        return cut(random, honest(false));
      case "spliced":
        return splice(random, honest(false), pick(honestOnes));
      case "replayed":
        return kept.length > 0 ? pick(kept) : honest(false);
      case "v2":
        return asV2(honest(false));
    }
  }

  return {
    next(): { origin: Origin; update: Uint8Array } {
      let rest = below(100);
      const [origin] = WEIGHTS.find(([, weight]) => (rest -= weight) < 0) ?? (["grammar"] as const);
      return { origin, update: make(origin) };
    },
  };
}
