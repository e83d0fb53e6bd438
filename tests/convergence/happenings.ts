import type { ConversationId } from "#shared/domain/ids.ts";
import { edit, follow, keystroke, send, stop, takeBack, type } from "./deeds.ts";
import type { Disk } from "./disk.ts";
import type { SimulatedStores } from "./indexed-db.ts";
import type { Ledger } from "./ledger.ts";
import { SERVER } from "./plan.ts";
import type { PlannedEvent } from "./plan.ts";
import { rot } from "./rot.ts";
import { principalOf } from "./server.ts";
import type { SimulatedServer } from "./server.ts";
import type { Device, Tab } from "./tab.ts";
import type { Chance, World } from "./world.ts";

/** Everything there is in a simulation, for those who make things happen in it and those who judge it. */
export interface Scene {
  world: World;
  /** the documents */
  ids: readonly string[];
  devices: readonly Device[];
  /** somebody of another account, once they came */
  stranger: Device | undefined;
  stores: SimulatedStores;
  ledger: Ledger;
  disk: Disk;
  server: SimulatedServer;
  /** documents of which some copy rotted: what was healed is there twice, in other words */
  rotten: Set<string>;
  totals: { edits: number; kills: number };
  /** A new device with one tab. */
  welcome(name: string, account: string): Device;
  /** A new tab of a device. */
  openTab(device: Device): Tab;
}

interface At {
  device: Device;
  /** where the tab is among those of its device */
  place: number;
  tab: Tab | undefined;
  id: string;
  chance: Chance;
}
type OnDevice = (at: At, scene: Scene) => void;
type OnServer = (at: Pick<At, "id" | "chance">, scene: Scene) => void;

export const OWNER = "owner";
export const STRANGER = "stranger";
const DAY = 24 * 60 * 60_000;
const JUMPS = [-7 * DAY, -3_600_000, -30_000, 30_000, 3_600_000, 7 * DAY];
const AWAY_EDITS = 2_000;
const AWAY_GAP_MS = 12;

const withTab =
  (deed: (tab: Tab, at: At, scene: Scene) => void): OnDevice =>
  (at, scene) => {
    if (at.tab) deed(at.tab, at, scene);
  };

const ON_DEVICE: Partial<Record<PlannedEvent["what"], OnDevice>> = {
  edit: withTab((tab, { id, chance }, { totals }) => {
    totals.edits += 1;
    edit(tab, id, chance);
  }),
  look: withTab((tab, { id }) => void tab.open(id)),
  leave: withTab((tab, { id }) => tab.leave(id)),
  send: withTab((tab, { id }) => send(tab, id)),
  follow: withTab((tab, { id }) => follow(tab, id)),
  stop: withTab((tab, { id, chance }) => stop(tab, id, chance)),
  "take-back": withTab((tab, { id, chance }, { ledger }) => takeBack(tab, id, chance, ledger.takenBack)),
  rot: withTab((tab, { id, chance }, { rotten }) => {
    const doc = tab.documents.find(id as ConversationId)?.doc;
    if (doc && rot(doc, chance)) rotten.add(id);
  }),
  // What one tab writes is late, and the person goes on in the next.
  stall: withTab((tab, { id, chance, device: { network, tabs } }, { world }) => {
    network.stall(tab.owner, chance.delay(500, 8_000));
    type(tab, id);
    const next = tabs.find((other) => other !== undefined && other !== tab);
    if (next) world.after(chance.delay(100, 2_000), () => type(next, id), next.owner);
  }),
  "tab-kill": withTab((tab, at, scene) => killTab(tab, at, scene)),
  down({ device, chance }, { world }) {
    const { network, tabs } = device;
    network.setDown(true);
    if (chance.is(0.5)) network.cutAll();
    // A browser that said "offline" says "online" as well; one that said nothing may.
    const told = chance.is(0.5);
    if (told) for (const tab of tabs) tab?.goOffline();
    device.offline ||= told;
    const tells = told || chance.is(0.5);
    world.after(chance.delay(500, 15_000), () => {
      network.setDown(false);
      device.offline = false;
      if (tells) for (const tab of device.tabs) tab?.wake();
    });
  },
  wake({ device, chance }) {
    for (const tab of device.tabs) {
      if (chance.is(0.5)) tab?.wake();
      else tab?.hide();
    }
  },
  quota({ device, chance }, { world, stores }) {
    const store = stores.device(device.name);
    store.full = true;
    world.after(chance.delay(1_000, 12_000), () => void (store.full = false));
  },
  "force-close": ({ device }, { stores }) => stores.device(device.name).closeAll(),
  evict({ device }, { stores, ledger }) {
    ledger.evicted(device.name);
    for (const tab of device.tabs) tab?.storeLost();
    stores.device(device.name).evict();
  },
  clock: ({ device, chance }, scene) => setClock(device, JUMPS[chance.below(JUMPS.length)] ?? 0, scene),
  locks: ({ device }) => device.shared.shareLocks(3_000),
  away,
};

const ON_SERVER: Partial<Record<PlannedEvent["what"], OnServer>> = {
  "server-kill"(_, { server, totals }) {
    totals.kills += 1;
    server.kill();
  },
  clock: ({ chance }, { server }) => server.jump(JUMPS[chance.below(JUMPS.length)] ?? 0),
  rot({ id, chance }, { server, rotten }) {
    const done = server
      .rooms()
      ?.read(principalOf(OWNER), id as ConversationId, ({ doc }) => rot(doc, chance) && rotten.add(id));
    done?.catch(() => undefined);
  },
  stranger({ chance }, { welcome, disk, ids }) {
    const [tab] = welcome("s0", STRANGER).tabs;
    for (const id of ids) if (tab && disk.headOf(id) > 0) edit(tab, id, chance);
  },
};

/** Makes one planned thing happen. */
export function happen(event: PlannedEvent, scene: Scene): void {
  const { world, devices, ids } = scene;
  const chance = world.chance(`event ${event.number}`);
  const id = ids[event.document % ids.length] ?? "";
  const device = devices[event.device];
  if (event.what !== "edit") world.note(`${event.what} on ${device?.tabs[event.tab]?.name ?? event.device}`);
  if (event.device === SERVER) ON_SERVER[event.what]?.({ id, chance }, scene);
  else if (device)
    ON_DEVICE[event.what]?.({ device, place: event.tab, tab: device.tabs[event.tab], id, chance }, scene);
}

function killTab(tab: Tab, { device, place, chance }: At, { world, openTab }: Scene): void {
  tab.kill(chance.is(0.5));
  device.tabs[place] = undefined;
  world.after(chance.delay(50, 5_000), () => void (device.tabs[place] = openTab(device)));
}

function setClock(device: Device, jump: number, { world, ledger }: Scene): void {
  device.offset += jump;
  ledger.clockSet(device.name, world.now() + device.offset);
}

/** Seven days without a network, with 2,000 edits: what time passes for this device passes for everybody. */
function away({ device, place, id }: At, scene: Scene): void {
  const { world, devices, server } = scene;
  const { network } = device;
  network.setDown(true);
  network.cutAll();
  for (let n = 0; n < AWAY_EDITS; n++)
    world.after(n * AWAY_GAP_MS, () => {
      const tab = device.tabs[place];
      if (tab) keystroke(tab, id, n % 100 === 0);
    });
  world.after(AWAY_EDITS * AWAY_GAP_MS + 1_000, () => {
    for (const one of devices) setClock(one, 7 * DAY, scene);
    server.jump(7 * DAY);
    network.setDown(false);
    for (const tab of device.tabs) tab?.wake();
  });
}
