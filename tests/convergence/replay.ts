import { NOTHING_OUT, parseReduction } from "./plan.ts";
import type { Reduction } from "./plan.ts";
import { PLANTED_BUGS } from "./planted-bugs.ts";
import { replayLine, shrink } from "./shrink.ts";
import type { SimulationReport } from "./simulation.ts";

/** What the environment asks for: a range of seeds, or with `PLAN` one plan again, or with `BUG` one with a bug in it. */
export const FIRST = Number(process.env["SEED"] ?? 1);
const PLAN = process.env["PLAN"];
export const REDUCTION = PLAN === undefined ? undefined : PLAN === "all" ? NOTHING_OUT : parseReduction(PLAN);
export const BUG = PLANTED_BUGS.find((bug) => bug === process.env["BUG"]);

const STORY_LINES = 60;

/** What broke, the story of it, and the line that plays it again. */
export function failureOf(seed: number, reduction: Reduction, report: SimulationReport): string {
  const story = report.story.slice(-STORY_LINES).join("\n");
  return `${report.violations.join("\n")}\n${story}\nreplay:\n${replayLine(seed, reduction, BUG)}`;
}

/** As `failureOf`, of the smallest plan that fails as this seed does. */
export async function shrunkFailureOf(
  seed: number,
  run: (reduction: Reduction) => Promise<SimulationReport>,
): Promise<string> {
  const report = await run(NOTHING_OUT);
  if (report.violations.length === 0) return `seed ${seed} held when it was played again in this process`;
  const smallest = await shrink(seed, report, run);
  return `shrunk in ${smallest.runs} runs:\n${failureOf(seed, smallest.reduction, smallest.report)}`;
}
