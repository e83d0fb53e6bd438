import { GROWTH, compareThirds } from "./soak-samples.ts";
import { runSoak } from "./soak.ts";

// `npm run soak`: minutes of ordinary use of the built server; exits 1 where something failed or grew.
// MINUTES (20) how long; WARM_UP (4) minutes that do not count; SEED; SERVER_NODE_OPTIONS, flags for the server's node.

const SAMPLE_MS = 10_000;
const minutes = Number(process.env["MINUTES"] ?? 20);
const warmUp = Number(process.env["WARM_UP"] ?? 4);
const say = (text: string): void => void process.stdout.write(`${text}\n`);

const { samples, counts, failures, left } = await runSoak({
  minutes,
  sampleMs: SAMPLE_MS,
  say,
  nodeOptions: process.env["SERVER_NODE_OPTIONS"],
});
say(`\nDone: ${JSON.stringify(counts)}`);
say(`Left when all had gone: ${left.sockets} sockets, ${left.followers} followers, ${left.rooms} rooms`);
for (const failure of new Set(failures)) say(`Failed: ${failure}`);
const grew = compareThirds(samples, warmUp);
const percent = (first: number, last: number): string => `${(100 * (last / first - 1)).toFixed(1)} %`;
const figures = grew.map(
  ({ what, first, last }) => `${what} ${first.toFixed(1)} -> ${last.toFixed(1)} (${percent(first, last)})`,
);
const flat = grew.every((one) => one.flat);
const clean = failures.length === 0 && left.sockets + left.followers === 0;
say(
  `Verdict: ${flat ? "flat" : "NOT FLAT"}, ${clean ? "nothing failed" : `${failures.length} FAILURES`}. The last third against the ` +
    `first after ${warmUp} min, at most ${GROWTH * 100} % more: ${figures.join(", ")}`,
);
process.exit(flat && clean ? 0 : 1);
