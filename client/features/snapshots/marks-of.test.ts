import { expect, test } from "vitest";
import type { AnswerMarks, Verifier } from "#client/session/verifier.ts";
import type { AnswerMark } from "#shared/provenance/verify-answer.ts";
import { frozen } from "#tests/support/frozen.ts";
import { marksOf } from "./marks-of.ts";

const CONTENT = frozen(["Why tides?", "The Moon."]);
const UNVERIFIED = { type: "unverified", reason: "no-receipt" } as AnswerMark;

/** What checks, and shows these, one after the other. */
const showing =
  (...marks: AnswerMarks[]) =>
  async (): Promise<Verifier> =>
    ({
      markAnswers: async (_content, show) => marks.forEach(show),
    }) as Partial<Verifier> as Verifier;

test("an answer has its mark in words, and a prompt has none", async () => {
  const marks = await marksOf(showing({ type: "marked", marks: [undefined, UNVERIFIED] }), CONTENT);
  expect(marks).toEqual(["", expect.stringMatching(/unverified/iu)]);
});

test("keys that come from the server first are waited for; where none can be had nothing is said", async () => {
  const late = showing({ type: "no-keys" }, { type: "marked", marks: [undefined, UNVERIFIED] });
  expect(await marksOf(late, CONTENT)).toHaveLength(2);
  expect(await marksOf(showing({ type: "no-keys" }), CONTENT)).toEqual([]);
  expect(await marksOf(() => Promise.reject(new Error("no code")), CONTENT)).toEqual([]);
});

/** What shows what it can, and never ends. */
const hanging = async (): Promise<Verifier> =>
  ({
    markAnswers: (_content, show) => {
      show({ type: "marked", marks: [undefined, UNVERIFIED] });
      return new Promise<void>(() => undefined);
    },
  }) as Partial<Verifier> as Verifier;

test("what hangs in asking for newer keys holds no file back", async () => {
  expect(await marksOf(hanging, CONTENT)).toHaveLength(2);
});
