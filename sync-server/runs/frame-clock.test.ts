import { expect, test } from "vitest";
import { createFakeClock } from "#tests/support/fake-clock.ts";
import { createFrameClock } from "./frame-clock.ts";
import { FRAME_GATHER_MS } from "./frames.ts";

test("who begins within one tick is called at one moment, after three to four ticks", () => {
  const clock = createFakeClock(0);
  const frames = createFrameClock(clock);
  const called: [name: string, at: number][] = [];
  const begin = (name: string): void => void frames.after(() => called.push([name, clock.now()]));

  begin("a");
  clock.advance(10);
  begin("b");
  clock.advance(7);
  begin("c");
  clock.advance(200);
  expect(called).toEqual([
    ["a", FRAME_GATHER_MS],
    ["b", 45],
    ["c", 45],
  ]);
});

test("one timer serves all, and none is left where nobody gathers", () => {
  const clock = createFakeClock(0);
  const frames = createFrameClock(clock);
  const called: string[] = [];
  const cancel = frames.after(() => called.push("cancelled"));
  frames.after(() => called.push("kept"));
  expect(clock.pending()).toBe(1);
  cancel();
  clock.advance(100);
  expect(called).toEqual(["kept"]);
  expect(clock.pending()).toBe(0);
  frames.after(() => called.push("again"));
  clock.advance(FRAME_GATHER_MS);
  expect(called).toEqual(["kept", "again"]);
});
