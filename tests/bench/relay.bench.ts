import { cpus, loadavg } from "node:os";
import { openParties } from "./relay-parties.ts";
import { HEAD, WAYS, linesOf, measureRow } from "./relay-rows.ts";
import type { Figures, Row, Way } from "./relay-rows.ts";
import { measureStalled } from "./relay-stalled.ts";

// `npm run bench -- relay`: what the relay adds to calling a provider directly, and what a raw `node:http` pipe adds. All
// are processes of one machine and take turns. SECONDS is about how long a paced load lasts, TURNS how often each figure
// is taken (the median is printed), ONLY names loads (`one,hundred,crowd,flood,floods,overload,stalled`), WAYS the ways
// (`direct,pipe,relay`). About 12 minutes; SECONDS=4 TURNS=1 ONLY=one,hundred makes it one.
const SECONDS = Number(process.env["SECONDS"] ?? 8);
const TURNS = Number(process.env["TURNS"] ?? 3);
const ONLY = process.env["ONLY"]?.split(",");
const ways = WAYS.filter((way) => process.env["WAYS"]?.split(",").includes(way) ?? true);

/** Answers one after the other until the time is over, one at least. */
const paced = (name: string, slots: number, perSecond: number, tokens: number): Row => {
  const runs = Math.max(1, Math.round((SECONDS * perSecond) / tokens));
  return { name, slots, tokens, everyMs: 1000 / perSecond, runs };
};
const flooded = (name: string, slots: number, tokens: number): Row => ({ name, slots, tokens, everyMs: 0, runs: 1 });

const rows: Record<string, Row> = {
  one: paced("1 run at 200 tokens/s", 1, 200, 100),
  hundred: paced("100 runs at 50 tokens/s", 100, 50, 200),
  crowd: paced("500 runs at 10 tokens/s", 500, 10, 80),
  flood: { ...flooded("flood, 1 run", 1, 50_000), runs: 4 },
  floods: flooded("flood, 100 runs", 100, 2_000),
  overload: { ...paced("overload, 500 runs at 50 tokens/s", 500, 50, 200), runs: 1 },
};
const isWanted = (name: string): boolean => ONLY?.includes(name) ?? true;
const wanted = Object.entries(rows).filter(([name]) => isWanted(name));

const parties = await openParties(Math.max(100, ...wanted.map(([, { slots }]) => slots)));
try {
  const [cpu] = cpus();
  const load = loadavg()[0]?.toFixed(1);
  const tables = [
    `${new Date().toISOString().slice(0, 10)}, Node ${process.version}, ${cpus().length} x ${cpu?.model.trim() ?? "?"}, load average before ${load}; median of ${TURNS}`,
    "",
  ];
  const turns = new Map<string, Map<Way, Figures>[]>(wanted.map(([name]) => [name, []]));
  for (let turn = 0; turn < TURNS; turn++)
    for (const [name, row] of wanted) turns.get(name)?.push(await measureRow(parties, row, ways));
  if (wanted.length > 0)
    tables.push(...HEAD, ...wanted.flatMap(([name, row]) => linesOf(row, turns.get(name) ?? [])), "");
  if (isWanted("stalled")) tables.push(...(await measureStalled(parties, TURNS)), "");
  process.stdout.write(`${tables.join("\n")}\n`);
} finally {
  await parties.close();
}
