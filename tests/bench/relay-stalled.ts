import { connect } from "node:net";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { createUuidV7 } from "#shared/lib/uuid.ts";
import { median, rssMbOf } from "./process-figures.ts";
import type { Parties } from "./relay-parties.ts";
import { textOf } from "./relay-text.ts";

/** More than fit into the buffers of a connection, however often they are followed. */
const TOKENS = 200_000;
const WAIT_MS = 60_000;
const LOOK_MS = 50;

/** A run that nobody reads on, and what the server needed for it. */
interface Stalled {
  followers: number;
  state: string;
  whole: boolean;
  elapsedMs: number;
  /** the most it grew by */
  grownMb: number;
}

const newId = (): string => createUuidV7(Date.now(), (length) => crypto.getRandomValues(new Uint8Array(length)));

/** Follows a run on a connection of its own, of which nothing is read. */
function followBlindly({ server, guest }: Parties, run: string): Socket {
  const socket = connect(server.port, "127.0.0.1");
  socket.on("error", () => undefined); // being dropped is an answer
  socket.pause();
  socket.write(
    `GET /api/runs/${run}/events HTTP/1.1\r\nhost: localhost:${server.port}\r\ncookie: ${guest.cookie}\r\naccept: text/event-stream\r\n\r\n`,
  );
  return socket;
}

async function runStalled(parties: Parties, followers: number): Promise<Stalled> {
  const { server, guest, conversations } = parties;
  await parties.restart();
  const run = newId();
  const pid = server.pid();
  // One that is read to the end, so that what an answer of this length needs by itself is there already.
  await parties.people.play({
    url: server.url,
    relay: parties.relay,
    slots: 1,
    runs: 1,
    spreadMs: 0,
    tokens: TOKENS,
    everyMs: 0,
  });
  const before = rssMbOf(pid);
  let most = before;
  const looking = setInterval(() => (most = Math.max(most, rssMbOf(pid))), LOOK_MS);
  const startedAt = performance.now();
  await guest.fetch(`/api/runs/${run}`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ...conversations[1], messageId: newId(), model: `bench/t${TOKENS}e0`, parameters: {} }),
  });
  const sockets = Array.from({ length: followers }, () => followBlindly(parties, run));
  let snapshot = { state: "queued", text: "" };
  while (["queued", "streaming"].includes(snapshot.state) && performance.now() - startedAt < WAIT_MS) {
    await sleep(LOOK_MS);
    snapshot = (await (await guest.fetch(`/api/runs/${run}`)).json()) as typeof snapshot;
  }
  const elapsedMs = performance.now() - startedAt;
  clearInterval(looking);
  for (const socket of sockets) socket.destroy();
  const { state, text } = snapshot;
  return { followers, state, whole: text === textOf(TOKENS), elapsedMs, grownMb: most - before };
}

/** A table of runs followed by nobody, by one and by many who never read. */
export async function measureStalled(parties: Parties, turns: number): Promise<string[]> {
  const lines = [
    `| ${TOKENS.toLocaleString("en")} tokens, flooded; followers who never read | state | whole | tokens/s | server grew by, MB |`,
    "| ---: | --- | --- | ---: | ---: |",
  ];
  for (const followers of [0, 1, 32]) {
    const taken: Stalled[] = [];
    for (let turn = 0; turn < turns; turn++) taken.push(await runStalled(parties, followers));
    const states = [...new Set(taken.map(({ state }) => state))].join(", ");
    const rate = Math.round((TOKENS / median(taken.map(({ elapsedMs }) => elapsedMs))) * 1000).toLocaleString("en");
    const grown = median(taken.map(({ grownMb }) => grownMb)).toFixed(1);
    lines.push(
      `| ${followers} | ${states} | ${taken.every(({ whole }) => whole) ? "yes" : "no"} | ${rate} | ${grown} |`,
    );
  }
  return lines;
}
