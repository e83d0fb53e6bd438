import { beforeEach, expect, test } from "vitest";
import { createPaintPacer } from "./paint-pacer.ts";

/** A screen with a frame each 16 ms, and time that passes only here. `busy` is what a paint takes. */
function openScreen() {
  let now = 0;
  let order = 0;
  const due: { at: number; order: number; run: () => void }[] = [];
  const at = (time: number, run: () => void): void => void due.push({ at: time, order: order++, run });
  const screen = {
    busy: 0,
    shown: true,
    now: () => now,
    visible: () => screen.shown,
    onFrame: (run: () => void) =>
      at((Math.floor(now / 16) + 1) * 16, () => {
        run();
        now += screen.busy;
      }),
    after: (ms: number, run: () => void) => at(now + ms, run),
    interval: () => 40,
    until(time: number): void {
      for (;;) {
        const next = due.toSorted((a, b) => a.at - b.at || a.order - b.order)[0];
        if (!next || next.at > time) break;
        due.splice(due.indexOf(next), 1);
        now = Math.max(now, next.at);
        next.run();
      }
      now = Math.max(now, time);
    },
  };
  return screen;
}

let screen: ReturnType<typeof openScreen>;
beforeEach(() => {
  screen = openScreen();
});

/** When commits came, of a text that grows all the time. */
function commitTimes(until: number): number[] {
  const pacer = createPaintPacer(screen);
  const times: number[] = [];
  for (let time = 0; time < until; time += 2) {
    pacer.request(commit);
    screen.until(time);
  }
  return times;
  function commit(): void {
    times.push(screen.now());
  }
}

test("a growing text is committed before a frame, at most once per interval", () => {
  const times = commitTimes(1000);
  expect(times.length).toBeGreaterThan(18);
  for (const [index, time] of times.entries()) {
    expect(time % 16).toBe(0);
    if (index > 0) expect(time - (times[index - 1] ?? 0)).toBeGreaterThanOrEqual(40);
  }
});

test("a commit that takes long to paint is followed by more rest than it took", () => {
  screen.busy = 100;
  const times = commitTimes(4000).slice(1);
  expect(times.length).toBeGreaterThan(3);
  for (const [index, time] of times.entries()) {
    if (index > 0) expect(time - (times[index - 1] ?? 0)).toBeGreaterThanOrEqual(300);
  }
});

test("a hidden page commits by timers", () => {
  screen.shown = false;
  expect(commitTimes(400).length).toBeGreaterThanOrEqual(9);
});

test("what was forgotten is not committed", () => {
  const pacer = createPaintPacer(screen);
  let commits = 0;
  const commit = (): void => void commits++;
  pacer.request(commit);
  pacer.forget(commit);
  screen.until(1000);
  expect(commits).toBe(0);
});
