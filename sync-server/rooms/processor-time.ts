import { cpuUsage } from "node:process";
import type { ProcessorTime } from "./integration-watch.ts";

/** Asking the system costs some 30 µs, more than most updates do; so it is asked this often at the most. */
const PRECISION_MS = 250;

/** Of all threads, those that store, fold and collect garbage too. */
const askSystem = (): number => {
  const { user, system } = cpuUsage();
  return (user + system) / 1_000;
};

/**
 * Processor time of this process in ms, right to a quarter of a second: between two looks at the system it goes on by
 * the wall clock, and never faster than that, however many threads work. A process that was stopped for a while is
 * charged that quarter at the most.
 */
export function createProcessorTime(
  ask: () => number = askSystem,
  wall: () => number = () => performance.now(),
): ProcessorTime {
  let asked = { at: wall(), answer: ask() };
  let used = 0;
  return () => {
    const now = wall();
    if (now - asked.at < PRECISION_MS) return used + (now - asked.at);
    const answer = ask();
    used += Math.min(answer - asked.answer, now - asked.at);
    asked = { at: now, answer };
    return used;
  };
}
