import { afterAll, beforeAll, expect, test } from "vitest";
import { PASSWORD, newEmail, postAuth, signUp } from "#tests/support/account.ts";
import { openServerProcess } from "#tests/support/server-process.ts";
import type { ServerProcess } from "#tests/support/server-process.ts";

let server: ServerProcess;
const known = newEmail();
beforeAll(async () => {
  server = await openServerProcess({ env: { LIMITS: "off", LOG_LEVEL: "info" } });
  await signUp(server.url, known);
});
afterAll(async () => {
  await server?.close();
});

const WARM = 5;
const AT_ONCE = 20;
/** A busy machine is waited for; a difference that is there does not go away by waiting. */
const MOST_SAMPLES = 200;
const CLOSE_MS = 20;
const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

/** How long the answers to both take, in ms; asked in turns, so that what slows the machine slows both. */
async function medianTimes(path: string, bodies: readonly [() => object, () => object], status: number) {
  const times: [number[], number[]] = [[], []];

  async function ask(which: 0 | 1): Promise<number> {
    const body = bodies[which]();
    const before = performance.now();
    const response = await postAuth(server.url, path, body);
    await response.text();
    expect(response.status).toBe(status);
    return performance.now() - before;
  }

  for (let round = 0; round < WARM; round += 1) for (const which of [0, 1] as const) await ask(which);
  for (;;) {
    for (let round = 0; round < AT_ONCE; round += 1)
      for (const which of round % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)) times[which].push(await ask(which));
    const [there = 0, nowhere = 0] = times.map(median);
    if (times[0].length >= MOST_SAMPLES || (times[0].length > AT_ONCE && Math.abs(there - nowhere) < CLOSE_MS))
      return { there, nowhere };
  }
}

test.each<[string, string, [() => object, () => object], number]>([
  [
    "signing in with a wrong password",
    "sign-in",
    [() => ({ email: known, password: "not the password" }), () => ({ email: newEmail(), password: PASSWORD })],
    401,
  ],
  [
    "asking for a link to set a new one",
    "password/forgot",
    [() => ({ email: known }), () => ({ email: newEmail() })],
    204,
  ],
])(
  "C33: %s takes as long whether or not there is an account",
  async (what, path, bodies, status) => {
    const { there, nowhere } = await medianTimes(path, bodies, status);
    const figures = `${what}: ${there.toFixed(1)} ms with an account, ${nowhere.toFixed(1)} ms without`;
    expect(Math.abs(there - nowhere), figures).toBeLessThan(CLOSE_MS);
  },
  300_000,
);
