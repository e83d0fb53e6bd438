import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ConversationId } from "#shared/domain/ids.ts";
import { WORKSPACE_PARAMETER } from "#shared/protocol/account-header.ts";
import { BULK_TYPE, encodePull, encodePush } from "#shared/protocol/bulk-sync.ts";
import { MULTIPLEX_SUBPROTOCOL, encodeChannelMessage } from "#shared/protocol/multiplex.ts";
import { SYNC_SUBPROTOCOL, encodeFrame } from "#shared/protocol/sync-frames.ts";
import { newId, send } from "#tests/support/attacked-server.ts";
import type { Sent } from "#tests/support/attacked-server.ts";
import { knock } from "#tests/support/knock.ts";
import type { Caller, CallerName } from "#tests/support/policy-cast.ts";
import { openPolicyServer } from "#tests/support/policy-server.ts";
import type { PolicyServer } from "#tests/support/policy-server.ts";
import { anEdit, inWorkspace, runBody } from "#tests/support/written-chat.ts";

let server: PolicyServer;
let cast: PolicyServer["cast"];
const count = { compared: 0, different: 0 };

beforeAll(async () => {
  server = await openPolicyServer();
  ({ cast } = server);
}, 120_000);
afterAll(async () => {
  process.stdout.write(
    `doors: ${count.compared} answers about what is foreign compared, ${count.different} differed\n`,
  );
  await server?.close();
});

/** What an id is tried on, as one caller. */
interface Asker {
  headers: Record<string, string>;
  /** the workspace they act in; their own, or the one of their token, where absent */
  workspace: string | undefined;
}
/** Answers every byte that was heard. */
type Door = (asker: Asker, id: string) => Promise<string>;

async function http({ headers, workspace }: Asker, asked: Sent): Promise<string> {
  const { date: _, ...said } = await send(cast.port, {
    ...asked,
    headers: { origin: cast.url, ...headers, ...inWorkspace(workspace), ...asked.headers },
  }).then(({ status, headers: all, bytes }) => ({ status, ...all, bytes: bytes?.toString("latin1") }));
  return JSON.stringify(said);
}

const bulk = (path: string, body: Uint8Array): Sent => ({
  method: "POST",
  path: `/api/sync/${path}`,
  headers: { "content-type": BULK_TYPE },
  body: Buffer.from(body),
});
const starting = (runId: string, conversationId: string): Sent => ({
  method: "PUT",
  path: `/api/runs/${runId}`,
  headers: { "content-type": "application/json" },
  body: JSON.stringify(runBody({ conversationId, promptId: PROMPT, answerId: ANSWER })),
});
const [PROMPT, ANSWER] = [newId(), newId()];

const SAID = [
  encodeFrame({ type: "step1", stateVector: new Uint8Array([0]) }),
  encodeFrame({ type: "query-awareness" }),
  encodeFrame({ type: "update", update: anEdit("said") }),
];
const NO_EDIT = encodeFrame({ type: "update", update: new Uint8Array([1, 2, 3]) });
const NO_FRAME = new Uint8Array([9, 9, 9]);

/** Opens a room by a socket of its own, or by a channel of one, and says something before anything is answered. */
const opens =
  ({
    epoch = 0,
    kind = "conversation",
    say = [] as readonly Uint8Array[],
    by = "socket" as "socket" | "stock socket" | "channel",
  }): Door =>
  async ({ headers, workspace }, id) => {
    const query = workspace === undefined ? "" : `?${WORKSPACE_PARAMETER}=${workspace}`;
    const room = `${kind}.${id}.${epoch}`;
    const isChannel = by === "channel";
    const { heard, ...ended } = await knock(cast.url, {
      path: `/sync${isChannel ? "" : `/${room}`}${query}`,
      headers,
      protocols: isChannel ? [MULTIPLEX_SUBPROTOCOL] : by === "socket" ? [SYNC_SUBPROTOCOL] : [],
      say: isChannel
        ? [
            encodeChannelMessage({ type: "open", channel: 0, room }),
            ...say.map((frame) => encodeChannelMessage({ type: "frame", channel: 0, frame })),
          ]
        : say,
      until: (frames) => frames.length > 0,
    });
    return JSON.stringify({ ...ended, heard: heard.map((frame) => frame.toString("hex")) });
  };

/** What an id of a conversation can be tried on. `claims`: there who may write begins one where there is none. */
const CHAT_DOORS: Readonly<Record<string, { door: Door; claims?: true }>> = {
  "a socket": { door: opens({}), claims: true },
  "a socket, speaking at once": { door: opens({ say: SAID }), claims: true },
  "a socket, with what is no edit": { door: opens({ say: [NO_EDIT] }), claims: true },
  "a socket, with what is no frame": { door: opens({ say: [NO_FRAME] }), claims: true },
  "a socket in a later epoch": { door: opens({ epoch: 1, say: SAID }) },
  "a stock socket": { door: opens({ by: "stock socket", say: SAID }), claims: true },
  "a stock socket in a later epoch": { door: opens({ by: "stock socket", epoch: 7, say: SAID }) },
  "a channel": { door: opens({ by: "channel" }), claims: true },
  "a channel, speaking at once": { door: opens({ by: "channel", say: SAID }), claims: true },
  "a channel in a later epoch": { door: opens({ by: "channel", epoch: 1 }) },
  pull: {
    door: (asker, id) =>
      http(
        asker,
        bulk("pull", encodePull([0, 3].map((epoch) => ({ ...named(id, epoch), haveSeq: 0, stateVector: undefined })))),
      ),
  },
  push: {
    door: (asker, id) => http(asker, bulk("push", encodePush([{ ...named(id, 0), update: anEdit("pushed") }]))),
    claims: true,
  },
  "a push of what is no edit": {
    door: (asker, id) => http(asker, bulk("push", encodePush([{ ...named(id, 0), update: new Uint8Array([1, 2]) }]))),
    claims: true,
  },
  "a push to a later epoch": {
    door: (asker, id) => http(asker, bulk("push", encodePush([{ ...named(id, 1), update: anEdit("pushed") }]))),
  },
  erasing: { door: (asker, id) => http(asker, { method: "DELETE", path: `/api/conversations/${id}` }) },
  "a run in it": { door: (asker, id) => http(asker, starting(newId(), id)) },
};
const named = (id: string, epoch: number) => ({ id: id as ConversationId, epoch });

/** The same of an id of a run. `claims`: one that was never started can be started, and stopped before. */
const RUN_DOORS: Readonly<Record<string, { door: Door; claims?: true }>> = {
  "a run": { door: (asker, id) => http(asker, { path: `/api/runs/${id}` }) },
  "its events": { door: (asker, id) => http(asker, { path: `/api/runs/${id}/events` }) },
  "its events from a place on": { door: (asker, id) => http(asker, { path: `/api/runs/${id}/events?after=3&wait=1` }) },
  "stopping it": { door: (asker, id) => http(asker, { method: "POST", path: `/api/runs/${id}/stop` }), claims: true },
  "starting it": {
    door: (asker, id) => http(asker, starting(id, cast.people.victim.home.conversationId)),
    claims: true,
  },
};

const json = (method: string, path: string, body: object): Sent => ({
  method,
  path,
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body),
});

/** The same of an id of a snapshot. */
const SNAPSHOT_DOORS: Readonly<Record<string, { door: Door; claims?: true }>> = {
  "a socket of a snapshot": { door: opens({ kind: "snapshot" }) },
  "a socket of a snapshot, speaking at once": { door: opens({ kind: "snapshot", say: SAID }) },
  "a channel of a snapshot": { door: opens({ kind: "snapshot", by: "channel", say: SAID }) },
  "a snapshot": { door: (asker, id) => http(asker, { path: `/api/snapshots/${id}` }) },
  "its file": { door: (asker, id) => http(asker, { path: `/api/snapshots/${id}/file` }) },
  "labelling it": { door: (asker, id) => http(asker, json("PATCH", `/api/snapshots/${id}`, { title: "Mine" })) },
  "deleting it": { door: (asker, id) => http(asker, { method: "DELETE", path: `/api/snapshots/${id}` }) },
  "erasing it": { door: (asker, id) => http(asker, { method: "DELETE", path: `/api/snapshots/${id}?erase=true` }) },
  "duplicating it": {
    door: (asker, id) => http(asker, json("POST", `/api/snapshots/${id}/duplicate`, { conversationId: newId() })),
  },
  "a snapshot of a chat": {
    door: (asker, id) => http(asker, json("POST", "/api/snapshots", { id: newId(), conversationId: id })),
  },
};
const DOORS = { conversationId: CHAT_DOORS, runId: RUN_DOORS, snapshotId: SNAPSHOT_DOORS };

/** Who begins a chat where there is none, or a run. A token for writing opens no socket. */
const WRITERS: readonly CallerName[] = ["lone guest", "outsider", "former member", "member", "admin", "owner"];
const mayClaim = (caller: CallerName, place: "home" | "team", door: string): boolean =>
  (caller === "team guest" ? place === "home" : WRITERS.includes(caller)) ||
  (caller === "writing token" && door.includes("push")) ||
  (caller === "running token" && door in RUN_DOORS);

const IN_TEAM: readonly CallerName[] = ["team guest", "member", "admin", "owner"];
/** Every way somebody comes: at home or as whatever a token is good for, and in their team. */
function askersOf({ name, headers }: Caller): { place: "home" | "team"; asker: Asker }[] {
  const usual = { place: "home", asker: { headers, workspace: undefined } } as const;
  return IN_TEAM.includes(name) ? [usual, { place: "team", asker: { headers, workspace: cast.team } }] : [usual];
}

/** Everything that is somebody else's, or theirs in another workspace. */
function foreignTo({ name, person }: Caller, place: "home" | "team", what: keyof typeof DOORS): string[] {
  const { victim, owner, admin } = cast.people;
  const isToken = name.endsWith("token");
  const elsewhere = place === "home" && !isToken ? person?.inTeam : person?.home;
  const teammate = name === "owner" ? admin : owner;
  return [victim.home, victim.inTeam, teammate.inTeam, elsewhere].flatMap((chat) => (chat ? [chat[what]] : []));
}

describe.each(["conversationId", "runId", "snapshotId"] as const)(
  "P8: what is foreign is what never was, by its %s",
  (what) => {
    const doors = Object.entries(DOORS[what]);
    test.each(doors)("%s", async (name, { door, claims }) => {
      const cells = cast.callers.flatMap((caller) => askersOf(caller).map((one) => ({ caller, ...one })));
      const wrong = await Promise.all(
        cells.map(async ({ caller, place, asker }) => {
          const ids = foreignTo(caller, place, what);
          const [unknown, ...foreign] = await Promise.all([newId(), ...ids].map((id) => door(asker, id)));
          count.compared += foreign.length;
          const different = foreign.filter((one) => one !== unknown);
          const isClaimed = claims === true && mayClaim(caller.name, place, name);
          if (!isClaimed) count.different += different.length;
          const right = isClaimed ? different.length === foreign.length : different.length === 0;
          return right ? [] : [`${caller.name} at ${place}: ${unknown} of what never was, and ${different[0]}`];
        }),
      );
      expect(wrong.flat()).toEqual([]);
    });
  },
);

test("nothing of it was written, and the server is well", async () => {
  expect(count.compared).toBeGreaterThan(1_000);
  await server.target.expectUnharmed();
});
