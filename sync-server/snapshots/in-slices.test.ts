import { expect, test } from "vitest";
import { inSlices } from "./in-slices.ts";

test("others have their turn as often as a slice of the work is done, and what it comes to is answered", async () => {
  const heard: string[] = [];
  let [now, turns] = [0, 0];
  // Each step takes 4 ms, so that a slice of 10 ms has three of them.
  function* work(): Generator<void, string> {
    for (let step = 0; step < 9; step++) {
      now += 4;
      heard.push("step");
      yield;
    }
    return "done";
  }
  const others = (): void => {
    turns++;
    heard.push("others");
    if (turns < 3) setImmediate(others);
  };
  setImmediate(others);
  expect(await inSlices(work(), () => now)).toBe("done");
  expect(heard.join(" ")).toBe("step step step others step step step others step step step others");
});

// oxlint-disable-next-line require-yield -- it does not come to it
function* failing(): Generator<void, never> {
  throw new RangeError("no number");
}

test("rejects with what a step throws", async () => {
  await expect(inSlices(failing())).rejects.toThrow("no number");
});
