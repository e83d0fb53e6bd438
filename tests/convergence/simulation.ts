import { setMaxListeners } from "node:events";
import { createUuidV7 } from "#shared/lib/uuid.ts";
import { createSharedBrowser } from "./browser.ts";
import { createDisk } from "./disk.ts";
import { OWNER, happen } from "./happenings.ts";
import type { Scene } from "./happenings.ts";
import { installStores } from "./indexed-db.ts";
import { createLedger } from "./ledger.ts";
import { createNetwork } from "./network.ts";
import type { Rates } from "./network.ts";
import { createFrameOracle, judge, loggedTextOf, unquiet } from "./oracles.ts";
import type { Fault, Plan } from "./plan.ts";
import { createSimulatedServer } from "./server.ts";
import type { ServerOptions } from "./server.ts";
import { createReplyOracle } from "./stranger-oracles.ts";
import { openTab, startCountingTabs } from "./tab.ts";
import type { Device, Tab, TabContext } from "./tab.ts";
import { createWorld } from "./world.ts";

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
/** How long everything may take to come to rest once nothing fails any more (O9), and how long it must rest. */
const REST_WITHIN = 240 * SECOND;
const REST_FOR = 16 * SECOND;
/** A connection that died in silence is found after 25 s, and tried again within 30 s (C7, C8). */
const FOUND_WITHIN = 60 * SECOND;
const MOST_VIOLATIONS = 8;

// Each open document listens to the end of its tab, and Node would warn at the eleventh.
setMaxListeners(0);

/**
 * Devices of one account, each with tabs that share a browser, work on some conversations against one server,
 * while everything fails that the plan names. Then all heals, and the oracles are asked (see `oracles.ts`).
 */
export async function simulate(plan: Plan, bugs: Bugs = {}): Promise<SimulationReport> {
  const violations: string[] = [];
  const violate = (what: string): void => {
    if (violations.length < MOST_VIOLATIONS) violations.push(what);
  };
  const onRejection = (reason: unknown): void => violate(`O10: nobody cared for a rejection: ${wordsOf(reason)}`);
  process.on("unhandledRejection", onRejection);
  const scene = createScene(plan, bugs, violate);
  try {
    await play(plan, scene, violations, violate);
  } catch (error) {
    violate(`O10: ${wordsOf(error)}`);
  } finally {
    process.off("unhandledRejection", onRejection);
    await end(scene);
  }
  return reportOf(scene, violations);
}

/** Ends everything that lives, so that nothing of it is kept, or goes on in the next simulation. */
async function end(scene: SimulatedScene): Promise<void> {
  for (const { tabs } of everybody(scene)) for (const tab of tabs) tab?.kill(true);
  scene.over.abort();
  await scene.world.end();
  scene.stores.uninstall();
}

const wordsOf = (error: unknown): string => (error instanceof Error ? String(error.stack) : String(error));

const everybody = ({ devices, stranger }: Scene): Device[] => [...devices, ...(stranger ? [stranger] : [])];

interface SimulatedScene extends Scene {
  context: TabContext;
  over: AbortController;
}

function createScene(plan: Plan, bugs: Bugs, violate: (what: string) => void): SimulatedScene {
  startCountingTabs();
  const on = (fault: Fault): boolean => !plan.off.has(fault);
  const world = createWorld(plan.seed);
  const stores = installStores(world);
  const disk = createDisk(world);
  const ledger = createLedger(disk, world.now, violate);
  const frames = createFrameOracle(disk, violate, OWNER);
  const server = createSimulatedServer(world, {
    disk,
    providerFaults: on("provider"),
    onFrame: frames.sent,
    onReply: createReplyOracle(disk, violate, OWNER),
    onClose: frames.closed,
    onBug: (what) => violate(`O10: ${what}`),
    ...bugs,
  });
  const over = new AbortController();
  const context: TabContext = {
    world,
    server,
    stores,
    ledger,
    loggedText: (runId) => loggedTextOf(disk, runId),
    over: over.signal,
    violate,
  };
  const open = (device: Device): Tab => openTab(context, device, () => `${device.name}-${++device.marks}`);

  function openDevice(name: string, account: string, tabs: number): Device {
    const network = createNetwork(world, name, ratesOf(plan));
    const shared = createSharedBrowser(world, name);
    const device: Device = {
      name,
      account,
      network,
      shared,
      offset: 0,
      offline: false,
      healed: 0,
      marks: 0,
      tabs: [],
    };
    device.tabs = Array.from({ length: tabs }, () => open(device));
    if (on("abort")) stores.device(name).aborts = plan.rough ? 0.01 : 0.002;
    return device;
  }

  if (on("disk")) disk.setFailing(plan.rough ? 0.02 : 0.004);
  const idOf = (n: number): string => createUuidV7(world.now(), world.chance(`document ${n}`).bytes);
  const scene: SimulatedScene = {
    world,
    ids: Array.from({ length: plan.documents }, (_, n) => idOf(n)),
    devices: plan.devices.map((tabs, n) => openDevice(`d${n}`, OWNER, tabs)),
    stranger: undefined,
    stores,
    ledger,
    disk,
    server,
    rotten: new Set(),
    totals: { edits: 0, kills: 0 },
    welcome: (name, account) => (scene.stranger ??= openDevice(name, account, 1)),
    openTab: open,
    context,
    over,
  };
  return scene;
}

function ratesOf({ rough, off }: Plan): Rates {
  const rate = (fault: Fault, often: number, seldom: number): number => (off.has(fault) ? 0 : rough ? often : seldom);
  return {
    cut: rate("cut", 0.06, 0.01),
    halfOpen: rate("half-open", 0.015, 0.003),
    duplicate: rate("duplicate", 0.1, 0.1),
    lost: rate("http", 0.2, 0.05),
  };
}

/** Trouble, then peace, then judgement. */
async function play(plan: Plan, scene: SimulatedScene, violations: readonly string[], violate: (what: string) => void) {
  const { world, devices, ids } = scene;
  for (const event of plan.events) world.after(event.at, () => happen(event, scene));
  await world.run(plan.trouble);
  heal(scene, plan.wakes);
  for (const id of ids) for (const { tabs } of devices) for (const tab of tabs) tab?.open(id);
  for (const why of await comeToRest(scene, violations, plan.wakes ? REST_FOR : FOUND_WITHIN)) violate(`O9: ${why}`);
  if (violations.length === 0) await judge(scene, scene.context, violate);
}

function heal(scene: Scene, wakes: boolean): void {
  scene.world.note("everything heals");
  scene.disk.setFailing(0);
  scene.server.heal();
  for (const device of everybody(scene)) {
    device.network.heal();
    Object.assign(scene.stores.device(device.name), { full: false, aborts: 0 });
    if (wakes || device.offline) for (const tab of device.tabs) tab?.wake();
  }
}

/** Waits until all is at rest, and stays so while digests are compared; answers what is not. */
async function comeToRest(scene: Scene, violations: readonly string[], restFor: number): Promise<string[]> {
  let restedFor = 0;
  let found = 0;
  let why: string[] = [];
  for (let waited = 0; waited < REST_WITHIN; waited += 2 * SECOND) {
    await scene.world.run(2 * SECOND);
    why = unquiet(scene);
    const differing = differences(scene);
    if (differing > found) why.push("copies were found to differ");
    found = differing;
    restedFor = why.length === 0 ? restedFor + 2 * SECOND : 0;
    if (restedFor >= restFor || violations.length > 0) return [];
  }
  return why;
}

/** How often copies were found to differ, or were replaced. What replaced them is compared in its turn. */
const differences = ({ server, devices }: Scene): number =>
  server.noticed("diverged") + server.noticed("live-copy-wrong") + healedOf(devices);

const healedOf = (devices: readonly Device[]): number => devices.reduce((sum, { healed }) => sum + healed, 0);

const reportOf = ({ totals, ledger, server, devices, world }: Scene, violations: string[]): SimulationReport => ({
  ...totals,
  acknowledged: [...ledger.all()].filter((mark) => mark.acknowledged).length,
  runs: server.provided.size,
  diverged: server.noticed("diverged"),
  mended: server.noticed("live-copy-wrong"),
  healed: healedOf(devices),
  steps: world.steps(),
  lasted: world.now(),
  violations,
  story: world.story(),
});
