import { setMaxListeners } from "node:events";
import type { ConversationId } from "#shared/domain/ids.ts";
import { createUuidV7 } from "#shared/lib/uuid.ts";
import { createSharedBrowser } from "./browser.ts";
import { edit, follow, send, stop, type } from "./deeds.ts";
import { createDisk } from "./disk.ts";
import { installStores } from "./indexed-db.ts";
import { createLedger } from "./ledger.ts";
import { createNetwork } from "./network.ts";
import type { Rates } from "./network.ts";
import { createFrameOracle, judge, loggedTextOf, unquiet } from "./oracles.ts";
import { SERVER } from "./plan.ts";
import type { Fault, Plan, PlannedEvent } from "./plan.ts";
import { rot } from "./rot.ts";
import { createSimulatedServer, principalOf } from "./server.ts";
import type { ServerOptions } from "./server.ts";
import { openTab, startCountingTabs } from "./tab.ts";
import type { Device, Tab, TabContext } from "./tab.ts";
import { createWorld } from "./world.ts";
import type { Chance } from "./world.ts";

export interface SimulationReport {
  edits: number;
  kills: number;
  acknowledged: number;
  runs: number;
  /** reports of copies that differ, live copies rebuilt, and copies of tabs that were replaced (C9, R20) */
  diverged: number;
  mended: number;
  healed: number;
  /** callbacks run, and simulated ms since 1970 at the end */
  steps: number;
  lasted: number;
  /** each broken promise, in words; empty for a seed that holds */
  violations: string[];
  story: readonly string[];
}

/** Bugs put in on purpose, to see the oracles see them. */
export interface Bugs {
  wrapDatabase?: ServerOptions["wrapDatabase"];
}

const SECOND = 1_000;
const DAY = 24 * 60 * 60 * SECOND;
/** How long everything may take to come to rest once nothing fails any more (O9), and how long it must rest. */
const REST_WITHIN = 240 * SECOND;
const REST_FOR = 16 * SECOND;
const JUMPS = [-7 * DAY, -3_600_000, -30_000, 30_000, 3_600_000, 7 * DAY];
const OWNER = "owner";
const STRANGER = "stranger";

/**
 * Devices of one account, each with tabs that share a browser, work on some conversations against one server,
 * while everything fails that the plan names. Then all heals, and the oracles are asked (see `oracles.ts`).
 */
setMaxListeners(0);

export async function simulate(plan: Plan, bugs: Bugs = {}): Promise<SimulationReport> {
  const simulation = createSimulation(plan, bugs);
  const onRejection = (reason: unknown): void =>
    simulation.violate(
      `O10: a promise was rejected and nobody cared: ${reason instanceof Error ? reason.stack : String(reason)}`,
    );
  process.on("unhandledRejection", onRejection);
  try {
    await simulation.run();
  } catch (error) {
    simulation.violate(`O10: ${error instanceof Error ? String(error.stack) : String(error)}`);
  } finally {
    process.off("unhandledRejection", onRejection);
    simulation.close();
  }
  return simulation.report();
}

function createSimulation(plan: Plan, bugs: Bugs) {
  startCountingTabs();
  const world = createWorld(plan.seed);
  const violations: string[] = [];
  const violate = (what: string): void => {
    if (violations.length < 8) violations.push(what);
    world.note(`VIOLATION ${what}`);
  };
  const on = (fault: Fault): boolean => !plan.off.has(fault);
  const stores = installStores(world);
  const disk = createDisk(world);
  const ledger = createLedger(disk, world.now, violate);
  const frames = createFrameOracle(disk, violate, OWNER);
  const server = createSimulatedServer(world, {
    disk,
    providerFaults: on("provider"),
    onFrame: frames.sent,
    onClose: frames.closed,
    onBug: (what) => violate(`O10: ${what}`),
    ...bugs,
  });
  const ids = Array.from({ length: plan.documents }, (_, n) =>
    createUuidV7(world.now(), world.chance(`document ${n}`).bytes),
  );
  const context: TabContext = {
    world,
    server,
    stores,
    ledger,
    loggedText: (runId) => loggedTextOf(disk, runId),
    violate,
  };
  const devices: Device[] = plan.devices.map((count, n) => openDevice(`d${n}`, OWNER, count));
  let stranger: Device | undefined;
  const totals = { edits: 0, kills: 0 };
  /** documents of which some copy rotted: what was healed is there twice, in other words */
  const rotten = new Set<string>();

  function ratesOf(): Rates {
    return {
      cut: on("cut") ? (plan.rough ? 0.06 : 0.01) : 0,
      halfOpen: on("half-open") ? (plan.rough ? 0.015 : 0.003) : 0,
      duplicate: on("duplicate") ? 0.1 : 0,
      lost: on("http") ? (plan.rough ? 0.2 : 0.05) : 0,
    };
  }

  function openDevice(name: string, account: string, count: number): Device {
    const device: Device = {
      name,
      account,
      network: createNetwork(world, name, ratesOf()),
      shared: createSharedBrowser(world, name),
      offset: 0,
      healed: 0,
      tabs: [],
    };
    let marks = 0;
    const openOne = (): Tab => openTab(context, device, () => `${name}-${++marks}`);
    device.tabs = Array.from({ length: count }, openOne);
    reopeners.set(device, openOne);
    if (on("abort")) stores.device(name).aborts = plan.rough ? 0.01 : 0.002;
    return device;
  }

  function killTab(device: Device, at: number, again: number): void {
    const tab = device.tabs[at];
    if (tab === undefined) return;
    world.note(`tab ${tab.name} dies`);
    tab.kill(tab.chance.is(0.5));
    device.tabs[at] = undefined;
    world.after(again, () => (device.tabs[at] = reopeners.get(device)?.()));
  }

  function happen(event: PlannedEvent, number: number): void {
    const chance = world.chance(`event ${number}`);
    const device = devices[event.device];
    if (event.device === SERVER || device === undefined) return happenToServer(event, chance);
    const tab = device.tabs[event.tab];
    const id = ids[event.document % ids.length] ?? "";
    if (event.what !== "edit") world.note(`${event.what} on ${tab?.name ?? device.name}`);
    happenToDevice(event, device, chance);
    if (tab) doDeed(event, tab, id, chance);
  }

  function doDeed({ what }: PlannedEvent, tab: Tab, id: string, chance: Chance): void {
    switch (what) {
      case "edit":
        totals.edits += 1;
        return edit(tab, id, chance);
      case "stall":
        return stall(tab, id, chance);
      case "rot": {
        const doc = tab.documents.find(id as ConversationId)?.doc;
        return void (doc && rot(doc, chance) && rotten.add(id));
      }
      case "look":
        return void tab.open(id);
      case "leave":
        return tab.leave(id);
      case "send":
        return send(tab, id);
      case "follow":
        return follow(tab, id);
      case "stop":
        return stop(tab, id, chance);
    }
  }

  /** What one tab writes is late, and the person goes on in the next. */
  function stall(tab: Tab, id: string, chance: Chance): void {
    const { network, tabs } = tab.device;
    network.stall(tab.owner, chance.delay(500, 8_000));
    type(tab, id);
    const next = tabs.find((other) => other !== undefined && other !== tab);
    if (next) world.after(chance.delay(100, 2_000), () => type(next, id), next.owner);
  }

  function happenToDevice({ what, tab: at }: PlannedEvent, device: Device, chance: Chance): void {
    const { network } = device;
    const store = stores.device(device.name);
    switch (what) {
      case "down":
        network.setDown(true);
        if (chance.is(0.5)) network.cutAll();
        if (chance.is(0.5)) device.tabs.forEach((tab) => tab?.goOffline());
        return void world.after(chance.delay(500, 15_000), () => {
          network.setDown(false);
          if (chance.is(0.6)) device.tabs.forEach((tab) => tab?.wake());
        });
      case "wake":
        return device.tabs.forEach((tab) => (chance.is(0.5) ? tab?.wake() : tab?.hide()));
      case "tab-kill":
        return killTab(device, at, chance.delay(50, 5_000));
      case "quota":
        store.full = true;
        return void world.after(chance.delay(1_000, 12_000), () => (store.full = false));
      case "force-close":
        return store.closeAll();
      case "evict":
        ledger.evicted(device.name);
        for (const tab of device.tabs) tab?.storeLost();
        return store.evict();
      case "clock":
        device.offset += JUMPS[chance.below(JUMPS.length)] ?? 0;
        return;
      case "locks":
        return device.shared.shareLocks(3_000);
    }
  }

  function happenToServer({ what, document }: PlannedEvent, chance: Chance): void {
    const id = ids[document % ids.length] as ConversationId;
    switch (what) {
      case "rot":
        world.note("the server's copy rots");
        return void server
          .rooms()
          ?.read(principalOf(OWNER), id, ({ doc }) => rot(doc, chance) && rotten.add(id))
          .catch(() => undefined);
      case "server-kill":
        totals.kills += 1;
        return server.kill();
      case "clock":
        world.note("the server's clock jumps");
        return server.jump(JUMPS[chance.below(JUMPS.length)] ?? 0);
      case "stranger": {
        stranger ??= openDevice("s0", STRANGER, 1);
        for (const id of ids) if (disk.headOf(id) > 0) edit(stranger.tabs[0] as Tab, id, chance);
      }
    }
  }

  /** Waits until all is at rest, and stays so while digests are compared. */
  async function comeToRest(): Promise<string[]> {
    let restedFor = 0;
    let why: string[] = [];
    for (let waited = 0; waited < REST_WITHIN; waited += 2 * SECOND) {
      await world.run(2 * SECOND);
      why = unquiet(devices, server, ids, disk);
      restedFor = why.length === 0 ? restedFor + 2 * SECOND : 0;
      if (restedFor >= REST_FOR || violations.length > 0) return [];
    }
    return why;
  }

  function heal(): void {
    world.note("everything heals");
    disk.setFailing(0);
    server.heal();
    for (const device of [...devices, ...(stranger ? [stranger] : [])]) {
      device.network.heal();
      Object.assign(stores.device(device.name), { full: false, aborts: 0 });
      for (const tab of device.tabs) tab?.wake();
    }
  }

  return {
    violate,
    async run(): Promise<void> {
      if (on("disk")) disk.setFailing(plan.rough ? 0.02 : 0.004);
      plan.events.forEach((event) => world.after(event.at, () => happen(event, event.number)));
      await world.run(plan.trouble);
      heal();
      for (const id of ids) for (const { tabs } of devices) for (const tab of tabs) tab?.open(id);
      for (const why of await comeToRest()) violate(`O9: ${why}`);
      if (violations.length === 0)
        await judge({ world, devices, stranger, ids, disk, server, ledger, stores, context, rotten, violate });
    },
    close() {
      for (const { tabs } of [...devices, ...(stranger ? [stranger] : [])]) for (const tab of tabs) tab?.kill(true);
      stores.uninstall();
    },
    report: (): SimulationReport => ({
      ...totals,
      acknowledged: [...ledger.all()].filter((mark) => mark.acknowledged).length,
      runs: server.provided.size,
      diverged: server.noticed("diverged"),
      mended: server.noticed("live-copy-wrong"),
      healed: [...devices].reduce((sum, { healed }) => sum + healed, 0),
      steps: world.steps(),
      lasted: world.now(),
      violations,
      story: world.story(),
    }),
  };
}

const reopeners = new WeakMap<Device, () => Tab>();
