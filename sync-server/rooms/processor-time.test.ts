import { expect, test } from "vitest";
import { createProcessorTime } from "./processor-time.ts";

test("R14: processor time is asked of the system now and then, and goes by the wall clock in between", () => {
  const machine = { wall: 0, used: 40, asked: 0 };
  const ask = (): number => {
    machine.asked += 1;
    return machine.used;
  };
  const time = createProcessorTime(ask, () => machine.wall);
  expect(time()).toBe(40);
  machine.wall = 100;
  machine.used = 90;
  expect(time()).toBe(140);
  expect(machine.asked).toBe(1);

  // The process stood still for an hour: none of it counts.
  machine.wall += 3_600_000;
  expect(time()).toBe(90);
  expect(machine.asked).toBe(2);
});
