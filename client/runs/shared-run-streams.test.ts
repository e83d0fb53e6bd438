import { expect, test } from "vitest";
import { noLocks } from "#client/platform/locks.ts";
import type { RunEvent } from "#shared/protocol/run-events.ts";
import { createSharedBrowser } from "#tests/convergence/browser.ts";
import { createWorld } from "#tests/convergence/world.ts";
import type { Owner } from "#tests/convergence/world.ts";
import { openRunFollower } from "./run-follower.ts";
import type { ByteStream } from "./run-requests.ts";
import type { Reading, RunStreams } from "./run-streams.ts";
import { openSharedStreams } from "./shared-run-streams.ts";

const WORDS = Array.from({ length: 40 }, (_, word) => `word ${word} `);
const offsetOf = (word: number): number => WORDS.slice(0, word).join("").length;
const frameOf = (word: number): RunEvent => ({ type: "d", seq: word + 1, c: "t", o: offsetOf(word), t: WORDS[word]! });
const END: RunEvent = {
  type: "end",
  seq: WORDS.length + 1,
  state: "completed",
  len: { t: offsetOf(WORDS.length), r: 0 },
};

/** A run that says a word each 100 ms, to whoever reads it, and the tabs of one browser that follow it. */
function aBrowser() {
  const world = createWorld(9);
  const shared = createSharedBrowser(world, "b");
  const begun = world.now();
  /** who reads from the server, and after which frame it began */
  const opened: string[] = [];
  const open = new Set<Owner>();

  const said = (): number => Math.min(WORDS.length, Math.floor((world.now() - begun) / 100));
  const eventsAfter = (frame: number): RunEvent[] => {
    const frames = WORDS.slice(0, said()).map((_, word) => frameOf(word));
    return [...frames, ...(said() === WORDS.length ? [END] : [])].slice(frame);
  };

  function streamsOf(name: string, owner: Owner): RunStreams {
    async function readOn(reading: Reading): Promise<void> {
      open.add(owner);
      await new Promise<void>((resolve) => {
        const look = (): void => {
          if (reading.own.aborted) return resolve();
          const events = eventsAfter(reading.have().frame);
          if (events.length > 0) reading.report({ type: "received", events });
          world.after(50, look, owner);
        };
        look();
      });
      open.delete(owner);
    }
    return {
      async read(reading) {
        opened.push(`${name} after ${reading.have().frame}`);
        await new Promise<void>((resolve) => void world.after(20, resolve, owner));
        reading.report({ type: "opened" });
        await readOn(reading);
      },
      adopt: readOn,
    };
  }

  function aTab(name: string, withLocks = true) {
    const owner: Owner = { dead: false };
    let frozen = false;
    const clock = {
      now: world.now,
      after: (ms: number, callback: () => void) => world.after(ms, () => frozen || callback(), owner),
    };
    const own = new AbortController();
    const platform = {
      clock,
      random: () => 0.5,
      fetch: () => Promise.reject(new Error("no request is made but for the stream")),
      connectivity: { online: () => true, onWake: () => () => undefined, onOffline: () => () => undefined },
      openBroadcast(channel: string, signal: AbortSignal) {
        const real = shared.openBroadcast(channel, owner, signal);
        return {
          post: (message: unknown) => void (frozen || real.post(message)),
          onMessage: (callback: (message: unknown) => void) => real.onMessage((message) => frozen || callback(message)),
        };
      },
    };
    const locks = withLocks ? shared.locksFor(owner) : noLocks;
    const streams = openSharedStreams({ platform, locks, scope: "ann", streams: streamsOf(name, owner) }, own.signal);
    const texts: string[] = [];
    const follower = openRunFollower(
      { ...platform, streams },
      "r1",
      () => texts.push(follower.state().run.text),
      own.signal,
    );
    return {
      follower,
      text: () => follower.state().run.text,
      /** whether what was shown only ever grew */
      grew: () => texts.every((text, at) => text.startsWith(texts[at - 1] ?? "")),
      over: () => follower.state().connection.type === "finished",
      heals: () => follower.state().heals,
      freeze: () => void (frozen = true),
      die() {
        owner.dead = true;
        open.delete(owner);
        shared.reap();
      },
    };
  }
  const whole = WORDS.join("");
  return { world, aTab, opened, open: () => open.size, whole, said: () => offsetOf(said()) };
}

test("however many tabs follow a run, one reads it from the server, and all have all of it", async () => {
  const { world, aTab, opened, open, whole } = aBrowser();
  const tabs = [aTab("one"), aTab("two"), aTab("three")];
  tabs[0]!.follower.dispatch({ type: "follow" });
  await world.run(1_000);
  tabs[1]!.follower.dispatch({ type: "follow" });
  await world.run(1_500);
  tabs[2]!.follower.dispatch({ type: "follow" });
  await world.run(1_000);
  expect(tabs[2]!.text().length).toBeGreaterThan(offsetOf(30));
  expect(open()).toBe(1);
  await world.run(2_000);
  expect(tabs.map((tab) => [tab.text() === whole, tab.grew(), tab.over(), tab.heals()])).toEqual(
    tabs.map(() => [true, true, true, 0]),
  );
  expect(opened).toEqual(["one after 0"]);
});

test("A7: when the reading tab is gone the next one reads on after what it has, at once", async () => {
  const { world, aTab, opened, open, whole, said } = aBrowser();
  const [one, two, three] = [aTab("one"), aTab("two"), aTab("three")];
  for (const tab of [one, two, three]) tab.follower.dispatch({ type: "follow" });
  await world.run(2_000);
  one.die();
  await world.run(400);
  expect(said() - two.text().length).toBeLessThanOrEqual(offsetOf(2));
  await world.run(3_000);
  expect([two.text() === whole, three.text() === whole, two.grew(), three.grew()]).toEqual([true, true, true, true]);
  expect(opened).toHaveLength(2);
  expect(opened[1]).toMatch(/^two after 1\d$/u);
  expect([open(), two.heals(), three.heals()]).toEqual([0, 0, 0]);
});

test("the tab that started a run reads on from its answer, and the others hear from it", async () => {
  const { world, aTab, opened, whole } = aBrowser();
  const [one, two] = [aTab("one"), aTab("two")];
  one.follower.adopt({ cancel: async () => undefined } as ByteStream);
  two.follower.dispatch({ type: "follow" });
  await world.run(5_000);
  expect([one.text() === whole, two.text() === whole, opened]).toEqual([true, true, []]);
});

test("the tab that started a run leaves it to one that read it already", async () => {
  const { world, aTab, opened, open, whole } = aBrowser();
  const [one, two] = [aTab("one"), aTab("two")];
  two.follower.dispatch({ type: "follow" });
  await world.run(300);
  one.follower.adopt({ cancel: async () => undefined } as ByteStream);
  await world.run(500);
  expect(open()).toBe(1);
  await world.run(5_000);
  expect([one.text() === whole, two.text() === whole, one.grew(), opened]).toEqual([true, true, true, ["two after 0"]]);
});

test("a tab that is frozen while it reads is not waited for, by who comes and by who was there", async () => {
  const { world, aTab, opened, said } = aBrowser();
  const [one, two, three] = [aTab("one"), aTab("two"), aTab("three")];
  one.follower.dispatch({ type: "follow" });
  two.follower.dispatch({ type: "follow" });
  await world.run(500);
  one.freeze();
  three.follower.dispatch({ type: "follow" });
  await world.run(2_200);
  expect(said() - three.text().length).toBeLessThanOrEqual(offsetOf(3));
  // The other had heard something lately, and asks first.
  await world.run(5_000);
  expect([two.over(), three.over(), two.grew(), three.grew()]).toEqual([true, true, true, true]);
  expect(opened[0]).toBe("one after 0");
  expect(opened.slice(1).some((line) => line.startsWith("three"))).toBe(true);
});

test("without Web Locks each tab reads for itself", async () => {
  const { world, aTab, opened, whole } = aBrowser();
  const [one, two] = [aTab("one", false), aTab("two", false)];
  one.follower.dispatch({ type: "follow" });
  two.follower.dispatch({ type: "follow" });
  await world.run(5_000);
  expect([one.text() === whole, two.text() === whole, opened.length]).toEqual([true, true, 2]);
});
