import { expect, test } from "vitest";
import { openRunStops } from "./run-stops.ts";

/** A browser that may be offline, over several pages. */
function aBrowser() {
  const texts = new Map<string, string>();
  const asked: string[] = [];
  const network = { online: false };
  const woken = new Set<() => void>();
  const tried: (() => void)[] = [];
  const platform = {
    clock: { now: () => 0, after: () => () => undefined },
    random: () => 0,
    connectivity: {
      online: () => network.online,
      onWake: (callback: () => void) => (woken.add(callback), () => woken.delete(callback)),
      onOffline: () => () => undefined,
    },
    fetch: async (url: string | URL | Request) => {
      await Promise.resolve();
      for (const resolve of tried.splice(0)) resolve();
      if (!network.online) throw new TypeError("network");
      asked.push(String(url));
      return new Response(null, { status: 200 });
    },
  };
  return {
    asked,
    network,
    kept: () => [...texts.values()].flatMap((text) => JSON.parse(text) as string[]),
    wake: () => woken.forEach((callback) => callback()),
    nextTry: () => new Promise<void>((resolve) => tried.push(resolve)),
    page(scope = "a-w") {
      const controller = new AbortController();
      const smallStorage = {
        read: (key: string) => texts.get(key),
        write: (key: string, text: string) => (texts.set(key, text), true),
      };
      const stops = openRunStops({ platform, smallStorage, scope }, controller.signal);
      return { stops, close: () => controller.abort() };
    },
  };
}

test("a stop that was pressed offline is asked by the next page, and forgotten once it is answered", async () => {
  const browser = aBrowser();
  const first = browser.page();
  const tried = browser.nextTry();
  first.stops.stop("r1");
  await tried;
  first.close();
  expect(browser.kept()).toEqual(["r1"]);

  browser.network.online = true;
  browser.page();
  await expect.poll(browser.kept).toEqual([]);
  expect(browser.asked).toEqual(["/api/runs/r1/stop"]);
});

test("a wake-up asks at once, each stop one time", async () => {
  const browser = aBrowser();
  const { stops } = browser.page();
  const tried = browser.nextTry();
  stops.stop("r1");
  stops.stop("r1");
  stops.stop("r2");
  await tried;
  await expect.poll(browser.kept).toEqual(["r1", "r2"]);
  browser.network.online = true;
  await expect
    .poll(() => {
      browser.wake();
      return browser.kept();
    })
    .toEqual([]);
  expect(browser.asked.toSorted()).toEqual(["/api/runs/r1/stop", "/api/runs/r2/stop"]);
});

test("the stops of another account are left alone", async () => {
  const browser = aBrowser();
  const first = browser.page("a-w");
  const tried = browser.nextTry();
  first.stops.stop("r1");
  await tried;
  first.close();
  browser.network.online = true;
  const other = browser.page("b-w");
  other.stops.stop("r2");
  await expect.poll(browser.kept).toEqual(["r1"]);
  expect(browser.asked).toEqual(["/api/runs/r2/stop"]);
});
