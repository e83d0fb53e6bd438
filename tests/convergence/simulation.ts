import type { ConversationDocument } from "#shared/documents/conversation.ts";
import { canonicalContent } from "#shared/documents/canonical-content.ts";
import type { MessageId } from "#shared/domain/ids.ts";
import type { RunFacts } from "#shared/domain/run.ts";
import { createUuidV7 } from "#shared/lib/uuid.ts";
import { createDevice } from "./device.ts";
import type { Claims, Device } from "./device.ts";
import { createNetwork } from "./network.ts";
import { createSimulatedServer } from "./server.ts";
import type { ServerFaults } from "./server.ts";
import { createWorld } from "./world.ts";

export interface SimulationOptions {
  seed: number;
  devices?: number;
  /** simulated ms with faults, before everything heals */
  trouble?: number;
  server?: Partial<ServerFaults>;
}

export interface SimulationReport {
  edits: number;
  kills: number;
  acknowledged: number;
  /** each broken promise, in words; empty for a seed that holds */
  violations: string[];
  story: readonly string[];
}

const HEALING_MS = 180_000;
const MARK = /<([a-z]\d-\d+)>/g;

/**
 * Devices of one account edit one conversation against one server, while the network cuts, swallows and
 * repeats, tabs die, the store fails and the server is killed. Then all heals, and the oracles are asked:
 * - O1 what was acknowledged is in the store, at the moment of the acknowledgement and ever after
 * - R6 nothing is shown to a device that is not durable
 * - O2 all copies end up equal to the store
 * - O3 no copy has pending structs
 * - O9 every edit that was to last is delivered, once
 */
export function simulate(options: SimulationOptions): SimulationReport {
  const world = createWorld(options.seed);
  const violations: string[] = [];
  const violate = (what: string): void => {
    if (violations.length < 5) violations.push(`${world.now() % 100_000_000}: ${what}`);
  };
  // Half of the worlds are rough: little gets through at once there, so that retries meet retries.
  const rough = world.chance(0.5);
  const server = createSimulatedServer(world, { commitFails: rough ? 0.1 : 0.02, lies: 0, ...options.server });
  const acknowledged = new Set<string>();
  let edits = 0;
  let kills = 0;

  let cached: { version: number; marks: ReadonlySet<string> } = { version: -1, marks: new Set() };
  const durableMarks = (): ReadonlySet<string> => {
    if (cached.version !== server.version()) cached = { version: server.version(), marks: marksOf(server.durable()) };
    return cached.marks;
  };

  const claims: Claims = {
    settled(device, marks) {
      for (const mark of marks) {
        acknowledged.add(mark);
        if (!durableMarks().has(mark)) violate(`O1: ${device} was told that ${mark} is saved, and it is not stored`);
      }
    },
    shown(device, conversation, own) {
      for (const mark of marksOf(conversation))
        if (!own.has(mark) && !durableMarks().has(mark)) violate(`R6: ${device} sees ${mark}, which is not stored`);
    },
    refused: (device, code) => violate(`an honest edit of ${device} was refused: ${code}`),
    diverged: (device) => violate(`C9: ${device} diverged`),
  };

  const networks = Array.from({ length: options.devices ?? 3 }, () =>
    createNetwork(world, { cut: rough ? 0.1 : 0.02, halfOpen: rough ? 0.02 : 0.005, duplicate: 0.1 }),
  );
  const devices = networks.map((network, index) => createDevice(world, `d${index}`, server, network, claims));
  for (const device of devices) device.start();

  const repeat = (low: number, high: number, until: number, what: () => void): void => {
    world.after(world.delay(low, high), () => {
      if (world.now() > until) return;
      what();
      repeat(low, high, until, what);
    });
  };
  const end = world.now() + (options.trouble ?? 40_000);
  for (const device of devices) {
    repeat(50, 4_000, end, () => {
      edits += 1;
      device.edit();
    });
    repeat(5_000, 60_000, end, () => note(`${device.name} restarts`, device.restart));
  }
  for (const [index, network] of networks.entries()) {
    repeat(4_000, 40_000, end, () => {
      const down = world.chance(0.4);
      note(`network of d${index} ${down ? "down" : "up"}`, () => network.setDown(down));
      if (down) network.cutAll();
    });
    repeat(3_000, 40_000, end, () => devices[index]?.wake());
  }
  repeat(3_000, 30_000, end, () =>
    note("server killed", () => {
      kills += 1;
      server.kill();
    }),
  );
  repeat(200, 5_000, end, () => server.edit((conversation) => relayEdit(conversation)));
  repeat(400, 500, end + HEALING_MS, () => server.tick());

  function note(line: string, act: () => void): void {
    world.note(line);
    act();
  }

  let frame = 0;
  /** What the relay does in a run: an empty answer, then checkpoints. */
  function relayEdit(conversation: ConversationDocument): void {
    const last = conversation.branch().at(-1);
    if (last?.role === "assistant" && last.run) {
      frame += 1;
      const run: RunFacts = { ...last.run, frame: last.run.frame + 1, status: "streaming" };
      conversation.appendAnswer(last.id, { text: ` token${frame}`, reasoning: "", run });
    } else if (last) {
      const id = createUuidV7(world.now(), world.random.bytes) as MessageId;
      const run: RunFacts = {
        runId: id,
        model: "m",
        parameters: {},
        status: "queued",
        frame: 0,
        queuedAt: world.now(),
      };
      conversation.startAnswer({ id, parentId: last.id, createdAt: world.now(), run });
    }
  }

  world.run(end - world.now());
  for (const network of networks) network.heal();
  server.heal();
  for (const device of devices) device.wake();
  world.run(HEALING_MS);
  judge(devices, server.durable(), durableMarks(), acknowledged, violate);
  return { edits, kills, acknowledged: acknowledged.size, violations, story: world.story() };
}

function judge(
  devices: readonly Device[],
  durable: ConversationDocument,
  marks: ReadonlySet<string>,
  acknowledged: ReadonlySet<string>,
  violate: (what: string) => void,
): void {
  for (const mark of acknowledged) if (!marks.has(mark)) violate(`O1: ${mark} was acknowledged and is gone`);
  const stored = canonicalContent(durable.doc);
  for (const device of devices) for (const what of faultsOf(device, stored, marks)) violate(what);
  const drafted = [...durable.draft.toJSON().matchAll(MARK)].map(([, mark]) => mark);
  if (new Set(drafted).size !== drafted.length) violate("O9: an edit of the draft is there twice");
}

function* faultsOf(device: Device, stored: string, marks: ReadonlySet<string>): Generator<string> {
  const { name } = device;
  const { doc } = device.conversation();
  const { pending, connection } = device.view();
  for (const mark of device.lastingMarks())
    if (!marks.has(mark)) yield `O9: ${mark}, kept by ${name}, never reached the store`;
  if (connection !== "live") yield `O9: ${name} is ${connection}`;
  if (pending) yield `O9: ${name} still has something pending`;
  if (canonicalContent(doc) !== stored) yield `O2: ${name} differs from the store`;
  if (doc.store.pendingStructs !== null || doc.store.pendingDs !== null) yield `O3: ${name} has pending structs`;
}

/** Each edit of a device also sets a tag of its own that nothing ever removes. */
const marksOf = (conversation: ConversationDocument): ReadonlySet<string> =>
  new Set(conversation.summary().tags.filter((tag) => /^d\d-/.test(tag)));
