import fc from "fast-check";
import { expect, test } from "vitest";
import { formatRunEvent, parseRunEvent } from "#shared/protocol/run-events.ts";
import type { RunEvent } from "#shared/protocol/run-events.ts";
import { SseOverflow, createSseReader } from "./sse-reader.ts";
import type { SseEvent } from "./sse-reader.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

function readCut(bytes: Uint8Array, cuts: readonly number[]): SseEvent[] {
  const reader = createSseReader();
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
  return places.flatMap((place, i) => reader.push(bytes.subarray(place, places[i + 1] ?? bytes.length)));
}

const lineEnd = fc.constantFrom("\n", "\r\n", "\r");
const line = fc.oneof(
  fc.constantFrom(": hb", "", "data", "data:", "data: ", "id: 7", "id:", "event: d", "retry: 1000", "data:🎉 é"),
  fc.string({ unit: "grapheme" }).map((text) => `data: ${text.replace(/[\r\n]/g, "")}`),
);

test("the same events come out, wherever the bytes were cut", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(line, lineEnd)), fc.array(fc.nat()), (lines, cuts) => {
      const bytes = encode(lines.flat().join(""));
      expect(readCut(bytes, cuts)).toEqual(readCut(bytes, []));
    }),
    { numRuns: 500 },
  );
});

test("what the server writes is what the reader reads", () => {
  const events: RunEvent[] = [
    { type: "s", seq: 1, v: 1, run: "r", msg: "m", state: "streaming", attempt: 1 },
    { type: "d", seq: 2, c: "t", o: 0, t: "two\nlines 🎉\r\u2028" },
    { type: "stall", seq: undefined, ms: 20_000 },
    { type: "end", seq: 3, state: "completed", len: { t: 14, r: 0 } },
  ];
  const text = `: hb\n\nretry: 1000\n\n${events.map(formatRunEvent).join(": hb\n\n")}`;
  fc.assert(
    fc.property(fc.array(fc.nat(), { maxLength: 40 }), (cuts) => {
      const read = readCut(encode(text), cuts).map(({ name, data, id }) => parseRunEvent(name, data, id));
      expect(read).toEqual(events);
    }),
  );
});

test("an id belongs to its own event only, so a heartbeat or a stall moves no cursor", () => {
  expect(readCut(encode("id: 4\nevent: d\ndata: x\n\nevent: stall\ndata: y\n\n"), [])).toEqual([
    { name: "d", data: "x", id: "4" },
    { name: "stall", data: "y", id: undefined },
  ]);
});

test("a stream that never ends an event is given up, not collected", () => {
  const reader = createSseReader(100);
  expect(() => {
    for (let i = 0; i < 20; i++) reader.push(encode("data: 0123456789\n"));
  }).toThrow(SseOverflow);
  const oneLine = createSseReader(100);
  expect(() => oneLine.push(encode("x".repeat(200)))).toThrow(SseOverflow);
});
