import fc from "fast-check";
import { expect, test } from "vitest";
import { createSseParser } from "./sse-parser.ts";
import type { SseEvent } from "./sse-parser.ts";

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const parse = (...pieces: Uint8Array[]): SseEvent[] => {
  const parser = createSseParser();
  return pieces.flatMap((piece) => parser.push(piece) ?? []);
};
const data = (text: string) => ({ type: "event", name: "message", data: text });

test.each(["\n", "\r\n", "\r"])("D4: lines may end with %j", (newline) => {
  const text = ["\uFEFFdata: a", ": hello", "data: b", "", "event: x", "data:c", "", "data: cut off"].join(newline);
  expect(parse(bytesOf(text))).toEqual([{ type: "comment" }, data("a\nb"), { type: "event", name: "x", data: "c" }]);
});

test("D4: the same events for every way to cut the bytes", () => {
  const line = fc.oneof(
    fc.constantFrom("data: 🙂é", "data:", ": c", "event: e", "id: 1", "data: [DONE]", ""),
    fc.string(),
  );
  const cuts = fc.array(fc.nat(400), { maxLength: 12 });
  fc.assert(
    fc.property(fc.array(line, { maxLength: 20 }), fc.constantFrom("\n", "\r\n", "\r"), cuts, (lines, newline, at) => {
      const bytes = bytesOf(lines.map((text) => text + newline).join("") + newline);
      const edges = [0, ...at.filter((edge) => edge < bytes.length).toSorted((a, b) => a - b), bytes.length];
      const pieces = edges.slice(1).map((end, i) => bytes.subarray(edges[i], end));
      expect(parse(...pieces)).toEqual(parse(bytes));
    }),
  );
});

test("an event over the limit ends the parsing, however it comes", () => {
  const parser = createSseParser(100);
  expect(parser.push(bytesOf(`data: ${"x".repeat(60)}\n`))).toEqual([]);
  expect(parser.push(bytesOf(`data: ${"x".repeat(60)}\n`))).toBeUndefined();
  expect(parser.push(bytesOf("\n\ndata: a\n\n"))).toBeUndefined();
  expect(createSseParser(100).push(bytesOf("x".repeat(101)))).toBeUndefined();
});
