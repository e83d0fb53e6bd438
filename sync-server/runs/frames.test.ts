import fc from "fast-check";
import { expect, test } from "vitest";
import { createFrame, mergeFrames } from "./frame.ts";
import { FRAME_LENGTH, createFramer } from "./frames.ts";
import type { TextFrame } from "./frames.ts";

test("the first piece goes out at once, the next ones are gathered", () => {
  const framer = createFramer();
  expect(framer.push("t", "He")).toEqual([{ c: "t", o: 0, t: "He" }]);
  expect(framer.push("t", "l")).toEqual([]);
  expect(framer.push("t", "lo")).toEqual([]);
  expect(framer.flush()).toEqual([{ c: "t", o: 2, t: "llo" }]);
  expect(framer.gathering).toBe(false);
});

test("frames are gapless, small, well-formed, and hold the whole text, whatever pieces come", () => {
  const piece = fc.tuple(
    fc.constantFrom("t" as const, "r" as const),
    fc.oneof(fc.string({ unit: "binary" }), fc.constant("🙂".repeat(FRAME_LENGTH))),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), fc.array(fc.boolean()), (pieces, flushes) => {
      const framer = createFramer();
      const frames: TextFrame[] = [];
      for (const [i, [channel, text]] of pieces.entries()) {
        frames.push(...framer.push(channel, text));
        if (flushes[i]) frames.push(...framer.flush());
      }
      frames.push(...framer.flush(true));
      const texts = { t: "", r: "" };
      for (const { c, o, t } of frames) {
        expect(o).toBe(texts[c].length);
        expect(t.length).toBeLessThanOrEqual(FRAME_LENGTH);
        expect(t).toBe(Buffer.from(t, "utf8").toString("utf8"));
        texts[c] += t;
      }
      const whole = (channel: string) =>
        pieces
          .filter(([c]) => c === channel)
          .map(([, text]) => text)
          .join("");
      expect(texts).toEqual({ t: whole("t"), r: whole("r") });
    }),
    { numRuns: 50 },
  );
});

test("half a character is joined with its other half; a lone half is dropped", () => {
  const framer = createFramer();
  const frames = [...framer.push("t", "a\ud83d"), ...framer.push("t", "\ude42b\ud83d"), ...framer.flush(true)];
  expect(frames.map(({ t }) => t).join("")).toBe("a🙂b");
});

test("merged frames say the same with fewer events", () => {
  const texts = ["a", "b", "c"].map((t, i) => createFrame(i + 1, { type: "d", c: "t", o: i, t }));
  const other = createFrame(4, { type: "d", c: "r", o: 0, t: "r" });
  expect(mergeFrames([...texts, other], 1000).map(({ event }) => event)).toEqual([
    { type: "d", seq: 3, c: "t", o: 0, t: "abc" },
    { type: "d", seq: 4, c: "r", o: 0, t: "r" },
  ]);
  expect(mergeFrames(texts, 1)).toHaveLength(3);
});
