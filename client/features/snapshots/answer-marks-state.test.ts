import { expect, test } from "vitest";
import { formatDateTime } from "#client/ui/words/format-date.ts";
import { verifyAnswers } from "#shared/provenance/verify-answer.ts";
import { verifySnapshotFile } from "#shared/provenance/verify-snapshot-file.ts";
import { SIGNED_AT, aContent, aFile, aParty, frozen, sha256 } from "#tests/support/signing-party.ts";
import { marksByMessage, weightOf } from "./answer-marks-state.ts";
import { explanationOf, markName, markWords, marksLine } from "./mark-words.ts";
import { wordsOf } from "./verdict-words.ts";

const TURNS = [1, 2, 3, 4].map((turn) => ({ prompt: `Question ${turn}`, answer: `Answer ${turn}` }));

/** Four answers: as they were signed, changed, after a changed one, and without a receipt. */
async function fourAnswers() {
  const party = await aParty();
  const whole = await aContent(party, TURNS);
  const content = frozen(
    whole.messages.map((message, index) => {
      if (index === 3) return { ...message, text: "Other words" };
      return index === 7 && message.run ? { ...message, run: { ...message.run, receipt: undefined } } : message;
    }),
  );
  return { content, marks: await verifyAnswers(content, { keys: [party.key] }, sha256) };
}

test("the line counts what is verified, and says what the others are", async () => {
  const { marks } = await fourAnswers();
  const line = (of: typeof marks) => marksLine({ type: "marked", marks: of }, "server");
  expect(line(marks)).toBe("1 of 4 answers verified · 1 asked something else · 1 edited · 1 unverified");
  expect(line(marks.slice(0, 2))).toBe("1 of 1 answer verified");
  expect(line([undefined])).toBeUndefined();
  expect(marksLine({ type: "no-keys" }, "server")).toMatch(/when you're online/u);
});

test("every mark has words of its own, and the name of its button begins with those that are seen", async () => {
  const { marks } = await fourAnswers();
  const seen = [1, 3, 5, 7].map((index) => {
    const mark = marks[index];
    if (mark === undefined) throw new Error("an answer has a mark");
    const words = markWords(mark, "server");
    expect(markName(mark, "server", "M").startsWith(words)).toBe(true);
    expect(explanationOf(mark, "server", "M").join(" ")).not.toBe("");
    return [words, weightOf(mark, "server")];
  });
  expect(seen).toEqual([
    ["Verified", "good"],
    ["Edited", "warn"],
    ["Verified, asked something else", "plain"],
    ["Unverified: not signed", "plain"],
  ]);
});

test("by the keys of a file nothing is called verified", async () => {
  const { marks } = await fourAnswers();
  const mark = marks[1];
  if (mark === undefined) throw new Error("an answer has a mark");
  expect(markWords(mark, "file")).toBe("Agrees with the file's own keys");
  expect(weightOf(mark, "file")).toBe("plain");
  expect(explanationOf(mark, "file", "M").join(" ")).toMatch(/nobody else vouches/u);
  expect(marksLine({ type: "marked", marks }, "file")).toMatch(/^1 of 4 answers agree with the file's own keys/u);
});

test("a mark belongs to its message, also where two say the same id", async () => {
  const { content, marks } = await fourAnswers();
  const messages = content.messages.map((message) => ({ ...message, id: "the-same" }));
  const found = marksByMessage(messages, marks);
  expect(messages.map((message) => found.get(message))).toEqual(marks);
});

test.each([
  ["key-retired", { retiredAt: SIGNED_AT * 1000 - 86_400_000 }, "the key was retired", "its key was retired on"],
  ["key-expired", { exp: SIGNED_AT - 86_400 }, "the key had expired", "its key expired on"],
] as const)(
  "what was signed too late (%s) is a warning with both times, of an answer and of a file",
  async (type, end, short, long) => {
    const party = await aParty();
    const content = await aContent(party, TURNS);
    const keys = { keys: [{ ...party.key, ...end }] };
    const mark = (await verifyAnswers(content, keys, sha256))[1];
    if (mark === undefined) throw new Error("an answer has a mark");
    const times = [SIGNED_AT, SIGNED_AT - 86_400].map((at) => formatDateTime(at * 1000));
    const sentence = (what: string) => `This ${what} says it was signed on ${times[0]}, but ${long} ${times[1]}.`;
    expect([markWords(mark, "server"), weightOf(mark, "server")]).toEqual([`Unverified: ${short}`, "warn"]);
    expect(explanationOf(mark, "server", "M")).toEqual([sentence("answer")]);
    const bytes = await aFile(party, content);
    const checked = { verdict: await verifySnapshotFile(bytes, keys), keysKnown: true };
    expect(wordsOf({ type: "judged", name: "a.holdfast.json", bytes, checked })).toEqual({
      title: `Signed after its key ${type === "key-retired" ? "was retired" : "expired"}`,
      lines: [sentence("file")],
      kid: party.key.kid,
      weight: "warn",
    });
  },
);
