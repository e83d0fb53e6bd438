import { expect, test } from "vitest";
import { encodeChannelMessage, parseChannelMessage } from "#shared/protocol/multiplex.ts";
import { createSharedBrowser } from "#tests/convergence/browser.ts";
import { createWorld } from "#tests/convergence/world.ts";
import type { Owner } from "#tests/convergence/world.ts";
import { noLocks } from "./locks.ts";
import type { OpenSocket, Socket } from "./platform.ts";
import { openSharedSockets } from "./shared-sockets.ts";

/** What happens to a tab happens once it is not frozen. */
function aGate() {
  const waiting: (() => void)[] = [];
  let frozen = false;
  return {
    into: (callback: () => void): void => void (frozen ? waiting.push(callback) : callback()),
    freeze: () => void (frozen = true),
    thaw() {
      frozen = false;
      for (const callback of waiting.splice(0)) callback();
    },
  };
}

/** Tabs of one browser, and a server that says back what it is told on each channel. */
function aBrowser() {
  const world = createWorld(5);
  const shared = createSharedBrowser(world, "b");
  const lines = new Set<{ owner: Owner; channels: Set<number>; cut: (code: number) => void }>();
  let dead = false;
  let tabs = 0;

  const serve =
    (owner: Owner, into: (callback: () => void) => void): OpenSocket =>
    (_path, _protocols, events) => {
      const later = (ms: number, callback: () => void): void =>
        void world.after(ms, () => into(() => (lines.has(line) || ms === 0) && callback()), owner);
      const line = {
        owner,
        channels: new Set<number>(),
        cut(code: number) {
          if (lines.delete(line)) later(0, () => events.onClose(code));
        },
      };
      lines.add(line);
      later(10, () => !dead && events.onOpen());
      return {
        send(bytes) {
          const message = parseChannelMessage(bytes);
          if (dead || !message.ok) return;
          const { type, channel } = message.value;
          if (type === "open") line.channels.add(channel);
          if (type === "close") line.channels.delete(channel);
          if (type === "frame") later(10, () => events.onMessage(bytes));
          if (message.value.type === "open" && message.value.room === "refused")
            later(10, () => events.onMessage(encodeChannelMessage({ type: "close", channel, code: 4404 })));
        },
        close: () => line.cut(1006),
        bufferedBytes: () => 0,
      };
    };

  function aTab(withLocks = true) {
    const owner: Owner = { dead: false };
    const chance = world.chance(`tab ${(tabs += 1)}`);
    const own = new AbortController();
    const { into, freeze, thaw } = aGate();
    const openSocket = openSharedSockets(
      {
        platform: {
          clock: { now: world.now, after: (ms, callback) => world.after(ms, () => into(callback), owner) },
          randomBytes: chance.bytes,
          openSocket: serve(owner, into),
          openBroadcast(name, signal) {
            const real = shared.openBroadcast(name, owner, signal);
            return {
              post: real.post,
              onMessage: (callback) => real.onMessage((message) => into(() => callback(message))),
            };
          },
        },
        locks: withLocks ? shared.locksFor(owner) : noLocks,
        scope: "ann",
      },
      own.signal,
    );
    const heard: string[] = [];
    const open = (room: string): Socket =>
      openSocket(`/sync/${room}`, [], {
        onOpen: () => heard.push(`${room} opened`),
        onMessage: (bytes) => heard.push(`${room} ${bytes.join()}`),
        onClose: (code) => heard.push(`${room} closed ${code}`),
      });
    return {
      open,
      heard,
      freeze,
      thaw,
      channels: () => [...lines].filter((line) => line.owner === owner).map((line) => line.channels.size),
      die() {
        owner.dead = true;
        for (const line of lines) if (line.owner === owner) lines.delete(line);
        shared.reap();
      },
    };
  }
  return {
    world,
    aTab,
    lines: () => lines.size,
    loseNetwork: () => void (dead = true),
    findNetwork: () => void (dead = false),
    cut: (code: number) => [...lines].forEach((line) => line.cut(code)),
  };
}

test("all tabs have one real socket, and each hears what is its own", async () => {
  const { world, aTab, lines } = aBrowser();
  const [one, two, three] = [aTab(), aTab(), aTab()];
  const sockets = [one.open("a"), two.open("a"), three.open("b"), one.open("c")];
  await world.run(1_000);
  sockets.forEach((socket, at) => socket.send(new Uint8Array([at])));
  await world.run(1_000);
  expect(lines()).toBe(1);
  expect([one.heard, two.heard, three.heard]).toEqual([
    ["a opened", "c opened", "a 0", "c 3"],
    ["a opened", "a 1"],
    ["b opened", "b 2"],
  ]);
});

test("A7: when the leading tab is gone the next one leads within 2 s, and what others hold is theirs to open again", async () => {
  const { world, aTab, lines } = aBrowser();
  const [one, two, three] = [aTab(), aTab(), aTab()];
  one.open("a");
  two.open("b");
  three.open("c");
  await world.run(1_000);
  one.die();
  await world.run(500);
  expect([two.heard.at(-1), three.heard.at(-1)]).toEqual(["b closed 1006", "c closed 1006"]);
  const again = [two.open("b"), three.open("c")];
  await world.run(500);
  again.forEach((socket) => socket.send(new Uint8Array([7])));
  await world.run(500);
  expect([two.heard.slice(2), three.heard.slice(2), lines()]).toEqual([["b opened", "b 7"], ["c opened", "c 7"], 1]);
});

test("what the server says of one channel or of the socket reaches the tab that it is for", async () => {
  const { world, aTab, cut } = aBrowser();
  const [one, two] = [aTab(), aTab()];
  one.open("a");
  two.open("refused");
  await world.run(1_000);
  expect(two.heard).toEqual(["refused opened", "refused closed 4404"]);
  two.open("b");
  await world.run(1_000);
  cut(4401);
  await world.run(1_000);
  expect([one.heard.at(-1), two.heard.at(-1)]).toEqual(["a closed 4401", "b closed 4401"]);
});

test("a tab whose leader is frozen has a socket of its own after 2 s, and once it is thawed nothing is left on its", async () => {
  const { world, aTab, lines } = aBrowser();
  const [one, two] = [aTab(), aTab()];
  one.open("a");
  const socket = two.open("b");
  await world.run(1_000);
  expect(one.channels()).toEqual([2]);
  one.freeze();
  socket.send(new Uint8Array([1]));
  await world.run(2_100);
  expect(two.heard).toEqual(["b opened", "b closed 1006"]);
  const own = two.open("b");
  await world.run(100);
  own.send(new Uint8Array([2]));
  await world.run(100);
  expect([two.heard.slice(2), lines()]).toEqual([["b opened", "b 2"], 2]);
  one.thaw();
  await world.run(200);
  expect([one.channels(), two.channels()]).toEqual([[1], [1]]);
  // It leads again for what is opened from now on; what was opened meanwhile stays where it is.
  const shared = two.open("c");
  await world.run(100);
  own.send(new Uint8Array([3]));
  shared.send(new Uint8Array([4]));
  await world.run(100);
  expect(two.heard.slice(4)).toEqual(["c opened", "b 3", "c 4"]);
  expect([one.channels(), two.channels()]).toEqual([[2], [1]]);
});

test("a tab that was frozen for long finds its sockets closed, and the leader kept no more for it than 16 MB", async () => {
  const { world, aTab } = aBrowser();
  const [one, two] = [aTab(), aTab()];
  one.open("a");
  const socket = two.open("b");
  await world.run(1_000);
  // The server says all of it back: while it is taken there is no end to it.
  for (let round = 0; round < 20; round++) {
    socket.send(new Uint8Array(1_000_000));
    await world.run(100);
  }
  expect(two.heard).toHaveLength(21);
  for (let round = 0; round < 20; round++) socket.send(new Uint8Array(1_000_000));
  two.freeze();
  await world.run(1_000);
  expect(one.channels()).toEqual([1]);
  two.thaw();
  await world.run(1_000);
  expect(two.heard.at(-1)).toBe("b closed 1006");
  two.open("b");
  await world.run(1_000);
  expect(two.heard.at(-1)).toBe("b opened");
});

test("the sockets of a tab that died are closed by the leader", async () => {
  const { world, aTab, lines } = aBrowser();
  const [one, two] = [aTab(), aTab()];
  const closing = one.open("a");
  two.open("b");
  await world.run(1_000);
  two.die();
  await world.run(1_000);
  closing.close();
  // Nobody has a channel any more: the real one goes after a while.
  await world.run(11_000);
  expect(lines()).toBe(0);
});

test("a dead network takes the real socket with the first channel that waited in vain", async () => {
  const { world, aTab, loseNetwork, findNetwork } = aBrowser();
  const one = aTab();
  const waiting = one.open("a");
  one.open("b");
  await world.run(1_000);
  loseNetwork();
  waiting.send(new Uint8Array([1]));
  await world.run(5_000);
  waiting.close();
  await world.run(100);
  expect(one.heard.slice(2).toSorted()).toEqual(["a closed 1006", "b closed 1006"]);
  findNetwork();
  one.open("a");
  await world.run(100);
  expect(one.heard.at(-1)).toBe("a opened");
});

test("a channel that is left in peace, or too soon to tell, leaves the real socket as it is", async () => {
  const { world, aTab, lines } = aBrowser();
  const one = aTab();
  const leaving = one.open("a");
  const staying = one.open("b");
  await world.run(1_000);
  leaving.send(new Uint8Array([1]));
  leaving.close();
  await world.run(20_000);
  staying.send(new Uint8Array([2]));
  await world.run(1_000);
  expect([one.heard.slice(2), lines()]).toEqual([["a closed 1006", "b 2"], 1]);
});

test("without Web Locks each tab has a socket of its own", async () => {
  const { world, aTab, lines } = aBrowser();
  const [one, two] = [aTab(false), aTab(false)];
  one.open("a");
  two.open("a");
  await world.run(1_000);
  expect([one.heard, two.heard, lines()]).toEqual([["a opened"], ["a opened"], 2]);
});
