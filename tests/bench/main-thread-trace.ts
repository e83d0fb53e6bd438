import type { CDPSession, Page } from "@playwright/test";

/** One task of the page's main thread. ms; `cpu` is its processor time, whatever other processes did meanwhile. */
export interface Task {
  wall: number;
  cpu: number;
}

interface TraceEvent {
  name: string;
  ph: string;
  pid: number;
  tid: number;
  dur?: number;
  tdur?: number;
  args?: { name?: string };
}

/** Notes all tasks of a page's main thread from now on; what it answers ends that, and tells of them. */
export async function traceMainThread(page: Page): Promise<() => Promise<Task[]>> {
  const devtools = await page.context().newCDPSession(page);
  const events: TraceEvent[] = [];
  devtools.on("Tracing.dataCollected", ({ value }) => events.push(...(value as unknown as TraceEvent[])));
  const traceConfig = {
    includedCategories: ["toplevel", "blink.user_timing", "disabled-by-default-devtools.timeline"],
  };
  await devtools.send("Tracing.start", { transferMode: "ReportEvents", traceConfig });
  await page.evaluate(() => performance.mark("holdfast-traced"));
  return async () => {
    await endTracing(devtools);
    return tasksOf(events);
  };
}

async function endTracing(devtools: CDPSession): Promise<void> {
  const complete = new Promise<void>((resolve) => devtools.once("Tracing.tracingComplete", () => resolve()));
  await devtools.send("Tracing.end");
  await complete;
  await devtools.detach();
}

/** Those of the thread on which the page set its mark. */
function tasksOf(events: readonly TraceEvent[]): Task[] {
  const mark = events.find(({ name }) => name === "holdfast-traced");
  if (mark === undefined) throw new Error("the trace does not tell which thread is the page's");
  return events
    .filter(({ name, ph, pid, tid }) => name === "RunTask" && ph === "X" && pid === mark.pid && tid === mark.tid)
    .map(({ dur = 0, tdur = 0 }) => ({ wall: dur / 1_000, cpu: tdur / 1_000 }));
}
