import { expect, test } from "vitest";
import { createProcessorTime } from "./processor-time.ts";

test("R14: processor time is asked of the system now and then, and goes by the wall clock in between", () => {
  const machine = { wall: 0, used: 40, asked: 0 };
  const ask = (): number => {
    machine.asked += 1;
    return machine.used;
  };
  const time = createProcessorTime(ask, () => machine.wall);
  expect(time()).toBe(0);
  machine.wall = 100;
  machine.used = 90;
  expect(time()).toBe(100);
  expect(machine.asked).toBe(1);

  // The process stood still for an hour: none of it counts.
  machine.wall += 3_600_000;
  expect(time()).toBe(50);
  expect(machine.asked).toBe(2);

  // Five threads worked: it is the time of one.
  machine.wall += 1_000;
  machine.used += 5_000;
  expect(time()).toBe(1_050);
});
