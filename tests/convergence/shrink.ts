import { FAULTS, NOTHING_OUT, createPlan, formatReduction } from "./plan.ts";
import type { Reduction } from "./plan.ts";
import type { SimulationReport } from "./simulation.ts";

export interface Shrunk {
  reduction: Reduction;
  /** of the smallest plan that still fails */
  report: SimulationReport;
  /** simulations it took */
  runs: number;
}

/** The oracle a violation names, e.g. `O1`: a smaller plan must fail for the same reason. */
const oracleOf = (report: SimulationReport): string | undefined => report.violations[0]?.split(/[:{]/u, 1)[0];

/**
 * Takes out of a failing seed's plan all that it fails without: devices, tabs, documents, time, kinds of
 * faults, and then events, in halves, quarters and so on (delta debugging; Zeller and Hildebrandt, 2002).
 * @param run simulates a plan, with the bug in it where one was put in
 * @param most simulations to spend
 */
export async function shrink(
  seed: number,
  first: SimulationReport,
  run: (reduction: Reduction) => Promise<SimulationReport>,
  most = 60,
): Promise<Shrunk> {
  const oracle = oracleOf(first);
  let best: Shrunk = { reduction: NOTHING_OUT, report: first, runs: 0 };

  async function attempt(change: Partial<Reduction>): Promise<boolean> {
    if (best.runs >= most) return false;
    const reduction = { ...best.reduction, ...change };
    const report = await run(reduction);
    best.runs += 1;
    if (report.violations.length === 0 || oracleOf(report) !== oracle) return false;
    best = { ...best, reduction, report };
    return true;
  }

  await shrinkNumbers(seed, attempt);
  for (const fault of FAULTS) await attempt({ off: [...best.reduction.off, fault] });
  const events = createPlan(seed).events.length;
  for (let size = Math.ceil(events / 2); size >= 1 && best.runs < most; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = 0; from < events; from += size) {
      const range = [from, Math.min(events, from + size)] as const;
      if (countOf(seed, best.reduction) === countOf(seed, withoutRange(best.reduction, range))) continue;
      await attempt({ without: joined([...best.reduction.without, range]) });
    }
  }
  return best;
}

async function shrinkNumbers(seed: number, attempt: (change: Partial<Reduction>) => Promise<boolean>): Promise<void> {
  const plan = createPlan(seed);
  for (const part of [0.25, 0.5, 0.75]) if (await attempt({ trouble: Math.round(plan.trouble * part) })) break;
  for (const devices of [1, 2, 3]) if (devices < plan.devices.length && (await attempt({ devices }))) break;
  for (const tabs of [1, 2]) if (tabs < Math.max(...plan.devices) && (await attempt({ tabs }))) break;
  if (plan.documents > 1) await attempt({ documents: 1 });
}

const withoutRange = (reduction: Reduction, range: readonly [number, number]): Reduction => ({
  ...reduction,
  without: [...reduction.without, range],
});

const countOf = (seed: number, reduction: Reduction): number => createPlan(seed, reduction).events.length;

/** Neighbouring and overlapping ranges as one. */
function joined(ranges: readonly (readonly [number, number])[]): (readonly [number, number])[] {
  const result: [number, number][] = [];
  for (const [from, to] of ranges.toSorted(([a], [b]) => a - b)) {
    const last = result.at(-1);
    if (last && from <= last[1]) last[1] = Math.max(last[1], to);
    else result.push([from, to]);
  }
  return result;
}

/** The one line that replays a plan. */
export function replayLine(seed: number, reduction: Reduction, bug?: string): string {
  const plan = formatReduction(reduction);
  return `${bug === undefined ? "" : `BUG=${bug} `}SEED=${seed} PLAN=${plan || "all"} npx vitest run tests/convergence`;
}
