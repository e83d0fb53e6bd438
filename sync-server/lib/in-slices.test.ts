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

test("between two slices others have their turn, however many do their work in slices", async () => {
  const heard: string[] = [];
  let now = 0;
  function* work(name: string): Generator<void, string> {
    for (let step = 0; step < 3; step++) {
      now += 20;
      heard.push(name);
      yield;
    }
    return name;
  }
  let over = false;
  const others = (): void => {
    heard.push("others");
    if (!over) setImmediate(others);
  };
  setImmediate(others);
  const all = await Promise.all(["a", "b", "c"].map((name) => inSlices(work(name), () => now)));
  over = true;
  expect(all).toEqual(["a", "b", "c"]);
  expect(heard.filter((one) => one !== "others").join("")).toBe("abcabcabc");
  for (const [at, one] of heard.entries()) if (at > 0 && one !== "others") expect(heard[at - 1]).toBe("others");
});

// oxlint-disable-next-line require-yield -- it does not come to it
function* failing(): Generator<void, never> {
  throw new RangeError("no number");
}

test("rejects with what a step throws", async () => {
  await expect(inSlices(failing())).rejects.toThrow("no number");
  // Nobody who comes next has to wait for it.
  await expect(inSlices(failing())).rejects.toThrow("no number");
});
