import { cpuUsage } from "node:process";
import type { ProcessorTime } from "./integration-watch.ts";

/** Asking the system costs some 30 µs, more than most updates do; so it is asked this often at the most. */
const PRECISION_MS = 250;

/** Of all threads: those that store and fold can halve what an update may take, no more. */
const askSystem = (): number => {
  const { user, system } = cpuUsage();
  return (user + system) / 1_000;
};

/**
 * Processor time of this process in ms, right to a quarter of a second: between two looks at the system it goes on by
 * the wall clock. A process that was stopped for a while is charged that quarter at the most.
 */
export function createProcessorTime(
  ask: () => number = askSystem,
  wall: () => number = () => performance.now(),
): ProcessorTime {
  let asked = { at: -Infinity, answer: 0 };
  return () => {
    const now = wall();
    if (now - asked.at >= PRECISION_MS) asked = { at: now, answer: ask() };
    return asked.answer + (now - asked.at);
  };
}
