import { expect, test } from "vitest";
import { formatRunEvent, parseRunEvent } from "./run-events.ts";
import type { RunEvent } from "./run-events.ts";

const events: RunEvent[] = [
  { type: "s", seq: 1, v: 1, run: "r", msg: "m", state: "streaming", attempt: 1 },
  { type: "d", seq: 2, c: "t", o: 0, t: 'line\nbreak \u2028 "quoted" 🎉' },
  { type: "snap", seq: 9, ch: { t: "all", r: "" }, state: "streaming" },
  {
    type: "end",
    seq: 10,
    state: "failed",
    failure: { code: "rate_limited", retryable: true, retryAt: 5 },
    len: { t: 3, r: 0 },
  },
  { type: "retry", seq: undefined, class: "server", at: 7, n: 2, max: 3 },
  { type: "bye", seq: undefined, reason: "deploy" },
];

test("every event reads back as it was written, on one data line", () => {
  for (const event of events) {
    const lines = formatRunEvent(event).split("\n");
    const field = (name: string) => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
    expect(lines.filter((line) => line.startsWith("data:"))).toHaveLength(1);
    expect(parseRunEvent(field("event")!, field("data")!, field("id"))).toEqual(event);
  }
});

test("an unknown name and mangled data read as nothing", () => {
  expect(parseRunEvent("tool", "{}", "1")).toBeUndefined();
  expect(parseRunEvent("toString", "{}", "1")).toBeUndefined();
  expect(parseRunEvent("d", '{"c":"t","o":', "1")).toBeUndefined();
  expect(parseRunEvent("d", '{"c":"t","o":"0","t":""}', "1")).toBeUndefined();
});

test("a failure code of a newer server still reads as a failure", () => {
  const data = '{"state":"failed","failure":{"code":"sunspots","retryable":true},"len":{"t":0,"r":0}}';
  expect(parseRunEvent("end", data, "3")).toMatchObject({ failure: { code: "internal", retryable: true } });
});
