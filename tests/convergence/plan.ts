import { createWorld } from "./world.ts";
import type { Chance } from "./world.ts";

/** What can go wrong, each to be switched off by itself when a failing seed is shrunk. */
export const FAULTS = [
  "cut",
  "half-open",
  "duplicate",
  "http",
  "stall",
  "down",
  "wake",
  "tab-kill",
  "server-kill",
  "disk",
  "quota",
  "abort",
  "force-close",
  "evict",
  "clock",
  "locks",
  "provider",
  "rot",
  "away",
  "stranger",
] as const;
export type Fault = (typeof FAULTS)[number];

/** What people do. */
export const DEEDS = ["edit", "look", "leave", "send", "follow", "stop", "take-back"] as const;
export type Deed = (typeof DEEDS)[number];

/** One thing that happens. Who is out of range, or gone by then, does nothing. */
export interface PlannedEvent {
  /** its place in the full plan */
  number: number;
  /** ms from the start */
  at: number;
  what: Deed | Fault;
  device: number;
  tab: number;
  document: number;
}

/** The whole course of a seed, as data: what is left to chance below draws from streams of its own. */
export interface Plan {
  seed: number;
  /** tabs of each device */
  devices: readonly number[];
  documents: number;
  /** simulated ms with faults, before everything heals */
  trouble: number;
  /** little gets through at once in a rough world, so that retries meet retries */
  rough: boolean;
  /** whether the pages wake up when all heals, or find out by themselves */
  wakes: boolean;
  off: ReadonlySet<Fault>;
  events: readonly PlannedEvent[];
}

/** What was taken out of a seed's plan. Written as the `PLAN` of a replay line. */
export interface Reduction {
  devices?: number;
  tabs?: number;
  documents?: number;
  trouble?: number;
  off: readonly Fault[];
  /** ranges of events that do not happen, [from, to) by their number in the full plan */
  without: readonly (readonly [from: number, to: number])[];
}

export const NOTHING_OUT: Reduction = { off: [], without: [] };

/** How often each thing happens: mean ms between two, for each device, or in the whole world. */
const RATES: Partial<Record<Deed | Fault, number>> = {
  edit: 1_600,
  look: 12_000,
  leave: 25_000,
  send: 15_000,
  follow: 15_000,
  stop: 60_000,
  down: 20_000,
  wake: 25_000,
  stall: 10_000,
  "tab-kill": 25_000,
  quota: 80_000,
  "force-close": 60_000,
  evict: 150_000,
  clock: 50_000,
  locks: 40_000,
  rot: 120_000,
};
const WORLD_RATES: Partial<Record<Fault, number>> = { "server-kill": 15_000, clock: 80_000, rot: 40_000 };

/** Come after all others in a plan, so that the plans which are known stay as they are. */
const LATER_RATES: Partial<Record<Deed | Fault, number>> = { "take-back": 15_000 };

/** The server, where an event names a device. */
export const SERVER = -1;

/** Derives the plan of a seed, and takes out what the reduction says. */
export function createPlan(seed: number, reduction: Reduction = NOTHING_OUT): Plan {
  const world = createWorld(seed);
  const chance = world.chance("plan");
  const rough = chance.is(0.4);
  const away = chance.is(0.01);
  const tabs = Array.from(
    { length: 2 + Math.floor(chance.next() ** 2 * 4) },
    () => 1 + Math.floor(chance.next() ** 2 * 3),
  );
  const documents = 1 + chance.below(3);
  const trouble = (away ? 45_000 : 10_000) + chance.below(15_000);
  const later = world.chance("plan, later");
  const events = [
    ...eventsOf(chance, tabs, trouble, away),
    ...[...tabs.keys()].flatMap((device) => eventsAt(LATER_RATES, device, later, tabs, trouble)),
  ].map((event, number) => ({ number, ...event }));
  const wakes = chance.is(0.5);
  return reduced({ seed, devices: tabs, documents, trouble, rough, wakes, off: new Set(), events }, reduction);
}

type Unnumbered = Omit<PlannedEvent, "number">;

function eventsOf(chance: Chance, tabs: readonly number[], trouble: number, away: boolean): Unnumbered[] {
  const events = [...tabs.keys()].flatMap((device) => eventsAt(RATES, device, chance, tabs, trouble));
  events.push(...eventsAt(WORLD_RATES, SERVER, chance, tabs, trouble));
  if (chance.is(0.3)) events.push({ at: trouble / 2, what: "stranger", device: SERVER, tab: 0, document: 0 });
  if (away) events.push({ at: trouble / 5, what: "away", device: 0, tab: 0, document: 0 });
  return events.toSorted((a, b) => a.at - b.at);
}

function eventsAt(
  rates: Partial<Record<Deed | Fault, number>>,
  device: number,
  chance: Chance,
  tabs: readonly number[],
  trouble: number,
): Unnumbered[] {
  const events: Unnumbered[] = [];
  for (const [what, mean] of Object.entries(rates))
    for (let at = gap(chance, mean); at < trouble; at += gap(chance, mean)) {
      const [tab, document] = [chance.below(tabs[device] ?? 1), chance.below(64)];
      events.push({ at, what: what as PlannedEvent["what"], device, tab, document });
    }
  return events;
}

/** Waiting times of a memoryless process. */
const gap = (chance: Chance, mean: number): number => Math.ceil(-Math.log(1 - chance.next()) * mean) + 1;

function reduced(plan: Plan, { devices, tabs, documents, trouble, off, without }: Reduction): Plan {
  const kept = plan.devices.slice(0, devices ?? plan.devices.length).map((count) => Math.min(count, tabs ?? count));
  const end = trouble ?? plan.trouble;
  const isOff = new Set(off);
  const events = plan.events.filter(
    ({ number, at, what, device }) =>
      at < end &&
      device < kept.length &&
      !(isOff as ReadonlySet<string>).has(what) &&
      !without.some(([from, to]) => number >= from && number < to),
  );
  return { ...plan, devices: kept, documents: documents ?? plan.documents, trouble: end, off: isOff, events };
}

/** Writes a reduction as one word: `d2,t1,o1,T9000,-cut,x0:40`. */
export function formatReduction({ devices, tabs, documents, trouble, off, without }: Reduction): string {
  const parts = [
    devices !== undefined && `d${devices}`,
    tabs !== undefined && `t${tabs}`,
    documents !== undefined && `o${documents}`,
    trouble !== undefined && `T${trouble}`,
    ...off.map((fault) => `-${fault}`),
    ...without.map(([from, to]) => `x${from}:${to}`),
  ];
  return parts.filter((part) => part !== false).join(",");
}

/** Reads what `formatReduction` writes; throws for anything else. */
export function parseReduction(text: string): Reduction {
  const reduction: { -readonly [K in keyof Reduction]: Reduction[K] } = { off: [], without: [] };
  for (const part of text.split(",").filter((one) => one !== "")) {
    const number = Number(part.slice(1));
    const range = /^x(\d+):(\d+)$/u.exec(part);
    if (range) reduction.without = [...reduction.without, [Number(range[1]), Number(range[2])]];
    else if (part.startsWith("-") && (FAULTS as readonly string[]).includes(part.slice(1)))
      reduction.off = [...reduction.off, part.slice(1) as Fault];
    else if (!Number.isInteger(number)) throw new Error(`PLAN does not know ${part}`);
    else if (part.startsWith("d")) reduction.devices = number;
    else if (part.startsWith("t")) reduction.tabs = number;
    else if (part.startsWith("o")) reduction.documents = number;
    else if (part.startsWith("T")) reduction.trouble = number;
    else throw new Error(`PLAN does not know ${part}`);
  }
  return reduction;
}
