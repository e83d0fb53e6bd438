import { readFileSync, readdirSync } from "node:fs";

/** Processes of browsers, read from /proc: what a crash and a frozen tab are made of. Linux only. */

const pids = (): number[] =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/u.test(name))
    .map(Number);

function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return ""; // it has ended
  }
}

const parentOf = (pid: number): number => Number(/^PPid:\s*(\d+)$/mu.exec(read(pid, "status"))?.[1] ?? 0);

/** A process and all that descend from it. */
function familyOf(root: number): number[] {
  const family = [root];
  const all = pids().map((pid) => [pid, parentOf(pid)] as const);
  for (const one of family) for (const [pid, parent] of all) if (parent === one) family.push(pid);
  return family;
}

/** Kills every process of the browser that uses this profile at once, as a crash or the battery does; answers how many. */
export function killBrowserOf(profile: string): number {
  const named = pids().filter((pid) => read(pid, "cmdline").includes(profile));
  if (named.length === 0) throw new Error("no browser uses that profile");
  const family = new Set(named.flatMap(familyOf));
  for (const pid of family) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // it ended with its parent
    }
  }
  return family.size;
}

const rendererPids = (): number[] =>
  familyOf(process.pid).filter((pid) => read(pid, "cmdline").includes("--type=renderer"));

/** User-mode clock ticks of a process so far. */
const ticksOf = (pid: number): number => Number(read(pid, "stat").split(") ")[1]?.split(" ")[11] ?? 0);

/** The process that renders a page: the one that works while the page is kept busy. */
export async function rendererOf(keepBusy: () => Promise<unknown>): Promise<number> {
  const before = new Map(rendererPids().map((pid) => [pid, ticksOf(pid)]));
  await keepBusy();
  const worked = [...before].map(([pid, ticks]) => ({ pid, ticks: ticksOf(pid) - ticks }));
  const busiest = worked.toSorted((a, b) => b.ticks - a.ticks)[0];
  if (!busiest || busiest.ticks < 10) throw new Error("no renderer worked");
  return busiest.pid;
}
