import { expect, test } from "vitest";
import { CloseCode } from "#shared/protocol/close-codes.ts";
import { RESTART_MS, mayRestart } from "./restart-state.ts";

const ended = (code: number) => ({ code, startedAt: 0 });

test.each([CloseCode.gone, CloseCode.oldEpoch])("C7: %i is final for the document, whatever happens", (code) => {
  for (const news of ["wake", "session"] as const) expect(mayRestart(1e12, ended(code), news)).toBe(false);
});

test("C7: a session that works again brings back what ended for the lack of one, and nothing else", () => {
  expect(mayRestart(RESTART_MS, ended(CloseCode.unauthenticated), "session")).toBe(true);
  expect(mayRestart(RESTART_MS, ended(CloseCode.invalid), "session")).toBe(false);
});

test.each([CloseCode.unauthenticated, CloseCode.forbidden, CloseCode.invalid, CloseCode.appTooOld])(
  "C7: after %i a wake-up tries again, but not more than once in ten seconds",
  (code) => {
    expect(mayRestart(RESTART_MS - 1, ended(code), "wake")).toBe(false);
    expect(mayRestart(RESTART_MS, ended(code), "wake")).toBe(true);
  },
);
