import fc from "fast-check";
import { expect, test } from "vitest";
import { createTurnstile } from "./turnstile.ts";

test("never more run at once than may, all run, and in the order in which they came", async () => {
  const anyTasks = fc.array(fc.record({ steps: fc.integer({ min: 1, max: 4 }), fails: fc.boolean() }), {
    maxLength: 20,
  });
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 4 }), anyTasks, async (atOnce, tasks) => {
      const turnstile = createTurnstile(atOnce);
      const started: number[] = [];
      let [running, most] = [0, 0];
      const passed = await Promise.allSettled(
        tasks.map(({ steps, fails }, at) =>
          turnstile.pass(async () => {
            started.push(at);
            running += 1;
            most = Math.max(most, running);
            for (let step = 0; step < steps; step += 1) await Promise.resolve();
            running -= 1;
            if (fails) throw new Error("failed");
            return at;
          }),
        ),
      );
      expect(most).toBe(Math.min(atOnce, tasks.length));
      expect(started).toEqual(tasks.map((_, at) => at));
      expect(passed.map(({ status }) => status === "rejected")).toEqual(tasks.map(({ fails }) => fails));
    }),
  );
});

test("whoever fails, at once or later, leaves the place to the next", async () => {
  const turnstile = createTurnstile(1);
  await expect(
    turnstile.pass(() => {
      throw new Error("at once");
    }),
  ).rejects.toThrow("at once");
  await expect(turnstile.pass(() => Promise.reject(new Error("later")))).rejects.toThrow("later");
  expect(await turnstile.pass(async () => "through")).toBe("through");
});
