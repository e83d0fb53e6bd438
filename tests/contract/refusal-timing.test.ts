import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WORKSPACE_PARAMETER } from "#shared/protocol/account-header.ts";
import type { Operation } from "#server/http/operation.ts";
import { OPERATIONS } from "#server/http/operations.ts";
import { conversationRoom, newId, problemOf, send } from "#tests/support/attacked-server.ts";
import { knock } from "#tests/support/knock.ts";
import type { Caller } from "#tests/support/policy-cast.ts";
import { variationsOf } from "#tests/support/policy-ids.ts";
import { RECIPES, ask } from "#tests/support/policy-requests.ts";
import type { Ids } from "#tests/support/policy-requests.ts";
import { openPolicyServer } from "#tests/support/policy-server.ts";
import type { PolicyServer } from "#tests/support/policy-server.ts";
import { inWorkspace } from "#tests/support/written-chat.ts";

/** How often each question is asked. */
const TIMES = 25;
/** How far the medians may be apart. */
const APART_MS = 20;

let server: PolicyServer;
let target: PolicyServer["target"];
let cast: PolicyServer["cast"];
let outsider: Caller;
const apart: number[] = [];

beforeAll(async () => {
  server = await openPolicyServer();
  ({ target, cast } = server);
  outsider = server.caller("outsider");
}, 120_000);
afterAll(async () => {
  process.stdout.write(
    `refusal timing: ${apart.length} pairs, medians at most ${Math.max(...apart).toFixed(1)} ms apart\n`,
  );
  await server?.close();
});

const timeOf = async (act: () => Promise<unknown>): Promise<number> => {
  const at = performance.now();
  await act();
  return performance.now() - at;
};
const median = (times: readonly number[]): number => times.toSorted((a, b) => a - b)[times.length >> 1] ?? 0;

/** How far the medians of both are apart, in ms. Asked by turns, so that whatever else the machine does hits both. */
async function apartOf(foreign: () => Promise<unknown>, unknown: () => Promise<unknown>): Promise<number> {
  const [ofForeign, ofUnknown]: [number[], number[]] = [[], []];
  for (let n = 0; n < TIMES; n += 1) {
    ofForeign.push(await timeOf(foreign));
    ofUnknown.push(await timeOf(unknown));
  }
  const difference = Math.abs(median(ofForeign) - median(ofUnknown));
  apart.push(difference);
  return difference;
}

const nameOf = ({ method, path }: Operation): string => `${method.toUpperCase()} ${path}`;
/** Those that are refused for an id in their path. A run that was never started, or stopped, is made by its id. */
const NAMED = OPERATIONS.filter(
  ({ path, method, action }) =>
    path.includes(":") && action !== "anybody" && method !== "put" && !path.endsWith("/stop"),
).map((operation) => [nameOf(operation), operation] as const);

/** Ids of the outsider's, with those of the path somebody else's. */
function idsOf(operation: Operation, label: RegExp): Ids[] {
  return variationsOf(cast, RECIPES[nameOf(operation)]?.ids ?? {}, outsider, "home")
    .filter((variation) => label.test(variation.label))
    .map(({ ids }) => ids);
}

const actingIn = (workspaceId: () => string) => async () => {
  const headers = { ...outsider.headers, ...inWorkspace(workspaceId()) };
  expect(problemOf(await send(target.port, { path: "/api/me", headers }))).toBe("not_found");
};
const opening =
  (id: () => string, epoch: number, { headers } = outsider, query = "") =>
  async () => {
    const path = `/sync/${conversationRoom(id()).replace(/0$/, String(epoch))}${query}`;
    const { closed } = await knock(target.url, { path, headers, until: () => false });
    expect(closed).toBe(4404);
  };

describe("C33: what is somebody else's is refused as fast as what never was", () => {
  test.each(NAMED)("%s", async (name, operation) => {
    const asking = (ids: Ids | undefined) => async () => {
      const answer = await ask(cast, operation, RECIPES[name] ?? {}, { headers: outsider.headers, ids: ids ?? {} });
      expect(problemOf(answer)).toBe("not_found");
    };
    const unknown = idsOf(operation, /of never was/).at(-1);
    const foreign = idsOf(operation, /^\w+ of victim/);
    expect(foreign.length).toBeGreaterThan(0);
    for (const ids of foreign) expect(await apartOf(asking(ids), asking(unknown))).toBeLessThan(APART_MS);
  });

  test("a workspace that a request says it acts in", async () => {
    const unknown = actingIn(newId);
    for (const id of [cast.victimsTeam, cast.people.victim.me.workspaceId])
      expect(
        await apartOf(
          actingIn(() => id),
          unknown,
        ),
      ).toBeLessThan(APART_MS);
  });

  test("a room of a socket", async () => {
    const { conversationId } = cast.people.victim.home;
    // In a later epoch nobody claims what never was.
    const unknown = opening(newId, 1);
    for (const epoch of [0, 1])
      expect(
        await apartOf(
          opening(() => conversationId, epoch),
          unknown,
        ),
      ).toBeLessThan(APART_MS);
  });

  test.each(["team guest", "reading token"] as const)("a room of a socket, to a %s", async (name) => {
    const query = name === "team guest" ? `?${WORKSPACE_PARAMETER}=${cast.team}` : "";
    const open = (id: () => string) => opening(id, 0, server.caller(name), query);
    const { conversationId } = cast.people.victim.home;
    expect(
      await apartOf(
        open(() => conversationId),
        open(newId),
      ),
    ).toBeLessThan(APART_MS);
  });
});
