import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { cpus } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { percentile } from "./process-figures.ts";
import { openSyncClient } from "./sync-client.ts";
import type { SyncClient } from "./sync-client.ts";
import { contestants } from "./sync-peers.ts";
import type { BenchServer, Contestant } from "./sync-peers.ts";

// `npm run bench -- sync`: the sync server beside its peers, each a process of its own, under the same load.
// SECONDS is the length of each load, TURNS how often each figure is taken (the median is printed), ONLY names loads and
// WITH a contestant.
const SECONDS = Number(process.env["SECONDS"] ?? 8);
const TURNS = Number(process.env["TURNS"] ?? 3);
const ROOMS = 200;
const PACED_PER_SECOND = 1_000;
/** updates each writer keeps in flight at saturation */
const WINDOW = 8;
const READERS = 200;
const IDLE_ROOMS = 2_000;
const LONG_DOCUMENT = 5_000;
const KILLED_ROOMS = 50;
/** how long a server that shows nothing may still be reading its store: y-websocket-server answers before it has */
const LOADING_MS = 8_000;

type Figures = Record<string, number>;

async function openClients(server: BenchServer, count: number, document?: string): Promise<SyncClient[]> {
  const clients: SyncClient[] = [];
  const { port, dialect } = server;
  for (let at = 0; at < count; at++) {
    const cookie = server.cookie(at);
    clients.push(await openSyncClient({ port, dialect, cookie, document: document ?? server.newDocument() }));
  }
  return clients;
}

async function openDocuments(server: BenchServer, documents: readonly string[]): Promise<SyncClient[]> {
  const { port, dialect } = server;
  const clients: SyncClient[] = [];
  for (const [at, document] of documents.entries())
    clients.push(await openSyncClient({ port, dialect, cookie: server.cookie(at), document }));
  return clients;
}

/** How much text each document holds, once asking again finds no more. */
async function lengthsOf(server: BenchServer, documents: readonly string[]): Promise<number[]> {
  const readers = await openDocuments(server, documents);
  const until = performance.now() + LOADING_MS;
  let lengths: number[] = [];
  for (let before = -1; before !== sum(lengths) || (sum(lengths) === 0 && performance.now() < until);) {
    before = sum(lengths);
    await sleep(2_000);
    lengths = await Promise.all(readers.map(async (reader) => (await reader.text()).length));
  }
  closeAll(readers);
  return lengths;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

const closeAll = (clients: readonly SyncClient[]): void => {
  for (const client of clients) client.close();
};

/** Spreads writes evenly over clients and time. Answers how long it really took, in ms. */
async function pace(clients: readonly SyncClient[], perSecond: number, seconds: number): Promise<number> {
  const startedAt = performance.now();
  const total = perSecond * seconds;
  for (let done = 0; done < total;) {
    const due = Math.min(total, Math.floor(((performance.now() - startedAt) * perSecond) / 1000));
    for (; done < due; done++) clients[done % clients.length]?.write("word ");
    await sleep(1);
  }
  return performance.now() - startedAt;
}

async function settled(clients: readonly SyncClient[], ms = 10_000): Promise<void> {
  const until = performance.now() + ms;
  while (performance.now() < until && clients.some((client) => client.alive() && client.inFlight() > 0)) await sleep(5);
}

/** 1,000 updates a second over 200 rooms: how long until they are taken, and what they cost. */
async function paced(server: BenchServer): Promise<Figures> {
  const clients = await openClients(server, ROOMS);
  await pace(clients, PACED_PER_SECOND, 1);
  await settled(clients);
  await server.loopDelayMs();
  const before = { cpu: server.cpuMs(), taken: clients.map(({ waits }) => waits.length) };
  await pace(clients, PACED_PER_SECOND, SECONDS);
  await settled(clients);
  const cpu = server.cpuMs() - before.cpu;
  const loop = await server.loopDelayMs();
  const waits = clients.flatMap((client, at) => client.waits.slice(before.taken[at]));
  closeAll(clients);
  return {
    "paced: ack p50, ms": percentile(waits, 0.5),
    "paced: ack p99, ms": percentile(waits, 0.99),
    "paced: CPU per update, µs": (cpu * 1000) / waits.length,
    "paced: event loop delay p99, ms": loop,
    "paced: taken of sent, %": (100 * waits.length) / (PACED_PER_SECOND * SECONDS),
  };
}

/** Every writer keeps a window of updates in flight; then kill -9, and what is there after a restart was durable. */
async function saturated(server: BenchServer): Promise<Figures> {
  const documents = Array.from({ length: ROOMS }, () => server.newDocument());
  const clients = await openDocuments(server, documents);
  const startedAt = performance.now();
  const cpuBefore = server.cpuMs();
  const end = startedAt + SECONDS * 1000;
  await Promise.all(
    clients.map(async (client) => {
      while (performance.now() < end && client.alive()) {
        while (client.inFlight() < WINDOW) client.write("w");
        await client.next();
      }
    }),
  );
  const seconds = (performance.now() - startedAt) / 1000;
  const cpu = server.cpuMs() - cpuBefore;
  const taken = sum(clients.map((client) => client.taken()));
  await server.kill();
  closeAll(clients);
  await server.restart();
  const durable = sum(await lengthsOf(server, documents));
  return {
    "saturated: confirmed updates/s": taken / seconds,
    "saturated: CPU per confirmed update, µs": (cpu * 1000) / taken,
    "saturated, then kill -9: durable updates/s": durable / seconds,
    "saturated, then kill -9: CPU per durable update, µs": durable > 0 ? (cpu * 1000) / durable : Number.NaN,
  };
}

/** One room, one writer of 50 updates a second, 200 readers. */
async function fanOut(server: BenchServer): Promise<Figures> {
  const document = server.newDocument();
  const [writer] = await openClients(server, 1, document);
  if (!writer) throw new Error("no writer");
  writer.write("first ");
  await settled([writer]);
  const delays: number[] = [];
  let writtenAt = 0;
  const readers: SyncClient[] = [];
  const { port, dialect } = server;
  const onUpdate = (): void => void delays.push(performance.now() - writtenAt);
  for (let at = 0; at < READERS; at++)
    readers.push(await openSyncClient({ port, dialect, cookie: server.cookie(at), document, onUpdate }));
  const cpuBefore = server.cpuMs();
  const rounds = SECONDS * 50;
  for (let at = 0; at < rounds; at++) {
    writtenAt = performance.now();
    writer.write("word ");
    await sleep(20);
  }
  await settled([writer]);
  const cpu = server.cpuMs() - cpuBefore;
  closeAll([writer, ...readers]);
  return {
    "200 readers: delay p50, ms": percentile(delays, 0.5),
    "200 readers: delay p99, ms": percentile(delays, 0.99),
    "200 readers: CPU per delivery, µs": (cpu * 1000) / delays.length,
    "200 readers: delivered, %": (100 * delays.length) / (rounds * READERS),
  };
}

/** 2,000 rooms with a few words each and one silent socket each. */
async function idle(server: BenchServer): Promise<Figures> {
  const before = server.rssMb();
  const clients = await openClients(server, IDLE_ROOMS);
  for (const client of clients) client.write("a few words ");
  await settled(clients);
  await sleep(3_000);
  const cpuBefore = server.cpuMs();
  await sleep(SECONDS * 1000);
  const cpu = server.cpuMs() - cpuBefore;
  const rss = server.rssMb();
  closeAll(clients);
  return { "2,000 idle rooms: MB added": rss - before, "2,000 idle rooms: CPU, %": cpu / (SECONDS * 10) };
}

/** A document of 5,000 edits, opened after a restart. */
async function coldJoin(server: BenchServer): Promise<Figures> {
  const document = server.newDocument();
  const [writer] = await openClients(server, 1, document);
  if (!writer) throw new Error("no writer");
  // Slow enough for everybody's limits, and long enough for everybody to store it.
  await pace([writer], 150, LONG_DOCUMENT / 150);
  await settled([writer]);
  await sleep(11_000);
  writer.close();
  await server.kill();
  await server.restart();
  const startedAt = performance.now();
  const [reader] = await openClients(server, 1, document);
  const ms = performance.now() - startedAt;
  const bytes = (await reader?.ask())?.byteLength ?? 0;
  const length = (await reader?.text())?.length ?? 0;
  reader?.close();
  return {
    "cold join of 5,000 edits: ms": ms,
    "cold join: kB sent": bytes / 1000,
    "cold join: found, %": (100 * length) / (LONG_DOCUMENT * "word ".length),
  };
}

/** kill -9 under load: what was confirmed and is gone after the restart. */
async function killed(server: BenchServer): Promise<Figures> {
  const documents = Array.from({ length: KILLED_ROOMS }, () => server.newDocument());
  const clients = await openDocuments(server, documents);
  const load = pace(clients, 500, 3);
  await sleep(2_500);
  await server.kill();
  await load;
  const taken = clients.map((client) => client.taken());
  closeAll(clients);
  await server.restart();
  const found = (await lengthsOf(server, documents)).map((length) => length / "word ".length);
  const lost = sum(taken.map((count, at) => Math.max(0, count - (found[at] ?? 0))));
  return { "kill -9: confirmed": sum(taken), "kill -9: of them lost": lost };
}

async function measure(contestant: Contestant): Promise<Figures> {
  const figures: Figures = {};
  for (const scenario of [paced, saturated, fanOut, idle, coldJoin, killed]) {
    if (process.env["ONLY"] !== undefined && !process.env["ONLY"].split(",").includes(scenario.name)) continue;
    const server = await contestant.open();
    try {
      Object.assign(figures, await scenario(server));
    } finally {
      await server.close();
    }
    process.stderr.write(`  ${contestant.name}: ${scenario.name} ${JSON.stringify(figures)}\n`);
  }
  return figures;
}

/** Turns are interleaved, so that whatever else the machine does meets everybody. */
async function run(): Promise<void> {
  const all = contestants().filter(({ name }) => name.includes(process.env["WITH"] ?? ""));
  const taken = new Map<string, Figures[]>(all.map(({ name }) => [name, []]));
  for (let turn = 0; turn < TURNS; turn++)
    for (const contestant of all) taken.get(contestant.name)?.push(await measure(contestant));
  const names = all.map(({ name }) => name);
  const rows = Object.keys(taken.get(all[0]?.name ?? "")?.[0] ?? {});
  const cell = (name: string, row: string): string => {
    const median = percentile(
      (taken.get(name) ?? []).map((figures) => figures[row] ?? Number.NaN),
      0.5,
    );
    if (Number.isNaN(median)) return "–";
    return median >= 100 ? Math.round(median).toLocaleString("en") : median.toFixed(1);
  };
  const [cpu] = cpus();
  const lines = [
    `${new Date().toISOString().slice(0, 10)}, Node ${process.version}, ${cpus().length} x ${cpu?.model.trim() ?? "?"}, medians of ${TURNS}, ${SECONDS} s each`,
    "",
    `| | ${names.join(" | ")} |`,
    `| --- |${names.map(() => " --: |").join("")}`,
    ...rows.map((row) => `| ${row} | ${names.map((name) => cell(name, row)).join(" | ")} |`),
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
}

if (process.env["PEERS"] !== "off" && !existsSync("tests/bench/peers/node_modules")) {
  process.stderr.write("Installing the peers (once; better-sqlite3 compiles) …\n");
  spawnSync("npm", ["ci", "--no-audit", "--no-fund"], { cwd: "tests/bench/peers", stdio: "inherit" });
}
await run();
