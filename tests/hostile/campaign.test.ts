import { expect, test } from "vitest";
import * as Y from "yjs";
import { createSeededRandom, hostileSeed } from "#tests/support/seeded-random.ts";
import { VICTIM, difference, openAttackedRoom, textOf } from "./attacked-room.ts";
import type { AttackedRoom } from "./attacked-room.ts";
import type { SeededRandom } from "#tests/support/seeded-random.ts";
import { base64, describeHarm, harmOf } from "./harm.ts";
import type { Before } from "./harm.ts";
import { createHostileUpdates } from "./hostile-updates.ts";

const SEED = hostileSeed();
const UPDATES = Number(process.env["HOSTILE"] ?? 1_500);
/** Seeds that once found something, and how many updates they needed for it. */
const KNOWN_SEEDS: readonly (readonly [seed: number, updates: number])[] = [
  [3_096_625_464, 200],
  [30_003, 200],
];
/** Processor time one of these updates may cost the room, in ms: they are small, so it is mostly a slow machine's. */
const WORST_MS = 500;
const RSS_GROWTH_MB = 250;
const MB = 1024 * 1024;
const ATTACKER = "account:attacker";
const READER = "account:reader";
const OWN = [3_000_000_003, 3_500_000_035];

const beforeNow = (room: AttackedRoom): Before => ({
  state: Y.encodeStateAsUpdate(room.victim.doc),
  bindings: new Map([
    [VICTIM, "account:victim"],
    [VICTIM - 1, "account:victim"],
    ...OWN.map((client) => [client, ATTACKER] as const),
  ]),
  typed: room.victim.typed(),
});

/** Everything that must hold of the room and every copy of it; a description of what does not. */
async function violations(room: AttackedRoom): Promise<string[]> {
  const { victim } = room;
  const copies = Object.entries(await room.copies());
  return [
    ...(victim.state.closed === undefined ? [] : [`the victim was closed ${victim.state.closed}`]),
    ...room.notices.filter((what) => what.includes("could not be")),
    ...(victim.state.nacked === 0 ? [] : ["an edit of the victim was not taken"]),
    ...copies.flatMap(([name, doc]) => {
      const differs = difference(victim.doc, doc);
      return differs === undefined ? [] : [`${name}: ${differs}`];
    }),
    ...copies.flatMap(([name, doc]) =>
      textOf(doc, VICTIM) === victim.typed() ? [] : [`${name}: the victim's words are not what was typed`],
    ),
  ];
}

/** How often each verdict fell, in all and by the making of the update. */
function createCounts() {
  const counts: Record<string, number> = {};
  return {
    counts,
    of: (what: string): number => counts[what] ?? 0,
    add(...whats: string[]): void {
      for (const what of whats) counts[what] = (counts[what] ?? 0) + 1;
    },
  };
}

interface Campaign {
  counts: ReturnType<typeof createCounts>;
  worst: number;
  /** how many characters of the victim are whole */
  typed: number;
}

/** Sends hostile updates, one after the other, while the victim types; looks at every copy after each 50. */
async function attackAll(room: AttackedRoom, random: SeededRandom, updates: number): Promise<Campaign> {
  const replay = `SEED=${random.seed} HOSTILE=${updates} npx vitest run tests/hostile/campaign`;
  const known = { own: OWN, foreign: [VICTIM], texts: [VICTIM], clocks: room.clocks };
  const hostile = createHostileUpdates(random, known, room.victim.doc);
  const counts = createCounts();
  const peers = { attacker: room.enter(ATTACKER), reader: room.enter(READER, false) };
  let worst = 0;
  let [before, suspects] = [beforeNow(room), [] as Uint8Array[]];

  async function attackOnce(i: number): Promise<void> {
    if (peers.attacker.state.closed !== undefined) peers.attacker = room.enter(ATTACKER);
    if (peers.reader.state.closed !== undefined) peers.reader = room.enter(READER, false);
    const { origin, update } = hostile.next();
    const from = random.below(20) === 0 ? peers.reader : peers.attacker;
    const { verdict, ms } = await room.attack(from, update, random.below(5) === 0 ? `w${i} ` : undefined);
    const here = `update ${i} (${origin}) ${base64(update)}; ${replay}`;
    if (from === peers.reader) expect(verdict, here).toBe("denied");
    if (verdict === "broken") expect(harmOf(beforeNow(room), ATTACKER, update), `R14: ${here}`).toBeUndefined();
    expect(ms, here).toBeLessThan(WORST_MS);
    worst = Math.max(worst, ms);
    counts.add(`${origin} ${verdict}`, verdict);
    if (verdict === "taken" || verdict === "unchanged") suspects.push(update);
  }

  for (let i = 0; i < updates; i++) {
    await attackOnce(i);
    if (i % 100 === 99) room.tick();
    if (i % 50 !== 49 && i !== updates - 1) continue;
    const found = await violations(room);
    if (found.length > 0)
      expect.fail(`${found.join("; ")}\n${describeHarm(before, ATTACKER, suspects)}\nreplay: ${replay}`);
    [before, suspects] = [beforeNow(room), []];
  }
  return { counts, worst, typed: room.victim.typed().length };
}

async function playCampaign(seed: number, updates: number): Promise<Campaign> {
  const random = createSeededRandom(seed);
  const room = await openAttackedRoom(random);
  try {
    return await attackAll(room, random, updates);
  } finally {
    await room.close();
  }
}

test(
  `O2, O3, O4, L4: ${UPDATES} hostile updates leave the victim's words, every copy equal and nothing pending (seed ${SEED})`,
  { timeout: 60_000 + UPDATES * 100 },
  async () => {
    const rss = process.memoryUsage().rss;
    const { counts, worst, typed } = await playCampaign(SEED, UPDATES);
    const grown = Math.round((process.memoryUsage().rss - rss) / MB);
    process.stdout.write(
      `hostile updates, seed ${SEED}: ${JSON.stringify(counts.counts)}; worst ${worst.toFixed(1)} ms of processor time, ` +
        `RSS +${grown} MB, ${typed} characters of the victim whole\n`,
    );
    expect(grown).toBeLessThan(RSS_GROWTH_MB);
    // A campaign that was refused for one and the same reason would have shown little.
    for (const verdict of ["taken", "unchanged", "gap", "denied", "invalid", "broken"])
      expect(counts.of(verdict), verdict).toBeGreaterThan(UPDATES / 200);
  },
);

test.each(KNOWN_SEEDS)(
  "O2, O3, L4: what seed %i once found in %i updates stays mended",
  { timeout: 60_000 },
  async (seed, updates) => {
    expect((await playCampaign(seed, updates)).counts.of("taken")).toBeGreaterThan(0);
  },
);
