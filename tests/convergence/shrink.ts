import { FAULTS, NOTHING_OUT, createPlan, formatReduction } from "./plan.ts";
import type { Plan, Reduction } from "./plan.ts";
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
 * @param from what is out of the plan already; `most` simulations to spend
 */
export async function shrink(
  seed: number,
  first: SimulationReport,
  run: (reduction: Reduction) => Promise<SimulationReport>,
  { from = NOTHING_OUT, most = 60 }: { from?: Reduction; most?: number } = {},
): Promise<Shrunk> {
  const oracle = oracleOf(first);
  let best: Shrunk = { reduction: from, report: first, runs: 0 };

  async function attempt(change: Partial<Reduction>): Promise<boolean> {
    if (best.runs >= most) return false;
    const reduction = { ...best.reduction, ...change };
    const report = await run(reduction);
    best.runs += 1;
    if (report.violations.length === 0 || oracleOf(report) !== oracle) return false;
    best = { ...best, reduction, report };
    return true;
  }

  await shrinkNumbers(createPlan(seed, from), attempt);
  const on = FAULTS.filter((fault) => !from.off.includes(fault));
  await takeOut(on, (faults) => attempt({ off: [...best.reduction.off, ...faults] }));
  const numbers = createPlan(seed, best.reduction).events.map(({ number }) => number);
  await takeOut(numbers, (part) => {
    // What lies between two that are left is out already.
    const range = [part[0] ?? 0, (part.at(-1) ?? 0) + 1] as const;
    return attempt({ without: joined([...best.reduction.without, range]) });
  });
  return best;
}

/** Tries to do without parts of a list: halves, quarters and so on. */
async function takeOut<T>(all: readonly T[], without: (part: readonly T[]) => Promise<boolean>): Promise<void> {
  const left = [...all];
  for (let size = Math.ceil(left.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < left.length;) {
      const part = left.slice(at, at + size);
      if (await without(part)) left.splice(at, part.length);
      else at += size;
    }
  }
}

async function shrinkNumbers(plan: Plan, attempt: (change: Partial<Reduction>) => Promise<boolean>): Promise<void> {
  for (const part of [0.25, 0.5, 0.75]) if (await attempt({ trouble: Math.round(plan.trouble * part) })) break;
  for (const devices of [1, 2, 3]) if (devices < plan.devices.length && (await attempt({ devices }))) break;
  for (const tabs of [1, 2]) if (tabs < Math.max(...plan.devices) && (await attempt({ tabs }))) break;
  if (plan.documents > 1) await attempt({ documents: 1 });
}

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
