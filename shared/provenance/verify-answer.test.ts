import { beforeAll, expect, test } from "vitest";
import type { FrozenContent, FrozenMessage } from "#shared/domain/frozen-content.ts";
import { CONTINUE_INSTRUCTION, askedJson, promptOf } from "#shared/domain/prompt.ts";
import { canonicalJson } from "#shared/lib/canonical-json.ts";
import { SETTINGS, SIGNED_AT, aContent, aParty, frozen, macOf, sha256 } from "#tests/support/signing-party.ts";
import type { SigningParty, Turn } from "#tests/support/signing-party.ts";
import { RECEIPT_TYPE } from "./receipt.ts";
import { openKeyring } from "./signing-keys.ts";
import { verifyAnswer, verifyAnswers } from "./verify-answer.ts";
import type { AnswerMark } from "./verify-answer.ts";

const TURNS: readonly Turn[] = [
  { prompt: "What is red?", answer: "A rose – 🌹." },
  { prompt: "And blue?", answer: "The sky.", reasoning: "Think of colours." },
];
let party: SigningParty;
let content: FrozenContent;
beforeAll(async () => {
  party = await aParty();
  content = await aContent(party, TURNS);
});

const marksOf = (of: FrozenContent, keys = [party.key]): Promise<(AnswerMark | undefined)[]> =>
  verifyAnswers(of, { keys }, sha256);
const said = (mark: AnswerMark | undefined): string | undefined =>
  mark?.type === "unverified" ? mark.reason : mark?.type;
const saidOf = async (of: FrozenContent, keys = [party.key]): Promise<(string | undefined)[]> =>
  (await marksOf(of, keys)).map(said);

/** The content with one message changed, chained anew. */
const changed = (index: number, change: (message: FrozenMessage) => object, settings = SETTINGS): FrozenContent =>
  frozen(
    content.messages.map((one, at) => (at === index ? { ...one, ...change(one) } : one)),
    settings,
  );
const withRun = (change: object) => (message: FrozenMessage) => ({ run: { ...message.run, ...change } });
const withReceipt = (receipt: string | undefined): FrozenContent => changed(1, withRun({ receipt }));

test("answers that are as they were delivered are verified, by what was signed", async () => {
  const marks = await marksOf(content);
  expect(marks.map(said)).toEqual([undefined, "verified", undefined, "verified"]);
  expect(marks[3]).toMatchObject({
    kid: party.key.kid,
    receipt: { model: "openai/gpt-x", resolvedModel: "gpt-x-2026-01-01", iat: SIGNED_AT },
  });
  expect(await verifyAnswer(content, 3, { keys: [party.key] }, sha256)).toEqual(marks[3]);
  expect(await verifyAnswer(content, 0, { keys: [party.key] }, sha256)).toBeUndefined();
});

test("what was asked is one JSON text, however its pieces come", () => {
  const asked = promptOf(
    "Be brief",
    [
      { role: "user", text: 'a\ud800 \u2028 "\\ \u0007 🗼' },
      { role: "assistant", text: "" },
    ],
    "half",
  );
  expect(asked.map(({ role }) => role)).toEqual(["system", "user", "assistant", "user"]);
  expect(asked.at(-1)?.text).toBe(CONTINUE_INSTRUCTION);
  const whole = { messages: asked, model: "m", parameters: { topP: 1, temperature: undefined } };
  expect(askedJson(asked, whole.model, whole.parameters)).toBe(canonicalJson(whole));
});

test("other words, or other reasoning, are edited, and what follows was asked something else", async () => {
  const edited = ["edited", undefined, "verified-other-context"];
  expect((await saidOf(changed(1, () => ({ text: "A rose." })))).slice(1)).toEqual(edited);
  expect(await saidOf(changed(3, () => ({ reasoning: "Think." })))).toEqual([
    undefined,
    "verified",
    undefined,
    "edited",
  ]);
  expect(await saidOf(changed(3, () => ({ reasoning: undefined })))).toEqual([
    undefined,
    "verified",
    undefined,
    "edited",
  ]);
});

test("another prompt, system prompt or parameter is another context", async () => {
  const other = "verified-other-context";
  expect(await saidOf(changed(2, () => ({ text: "And green?" })))).toEqual([undefined, "verified", undefined, other]);
  expect(await saidOf(changed(0, () => ({ text: "What is green?" })))).toEqual([undefined, other, undefined, other]);
  const settings = { ...SETTINGS, systemPrompt: "Be long." };
  expect(await saidOf(changed(0, () => ({}), settings))).toEqual([undefined, other, undefined, other]);
  expect(await saidOf(changed(3, withRun({ parameters: { topP: 0.6 } })))).toEqual([
    undefined,
    "verified",
    undefined,
    other,
  ]);
  // The model that the chat is set to by now was not asked.
  expect(await saidOf(changed(0, () => ({}), { ...SETTINGS, model: "other/model" }))).toEqual([
    undefined,
    "verified",
    undefined,
    "verified",
  ]);
});

test.each([
  [{ model: "openai/other" }],
  [{ resolvedModel: "gpt-x-2030-01-01" }],
  [{ resolvedModel: undefined }],
  [{ systemFingerprint: "fp_1" }],
  [{ endedAt: 5 }],
  [{ status: "interrupted" }],
  [{ finish: "length" }],
])("facts that were not signed are not vouched for: %o", async (facts) => {
  expect((await saidOf(changed(1, withRun(facts))))[1]).toBe("other-facts");
});

test("a receipt is good for its own run alone", async () => {
  expect((await saidOf(withReceipt(content.messages[3]?.run?.receipt)))[1]).toBe("other-message");
  expect((await saidOf(changed(1, withRun({ id: content.messages[3]!.run!.id }))))[1]).toBe("other-message");
});

test("a copy of an answer, which has an id of its own, is verified as long as it is where it was asked for", async () => {
  const id = "01980000-0000-7000-8000-00000000beef";
  expect(await saidOf(changed(1, () => ({ id })))).toEqual([undefined, "verified", undefined, "verified"]);
  const [prompt, , second, answer] = content.messages;
  const moved = frozen([prompt!, { ...answer!, id }, second!]);
  expect((await saidOf(moved))[1]).toBe("verified-other-context");
});

test("text that was carried on is part of what was asked", async () => {
  const carrying = await aContent(party, [{ prompt: "Count", answer: "one two three", carried: 7 }]);
  expect(await saidOf(carrying)).toEqual([undefined, "verified"]);
  const lying = await aContent(party, [
    { prompt: "Count", answer: "one two three", carried: 7, claims: { carried: 8 } },
  ]);
  expect(await saidOf(lying)).toEqual([undefined, "verified-other-context"]);
});

test("a receipt of another server, or of a key that was retired before, says nothing", async () => {
  const other = await aParty();
  expect((await saidOf(content, [other.key]))[1]).toBe("other-server");
  expect((await saidOf(content, []))[1]).toBe("other-server");
  // A foreign key under a known name.
  expect((await saidOf(content, [{ ...other.key, kid: party.key.kid }]))[1]).toBe("other-server");
  expect((await saidOf(content, [{ ...party.key, retiredAt: SIGNED_AT * 1000 - 1 }]))[1]).toBe("key-retired");
  expect((await saidOf(content, [{ ...party.key, retiredAt: SIGNED_AT * 1000 }, other.key]))[1]).toBe("verified");
});

test("a receipt that was signed when its key was over says nothing, and when both were is told", async () => {
  const [signedAt, exp] = [SIGNED_AT * 1000, SIGNED_AT];
  const expired = { type: "unverified", reason: "key-expired", signedAt, endedAt: signedAt };
  expect(await marksOf(content, [{ ...party.key, exp }])).toEqual([undefined, expired, undefined, expired]);
  expect(await saidOf(content, [{ ...party.key, exp: SIGNED_AT + 1 }])).toEqual([
    undefined,
    "verified",
    undefined,
    "verified",
  ]);
  const retiredAt = signedAt - 5;
  const retired = { type: "unverified", reason: "key-retired", signedAt, endedAt: retiredAt };
  expect((await marksOf(content, [{ ...party.key, exp, retiredAt }]))[1]).toEqual(retired);
});

const base64 = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");

test("what is no signature of ours is refused, each with its reason", async () => {
  const receipt = content.messages[1]!.run!.receipt!;
  const [head = "", payload = "", signature = ""] = receipt.split(".");
  const header = (alg: string): string => base64({ alg, kid: party.key.kid, typ: RECEIPT_TYPE });
  const claims = JSON.parse(Buffer.from(payload, "base64url").toString()) as object;
  const expected: readonly (readonly [string | undefined, string])[] = [
    [undefined, "no-receipt"],
    ["", "malformed"],
    ["a.b.c", "malformed"],
    [`${head}.${payload}`, "malformed"],
    [`${receipt}.`, "malformed"],
    [`${receipt}=`, "malformed"],
    [`${header("none")}.${payload}.`, "alg-none"],
    [`${header("nOnE")}.${payload}.${signature}`, "alg-none"],
    [macOf(Buffer.from(party.key.x, "base64url"), `${header("HS256")}.${payload}`), "wrong-alg"],
    [macOf(party.key.x, `${header("EdDSA")}.${payload}`), "malformed"],
    [`${head}.${payload}.${Buffer.alloc(64).toString("base64url")}`, "bad-signature"],
    [`${head}.${base64({ ...claims, model: "openai/other" })}.${signature}`, "bad-signature"],
    [await party.sign("holdfast-snapshot+jwt", claims), "malformed"],
    [await party.sign(RECEIPT_TYPE, claims, { jku: "https://evil.example" }), "malformed"],
    [await party.sign(RECEIPT_TYPE, { ...claims, more: 1 }), "malformed"],
    [await party.sign(RECEIPT_TYPE, { ...claims, output: "x" }), "malformed"],
  ];
  for (const [jws, reason] of expected) expect([jws, (await saidOf(withReceipt(jws)))[1]]).toEqual([jws, reason]);
});

test("no bit of a receipt can be changed", async () => {
  const receipt = content.messages[1]!.run!.receipt!;
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  let tried = 0;
  for (const [at, letter] of Array.from(receipt).entries()) {
    if (letter === ".") continue;
    const other = alphabet[alphabet.indexOf(letter) ^ (1 << (at % 6))] ?? "";
    const forged = receipt.slice(0, at) + other + receipt.slice(at + 1);
    const mark = await verifyAnswer(withReceipt(forged), 1, { keys: [party.key] }, sha256);
    expect(mark?.type).toBe("unverified");
    tried += 1;
  }
  expect(tried).toBeGreaterThan(500);
});

test("verifying 200 messages costs little more than their signatures do", async () => {
  const words = "It was a bright cold day in April, and the clocks were striking thirteen. ".repeat(12);
  const turns = Array.from({ length: 100 }, (_, index) => ({
    prompt: `${index} ${words.slice(0, 200)}`,
    answer: `${index} ${words}`,
  }));
  const long = await aContent(party, turns);
  expect(long.messages).toHaveLength(200);
  const receipts = long.messages.flatMap(({ run }) => run?.receipt ?? []);
  expect(receipts).toHaveLength(100);
  const times = { all: Infinity, signatures: Infinity };
  // The best of some rounds of each, in turns: whatever else the machine does slows down both.
  for (let round = 0; round < 12; round++) {
    const before = performance.now();
    const keyring = openKeyring({ keys: [party.key] });
    await Promise.all(receipts.map((receipt) => keyring.check(receipt, party.key.kid)));
    const between = performance.now();
    const marks = await marksOf(long);
    times.all = Math.min(times.all, performance.now() - between);
    times.signatures = Math.min(times.signatures, between - before);
    expect(new Set(marks.map(said))).toEqual(new Set([undefined, "verified"]));
  }
  // Quadratic work, which this is about, would make it hundreds.
  expect(times.all / times.signatures).toBeLessThan(15);
});
