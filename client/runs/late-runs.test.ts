import { expect, test } from "vitest";
import { inMemoryWorkspace } from "#tests/support/in-memory-workspace.ts";
import { createFakeClock } from "#tests/support/fake-clock.ts";
import { openLateRuns } from "./late-runs.ts";
import type { RunCommand } from "#client/local-store/run-command.ts";
import type { Runs } from "./runs.ts";

const command = { runId: "r1", conversationId: "c1" } as RunCommand;

const settled = () => new Promise<void>((resolve) => void setTimeout(resolve));

/** Runs whose code comes, or fails to come, when the test says so. */
function aPage() {
  const world = inMemoryWorkspace();
  const clock = createFakeClock();
  const page = new AbortController();
  const woken = new Set<() => void>();
  const loads: { resolve: (runs: Runs) => void; reject: (error: unknown) => void }[] = [];
  const runs = openLateRuns(
    {
      load: () => new Promise((resolve, reject) => void loads.push({ resolve, reject })),
      clock,
      connectivity: {
        online: () => true,
        onWake(callback) {
          woken.add(callback);
          return () => woken.delete(callback);
        },
        onOffline: () => () => undefined,
      },
    },
    page.signal,
  );
  return {
    world,
    clock,
    runs,
    loads,
    page,
    wake: () => woken.forEach((callback) => callback()),
    async arrive(): Promise<void> {
      loads.at(-1)?.resolve(world.workspace.runs);
      await settled();
    },
    async fail(): Promise<void> {
      loads.at(-1)?.reject(new Error("not here"));
      await settled();
    },
  };
}

test("what is asked of runs that are not here yet is done when they are, in order", async () => {
  const { runs, world, arrive } = aPage();
  expect(runs.ready()).toBe(false);
  runs.deliver(command);
  runs.deliver({ ...command, runId: "r2" });
  const withdrawn = runs.cancel("r1");
  expect(world.delivered).toEqual([]);
  await arrive();
  expect(runs.ready()).toBe(true);
  expect(world.delivered.map(({ runId }) => runId)).toEqual(["r1", "r2"]);
  expect(await withdrawn).toBe(true);
});

test("who watches from before sees what changes after", async () => {
  const { runs, world, arrive } = aPage();
  let seen = 0;
  let told = 0;
  runs.follow("r1", () => (seen += 1));
  runs.subscribeDeliveries(() => (told += 1));
  await arrive();
  expect(told).toBe(1);
  world.setLive("r1", { text: "a" });
  world.setDelivery("r1", { type: "queued" });
  expect([seen, told]).toEqual([1, 2]);
  expect(runs.live("r1")?.text).toBe("a");
  expect(runs.delivery("r1")).toEqual({ type: "queued" });
});

test("who stopped watching hears nothing, whenever that was", async () => {
  const { runs, world, arrive } = aPage();
  let seen = 0;
  const stopBefore = runs.follow("r1", () => (seen += 1));
  stopBefore();
  const stopAfter = runs.follow("r1", () => (seen += 1));
  await arrive();
  stopAfter();
  world.setLive("r1", { text: "a" });
  expect(seen).toBe(0);
});

test("code that does not come is fetched again after a while, and when the page wakes up", async () => {
  const { runs, world, clock, loads, wake, fail, arrive } = aPage();
  runs.deliver(command);
  await fail();
  expect(loads).toHaveLength(1);
  clock.advance(5_000);
  expect(loads).toHaveLength(2);
  await fail();
  wake();
  wake();
  expect(loads).toHaveLength(3);
  await arrive();
  expect(world.delivered).toHaveLength(1);
  wake();
  clock.advance(60_000);
  expect(loads).toHaveLength(3);
});

test("a page that ends fetches nothing more", async () => {
  const { clock, loads, page, wake, fail } = aPage();
  page.abort();
  await fail();
  wake();
  clock.advance(60_000);
  expect(loads).toHaveLength(1);
});
