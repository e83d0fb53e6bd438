import type { SeededRandom } from "#tests/support/seeded-random.ts";
import { content, encodeUpdate } from "./raw-updates.ts";
import type { RawContent, RawDeletes, RawId, RawSection, RawStruct } from "./raw-updates.ts";

/** What a hostile peer knows of the room it attacks. */
export interface KnownRoom {
  /** the clock after the last struct of each clientID */
  clocks(): ReadonlyMap<number, number>;
  /** clientIDs it may write under */
  own: readonly number[];
  /** clientIDs of somebody else, under which it may not write */
  foreign: readonly number[];
  /** those of them that only wrote text, beside which it may write without replacing anything */
  texts: readonly number[];
}

/** How often a choice is an illegal one; most updates then carry one or two of them. */
const ILLEGAL = 0.07;
const ROOTS = ["meta", "settings", "messages"];
const BAD_ROOTS = ["library", "", "__proto__", "constructor", "comments", "x".repeat(300)];
const ABSURD = [0, 2 ** 24, 2 ** 24 + 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 53 - 1];

const lengthOf = (struct: RawStruct): number => (struct.kind === "item" ? struct.content.length : struct.length);

/**
 * Makes updates of format V1 along its grammar: each choice (length, clock, origin, parent, key, content, deleted
 * range) is a legal one most of the time and an illegal one now and then. Never deletes what others wrote, which
 * anybody who may write may do.
 */
export function createUpdateGrammar(random: SeededRandom, room: KnownRoom) {
  const { below, next } = random;
  const pick = <T>(items: readonly T[]): T => items[below(items.length)] as T;
  const illegal = (): boolean => next() < ILLEGAL;
  const clockOf = (client: number): number => room.clocks().get(client) ?? 0;

  function knownId(extra: RawId | undefined): RawId | undefined {
    const written = [...room.own, ...room.texts].filter((client) => clockOf(client) > 0);
    if (extra && (written.length === 0 || below(3) > 0)) return { client: extra.client, clock: below(extra.clock) };
    if (written.length === 0) return undefined;
    const client = pick(written);
    return { client, clock: below(clockOf(client)) };
  }

  function badId(self: RawId): RawId {
    const client = pick([...room.own, ...room.foreign, self.client, below(2 ** 32)]);
    return pick([
      { client, clock: clockOf(client) + below(50) },
      { client: self.client, clock: self.clock + below(3) },
      { client, clock: pick(ABSURD) },
      { client: pick(ABSURD), clock: below(3) },
    ]);
  }

  const value = (depth: number): unknown => {
    if (illegal())
      return pick([deep(below(40)), { ["__proto__"]: { isAdmin: true } }, undefined, Number.NaN, 2n ** 62n]);
    if (depth > 3) return below(100);
    return pick<() => unknown>([
      () => below(2 ** 31),
      () => "v".repeat(below(20)),
      () => null,
      () => next() > 0.5,
      () => ({ a: value(depth + 1), b: [value(depth + 1)] }),
    ])();
  };
  const deep = (depth: number): unknown => (depth === 0 ? 1 : { in: [deep(depth - 1)] });

  function badContent(): RawContent {
    return pick<() => RawContent>([
      () => content.document("guid"),
      () => content.type(3 + below(4)),
      () => content.type(7 + below(100)),
      () => content.embed('{"a":1}'),
      () => content.embed("{"),
      () => content.format("bold", "true"),
      () => content.json("1", "{}"),
      () => content.json("{"),
      () => content.unknown(11 + below(20)),
      () => content.deleted(pick(ABSURD)),
      () => content.string(""),
      () => content.any(),
    ])();
  }

  function someContent(inText: boolean): RawContent {
    if (illegal()) return badContent();
    if (inText)
      return pick([
        content.string(pick(["a", "hostile ", "\ud83c\udf89", "z".repeat(below(200) + 1)])),
        content.deleted(1 + below(9)),
      ]);
    return pick<() => RawContent>([
      () => content.any(value(0)),
      () => content.type(below(3)),
      () => content.binary(random.bytes(below(20))),
      () => content.deleted(1),
      () => content.string("s"),
      () => content.string("several"),
    ])();
  }

  function item(self: RawId, before: RawId | undefined): RawStruct {
    const inText = below(2) === 0;
    const parent = inText ? "draft" : pick(ROOTS);
    const base = { kind: "item" as const, parent, content: someContent(inText) };
    if (illegal()) return { ...base, parent: pick([...BAD_ROOTS, ...ROOTS, badId(self), knownId(before) ?? "draft"]) };
    if (illegal()) return { ...base, parentSub: pick(["__proto__", "", "k", "constructor"]) };
    if (illegal()) return { ...base, origin: badId(self) };
    if (illegal()) return { ...base, rightOrigin: badId(self) };
    if (!inText) return { ...base, parentSub: `k${below(12)}` };
    const origin = knownId(before);
    const rightOrigin = below(3) === 0 ? knownId(before) : undefined;
    return { ...base, ...(origin && below(4) > 0 && { origin }), ...(rightOrigin && { rightOrigin }) };
  }

  function structs(client: number, start: number): RawStruct[] {
    const made: RawStruct[] = [];
    let clock = start;
    for (let count = 1 + below(5); count > 0; count--) {
      const self = { client, clock };
      const struct: RawStruct = illegal()
        ? { kind: pick(["gc", "skip"]), length: below(2) ? pick(ABSURD) : 1 + below(20) }
        : item(self, clock > start ? { client, clock } : undefined);
      made.push(struct);
      clock += lengthOf(struct);
    }
    return made;
  }

  function section(): RawSection {
    const client = illegal() ? pick([...room.foreign, below(2 ** 32), ...ABSURD]) : pick(room.own);
    const known = clockOf(client);
    const clock = illegal() ? pick([known + 1 + below(5), Math.max(0, known - 1 - below(5)), ...ABSURD]) : known;
    const made = structs(client, clock);
    return { client, clock, structs: made, ...(illegal() && { claimed: pick([0, made.length + 1, ...ABSURD]) }) };
  }

  function deletes(): RawDeletes {
    const client = illegal() ? pick([...room.foreign, below(2 ** 32)]) : pick(room.own);
    const known = clockOf(client);
    const isOwn = room.own.includes(client);
    // What others wrote is left alone; ranges that only begin there reach into what nobody wrote yet.
    const clock = isOwn && known > 0 && !illegal() ? below(known) : known + 1_000 + below(50);
    const length = isOwn && !illegal() ? 1 + below(Math.max(1, known - clock)) : pick([...ABSURD, 1 + below(5)]);
    return { client, ranges: [{ clock, length }], ...(illegal() && { claimed: pick([0, 2, ...ABSURD]) }) };
  }

  /** @returns the bytes of one update */
  return function generate(): Uint8Array {
    const sections = Array.from({ length: below(20) === 0 ? 2 + below(4) : 1 }, section);
    return encodeUpdate({ sections, deletes: below(4) === 0 ? [deletes()] : [] });
  };
}
