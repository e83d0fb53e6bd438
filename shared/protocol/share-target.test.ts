import fc from "fast-check";
import { expect, test } from "vitest";
import { parseSharedText, sharedAddress } from "./share-target.ts";

const shared = (fields: { title?: string; text?: string; url?: string }): string | undefined =>
  parseSharedText(
    new URL(
      sharedAddress((name) => fields[name] ?? ""),
      "http://localhost",
    ).hash,
  );

test("title, text and address become lines", () => {
  expect(shared({ title: "Tides", text: "Look at this", url: "https://example.org/t" })).toBe(
    "Tides\nLook at this\nhttps://example.org/t",
  );
});

test("what another part says already is not repeated", () => {
  expect(shared({ title: "Tides", text: "Tides https://example.org/t", url: "https://example.org/t" })).toBe(
    "Tides https://example.org/t",
  );
  expect(shared({ title: "same", text: "same" })).toBe("same");
});

test("nothing shared is nothing", () => {
  expect(shared({})).toBeUndefined();
  expect(shared({ title: "  ", text: "\n" })).toBeUndefined();
  expect(parseSharedText("")).toBeUndefined();
  expect(parseSharedText("#other=1")).toBeUndefined();
});

test("the address is the app's own page, whatever the text, and says the text again", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      const { origin, pathname, search } = new URL(
        sharedAddress((name) => (name === "text" ? text : "")),
        "http://localhost",
      );
      expect([origin, pathname, search]).toEqual(["http://localhost", "/", ""]);
      expect(shared({ text }) ?? "").toBe(text.trim());
    }),
  );
});

test("half a character, which other apps can cut off, breaks nothing", () => {
  expect(shared({ text: "half \uD83D" })).toBe("half \uFFFD");
});

test("a text that fits in no address is cut", () => {
  expect(shared({ text: "x".repeat(1_000_000) })?.length).toBe(150_000);
});
