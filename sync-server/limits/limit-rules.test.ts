import { expect, test } from "vitest";
import { createInProcessLimiter } from "./in-process-limiter.ts";
import type { LimitKeys, LimitKind } from "./limiter.ts";

const OFFICE = Array.from({ length: 200 }, (_, person) => `person-${person}`);
const address = "198.51.100.7";

/** How many of these are refused when they come all at once. */
async function refusedOf(kind: LimitKind, all: readonly LimitKeys[]): Promise<number> {
  const limiter = createInProcessLimiter();
  const outcomes = await Promise.all(all.map((keys) => limiter.take(kind, keys)));
  return outcomes.filter(({ ok }) => !ok).length;
}

const times = <T>(count: number, one: T): T[] => Array.from({ length: count }, () => one);

test.each<[string, LimitKind, LimitKeys[]]>([
  ["an office whose 200 people open the app on two devices for the first time", "guest", times(400, { address })],
  ["an office that signs up in one hour", "sign-up", times(200, { address })],
  ["an office that asks for its mails in one hour", "mail", OFFICE.map((name) => ({ address, name }))],
  ["an office that opens the page to sign in, and reloads it", "challenge", times(400, { address })],
  ["an office of which every second person mistypes", "sign-in", times(100, { address })],
  ["an office that runs ten prompts each", "run", OFFICE.flatMap((accountId) => times(10, { address, accountId }))],
  [
    "an office whose devices all connect again, and read some pages of the feed, after a restart",
    "sync",
    OFFICE.flatMap((accountId) => times(40, { address, accountId, workspaceId: "office" })),
  ],
  ["a device that catches up on 10,000 documents", "sync", times(50 + 20, { address, accountId: "one" })],
  ["a week of prompts that go out at once", "run", times(200, { address, accountId: "one", workspaceId: "own" })],
  ["a lecture hall that opens a link", "share", times(500, { address })],
])("%s is not refused", async (_, kind, all) => {
  expect(await refusedOf(kind, all)).toBe(0);
});

test("who guesses the password of one account is stopped after ten, and the owner elsewhere still gets in", async () => {
  const limiter = createInProcessLimiter();
  const guesses = times(10_000, { address, name: "owner" });
  const outcomes = await Promise.all(guesses.map((keys) => limiter.take("sign-in", keys)));
  expect(outcomes.filter(({ ok }) => ok)).toHaveLength(10);
  expect(await limiter.take("sign-in", { address: "203.0.113.9", name: "owner" })).toMatchObject({ ok: true });
  // What was refused used nothing up: others at the guesser's address get in too.
  expect(await limiter.take("sign-in", { address, name: "colleague" })).toMatchObject({ ok: true });
});

test("guesses at one account from everywhere end at a hundred", async () => {
  const crowd = Array.from({ length: 1_000 }, (_, at) => ({ address: `10.0.${at >> 8}.${at & 255}`, name: "owner" }));
  expect(await refusedOf("sign-in", crowd)).toBe(900);
});

test("one password tried on many accounts ends at a hundred", async () => {
  expect(
    await refusedOf(
      "sign-in",
      OFFICE.map((name) => ({ address, name })),
    ),
  ).toBe(100);
});

test("a mailbox gets five mails an hour, whoever asks from wherever", async () => {
  const crowd = Array.from({ length: 20 }, (_, at) => ({ address: `10.0.0.${at}`, name: "mailbox" }));
  expect(await refusedOf("mail", crowd)).toBe(15);
});
