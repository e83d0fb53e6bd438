import { setTimeout as sleep } from "node:timers/promises";
import { cpuMsOf, median, percentile, rssMbOf } from "./process-figures.ts";
import type { Load, Seen } from "./relay-load.ts";
import type { Parties } from "./relay-parties.ts";

/** A load that all ways are put under. */
export interface Row {
  name: string;
  slots: number;
  tokens: number;
  everyMs: number;
  /** answers of each slot, one after the other */
  runs: number;
}

export const WAYS = ["direct", "pipe", "relay"] as const;
export type Way = (typeof WAYS)[number];

/** One way under one load, once. */
export interface Figures extends Seen {
  /** of the process in the middle, all threads; µs for each token */
  cpuUs: number;
  rssMb: number;
}

const RSS_EVERY_MS = 200;
/** The first calls of a process compile it, and open its chats; nobody meets that twice. */
const WARM = { tokens: 20, everyMs: 1, runs: 2, spreadMs: 500 };
/** What a server does some time after its start, such as loading the tokenizer, is over then. */
const SETTLE_MS = 1500;

/** Watches the process in the middle while work is done. */
async function watched(pid: number | undefined, work: () => Promise<Seen>): Promise<Figures> {
  if (pid === undefined) return { ...(await work()), cpuUs: Number.NaN, rssMb: Number.NaN };
  let rssMb = rssMbOf(pid);
  const looking = setInterval(() => (rssMb = Math.max(rssMb, rssMbOf(pid))), RSS_EVERY_MS);
  const cpuBefore = cpuMsOf(pid);
  const seen = await work();
  clearInterval(looking);
  return { ...seen, cpuUs: ((cpuMsOf(pid) - cpuBefore) * 1000) / seen.tokens, rssMb };
}

/** Puts each way under a load once, each on processes that have just begun. */
export async function measureRow(parties: Parties, row: Row, ways: readonly Way[]): Promise<Map<Way, Figures>> {
  const { slots, tokens, everyMs, runs } = row;
  const figures = new Map<Way, Figures>();
  for (const way of ways) {
    const pipe = way === "pipe" ? await parties.openPipe() : undefined;
    if (way === "relay") await parties.restart();
    const [url, pid] =
      way === "relay" ? [parties.server.url, parties.server.pid()] : [pipe?.url ?? parties.provider.url, pipe?.pid];
    const relay = way === "relay" ? parties.relay : undefined;
    // Spread over one answer, so that beginnings and ends are as even as they are among people.
    const load: Load = { url, relay, slots, runs, tokens, everyMs, spreadMs: tokens * everyMs };
    await parties.people.play({ ...load, ...WARM, slots: Math.max(slots, 100) });
    await sleep(SETTLE_MS);
    process.stderr.write(`${row.name}: ${way}\n`);
    figures.set(way, await watched(pid, () => parties.people.play(load)));
    pipe?.close();
  }
  return figures;
}

const of = (turns: readonly Figures[], pick: (figures: Figures) => number): number => median(turns.map(pick));
const firstAt =
  (share: number) =>
  ({ firstMs }: Figures) =>
    percentile(firstMs, share);
const cell = (value: number, digits = 0): string =>
  Number.isNaN(value)
    ? "–"
    : value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });

export const HEAD = [
  "| Load | way | TTFT p50 / p95, ms | added | CPU, µs/token | tokens/s | RSS, MB | bytes/token | short |",
  "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
];

/** The lines of one load: medians over the turns, but for short streams, which are summed. */
export function linesOf(row: Row, turns: readonly Map<Way, Figures>[]): string[] {
  const taken = (way: Way): Figures[] => turns.flatMap((turn) => turn.get(way) ?? []);
  const direct = [0.5, 0.95].map((share) => of(taken("direct"), firstAt(share)));
  return WAYS.filter((way) => taken(way).length > 0).map((way) => {
    const mine = taken(way);
    const first = [0.5, 0.95].map((share) => of(mine, firstAt(share)));
    const added = first.map((ms, index) => ms - (direct[index] ?? Number.NaN));
    const cells = [
      first.map((ms) => cell(ms, 1)).join(" / "),
      way === "direct" ? "" : added.map((ms) => cell(ms, 1)).join(" / "),
      cell(
        of(mine, ({ cpuUs }) => cpuUs),
        1,
      ),
      cell(of(mine, ({ tokens, elapsedMs }) => (tokens / elapsedMs) * 1000)),
      cell(of(mine, ({ rssMb }) => rssMb)),
      cell(of(mine, ({ bytes, tokens }) => bytes / tokens)),
      cell(mine.reduce((sum, { short }) => sum + short, 0)),
    ];
    return `| ${row.name} | ${way} | ${cells.join(" | ")} |`;
  });
}
