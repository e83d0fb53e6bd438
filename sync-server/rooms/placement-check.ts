import * as Y from "yjs";

/** How many neighbours and dependencies one update may make us look at; honest ones need few beyond their own. */
const MOST_STEPS = 2_000_000;

/** An item stands where nobody could have put it, or finding that out takes too long. */
export class ImpossiblePlace extends Error {}

type Id = Pick<Y.ID, "client" | "clock">;

/** How much of each client's structs somebody must have seen: the clock after the last one. */
type Seen = Map<number, number>;

/**
 * Checks the items that came since `before` (clocks by clientID), after Yjs integrated them. Yjs puts an item between its `origin` and
 * its `rightOrigin`, and all copies agree on where only if these two were neighbours for its author (YATA;
 * Nicolaescu et al., "Near Real-Time Peer-to-Peer Shared Editing on Extensible Data Types", 2016). An author saw at
 * least what the item, its neighbours and its own earlier items depend on: where anything of that stands
 * between the two, no author ever wrote this, and the order of arrival would decide what each copy shows.
 * Throws `ImpossiblePlace`.
 */
export function checkPlacement(doc: Y.Doc, before: ReadonlyMap<number, number>): void {
  let steps = 0;
  const step = (): void => {
    steps += 1;
    if (steps > MOST_STEPS) throw new ImpossiblePlace("Too many neighbours");
  };
  for (const [client, structs] of doc.store.clients) {
    const known = before.get(client) ?? 0;
    const last = structs.at(-1);
    if (last === undefined || last.id.clock + last.length <= known) continue;
    const seen: Seen = new Map();
    for (let at = Y.findIndexSS(structs, known); at < structs.length; at++) {
      const struct = structs[at];
      if (struct instanceof Y.Item) checkItem(doc, struct, seen, step);
    }
  }
}

/** @param seen what the author had seen so far; grows */
function checkItem(doc: Y.Doc, item: Y.Item, seen: Seen, step: () => void): void {
  const others = [...between(item, "left", step), ...between(item, "right", step)];
  if (others.length === 0) return;
  const { client, clock } = item.id;
  see(doc, seen, [{ client, clock: clock - 1 }, item.origin, item.rightOrigin], step);
  for (const other of others) {
    if (other.clock < (seen.get(other.client) ?? 0)) throw new ImpossiblePlace("Nobody could write here");
  }
}

/**
 * Where what stands between an item and the neighbour its author saw on that side begins. Stops at a later item of
 * the same author that names the same neighbour: what lies beyond is its to answer for, as its author had seen more.
 */
function between(item: Y.Item, side: "left" | "right", step: () => void): Id[] {
  const found: Id[] = [];
  const goal = side === "left" ? item.origin : item.rightOrigin;
  for (let other = item[side]; other !== null; other = other[side]) {
    step();
    if (goal !== null && contains(other, goal)) return [...found, ...restOf(other, goal, side)];
    const theirs = side === "left" ? other.origin : other.rightOrigin;
    const isLater = other.id.client === item.id.client && other.id.clock > item.id.clock;
    if (isLater && Y.compareIDs(theirs, goal)) return found;
    found.push(other.id);
  }
  // At the end of the list without having met the neighbour: it stands on the other side.
  if (goal !== null) throw new ImpossiblePlace("The neighbours stand the wrong way round");
  return found;
}

const contains = ({ id, length }: Y.Item, { client, clock }: Id): boolean =>
  id.client === client && id.clock <= clock && clock < id.clock + length;

/** Yjs joins items that follow each other, so the neighbour may be in the middle of one. */
function restOf({ id, length }: Y.Item, { client, clock }: Id, side: "left" | "right"): Id[] {
  if (side === "right") return clock === id.clock ? [] : [id];
  return clock === id.clock + length - 1 ? [] : [{ client, clock: clock + 1 }];
}

/** The clock after the last struct of each client. */
export const clocksOf = (doc: Y.Doc): Map<number, number> =>
  new Map([...doc.store.clients.keys()].map((client) => [client, Y.getState(doc.store, client)]));

/** Adds structs, everything their authors wrote before them, and what all of that refers to. */
function see(doc: Y.Doc, seen: Seen, ids: readonly (Id | null)[], step: () => void): void {
  const waiting = ids.filter((id) => id !== null);
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { client, clock } = next;
    const from = seen.get(client) ?? 0;
    const structs = doc.store.clients.get(client);
    if (clock < from || structs === undefined) continue;
    seen.set(client, clock + 1);
    for (let at = Y.findIndexSS(structs, from); at < structs.length; at++) {
      const struct = structs[at];
      if (struct === undefined || struct.id.clock > clock) break;
      step();
      if (struct instanceof Y.Item) waiting.push(...dependenciesOf(struct));
    }
  }
}

function dependenciesOf({ origin, rightOrigin, parent }: Y.Item): Id[] {
  // oxlint-disable-next-line no-underscore-dangle -- Yjs names the item a type is the content of nowhere else
  const container = parent instanceof Y.AbstractType ? (parent._item?.id ?? null) : null;
  return [origin, rightOrigin, container].filter((id) => id !== null);
}
