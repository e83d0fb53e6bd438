import { expect, test } from "vitest";
import { createMemoryStorage } from "#client/platform/memory-storage.ts";
import { createSmallStorage } from "#client/platform/small-storage.ts";
import type { PublishedKey } from "#shared/provenance/signing-keys.ts";
import { createFakeClock } from "#tests/support/fake-clock.ts";
import { aContent, aFile, aParty } from "#tests/support/signing-party.ts";
import { openVerifier } from "./open-verifier.ts";
import type { AnswerMarks } from "./verifier.ts";

const TURNS = [{ prompt: "What is red?", answer: "A rose." }];

/** A device, and a server that publishes keys or cannot be reached. */
function aDevice() {
  const storage = createMemoryStorage();
  const server = { keys: [] as PublishedKey[], reached: true, silent: false, asked: 0 };
  const clock = createFakeClock();
  const fetch = async (_input: unknown, init?: RequestInit): Promise<Response> => {
    server.asked++;
    if (server.silent)
      return await new Promise((_resolve, reject) => {
        init?.signal?.addEventListener("abort", () => reject(new DOMException("given up", "AbortError")));
      });
    if (!server.reached) throw new TypeError("no network");
    return Response.json({ keys: server.keys });
  };
  return {
    server,
    later: (ms: number) => clock.advance(ms),
    /** a page of it that begins */
    page: () =>
      openVerifier({
        fetch,
        clock,
        smallStorage: createSmallStorage(() => storage),
        accountId: "ann",
      }),
  };
}

const said = (shown: AnswerMarks[]) =>
  shown.map((one) => {
    if (one.type === "no-keys") return one.type;
    const [, mark] = one.marks;
    return mark?.type === "unverified" ? mark.reason : mark?.type;
  });

async function marked(verifier: ReturnType<typeof openVerifier>, content: Awaited<ReturnType<typeof aContent>>) {
  const shown: AnswerMarks[] = [];
  await verifier.markAnswers(content, (marks) => shown.push(marks));
  return said(shown);
}

test("keys that came once are there without a network, in a later page too", async () => {
  const party = await aParty();
  const content = await aContent(party, TURNS);
  const { server, page } = aDevice();
  server.keys = [party.key];
  expect(await marked(page(), content)).toEqual(["verified"]);
  server.reached = false;
  expect(await marked(page(), content)).toEqual(["verified"]);
});

test("without keys nothing is said of who wrote an answer, until they come", async () => {
  const party = await aParty();
  const content = await aContent(party, TURNS);
  const { server, page } = aDevice();
  server.reached = false;
  server.keys = [party.key];
  const verifier = page();
  expect(await marked(verifier, content)).toEqual(["no-keys"]);
  server.reached = true;
  expect(await marked(verifier, content)).toEqual(["verified"]);
});

test("a key that is not known is asked for, and what it signed is shown again", async () => {
  const [old, fresh] = [await aParty(), await aParty()];
  const { server, page } = aDevice();
  server.keys = [old.key];
  const verifier = page();
  expect(await marked(verifier, await aContent(old, TURNS))).toEqual(["verified"]);
  server.keys = [fresh.key, old.key];
  expect(await marked(verifier, await aContent(fresh, TURNS))).toEqual(["other-server", "verified"]);
  const file = await aFile(fresh, await aContent(fresh, TURNS));
  expect((await verifier.checkFile(file)).verdict).toMatchObject({ type: "intact", trust: "trusted" });
});

test("a server that was asked lately is not asked again, and later is: a key may be retired by then", async () => {
  const party = await aParty();
  const content = await aContent(party, TURNS);
  const { server, page, later } = aDevice();
  server.keys = [party.key];
  const verifier = page();
  await marked(verifier, content);
  expect(await marked(verifier, content)).toEqual(["verified"]);
  expect(server.asked).toBe(1);
  server.keys = [{ ...party.key, retiredAt: 1 }];
  later(300_001);
  expect(await marked(verifier, content)).toEqual(["verified", "key-retired"]);
});

test("a file of another server is told from one whose server cannot be asked", async () => {
  const [own, other] = [await aParty(), await aParty()];
  const file = await aFile(other, await aContent(other, TURNS));
  const { server, page } = aDevice();
  server.reached = false;
  expect(await page().checkFile(file)).toMatchObject({ verdict: { type: "other-server" }, keysKnown: false });
  server.reached = true;
  server.keys = [own.key];
  const verifier = page();
  expect(await verifier.checkFile(file)).toMatchObject({ verdict: { type: "other-server" }, keysKnown: true });
  expect(await verifier.checkByItself(file)).toMatchObject({ type: "intact", trust: "self-claimed" });
});

test("on a connection that is dead a file is checked with the keys that are here, at once", async () => {
  const party = await aParty();
  const content = await aContent(party, TURNS);
  const file = await aFile(party, content);
  const { server, page, later } = aDevice();
  server.keys = [party.key];
  await marked(page(), content);
  later(300_001);
  server.silent = true;
  expect(await page().checkFile(file)).toMatchObject({
    verdict: { type: "intact", trust: "trusted" },
    keysKnown: true,
  });
});

test("a request for keys that is never answered is given up, and made again", async () => {
  const party = await aParty();
  const file = await aFile(party, await aContent(party, TURNS));
  const { server, page, later } = aDevice();
  server.keys = [party.key];
  server.silent = true;
  const verifier = page();
  const checking = verifier.checkFile(file);
  later(8_000);
  server.silent = false;
  // Without keys it is one of a server that is not known, which is asked about once more.
  expect(await checking).toMatchObject({ verdict: { type: "intact", trust: "trusted" }, keysKnown: true });
  expect(server.asked).toBe(2);
});
