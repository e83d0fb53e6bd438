// Plays every n-th seed of a range and tells its parent what came of each.
import { createPlan } from "./plan.ts";
import { simulate } from "./simulation.ts";

const [first = 1, end = 1, step = 1] = process.argv.slice(2).map(Number);
process.once("disconnect", () => process.exit());

for (let seed = first; seed < end; seed += step) {
  const { story: _, ...report } = await simulate(createPlan(seed));
  process.send?.({ seed, ...report });
}
process.disconnect();
