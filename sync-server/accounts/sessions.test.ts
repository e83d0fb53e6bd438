import { afterAll, beforeAll, expect, test } from "vitest";
import type { AccountId } from "#shared/domain/ids.ts";
import type { PolicyEvent } from "#server/bus/policy-bus.ts";
import { openSignInApp } from "#tests/support/sign-in-app.ts";
import type { SignInApp } from "#tests/support/sign-in-app.ts";
import { openAccountSessions } from "./sessions.ts";

let app: SignInApp;
beforeAll(async () => void (app = await openSignInApp()));
afterAll(() => app.close());

async function aGuest(): Promise<AccountId> {
  const browser = app.browser();
  await browser.becomeGuest();
  return (await browser.me()).accountId as AccountId;
}

test("who names another's session ends nothing, and nothing that is open under it is closed", async () => {
  const published: PolicyEvent[] = [];
  const sessions = openAccountSessions(app.database, { publish: (event) => void published.push(event) });
  const [ada, eve] = [await aGuest(), await aGuest()];
  const [id = ""] = await sessions.idsOf(ada);
  expect(await sessions.endOne(eve, id)).toBe(false);
  expect(await sessions.idsOf(ada)).toEqual([id]);
  expect(published).toEqual([]);

  expect(await sessions.endOne(ada, id)).toBe(true);
  expect(published).toEqual([{ type: "session-ended", sessionId: id }]);
  expect(await sessions.endOne(ada, id)).toBe(false);
  expect(published).toHaveLength(1);
});
