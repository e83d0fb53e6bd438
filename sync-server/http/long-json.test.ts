import { expect, test } from "vitest";
import { bodyOf } from "./long-json.ts";

test("a short answer is one text", () => {
  expect(bodyOf(['{"a":[', "1", "]}"])).toBe('{"a":[1]}');
  expect(bodyOf([])).toBe("");
});

test("a long one is the same text in pieces, wherever characters of four bytes stand", async () => {
  for (const shift of ["", "x", "xy"]) {
    const texts = [shift, "🌊".repeat(700_000), "…", "é".repeat(900_000), "🌊"];
    const text = await new Response(bodyOf(texts)).text();
    expect(text.length).toBe(texts.join("").length);
    expect(text === texts.join("")).toBe(true);
  }
});

test("others have their turn between its pieces", async () => {
  const body = bodyOf(["x".repeat(4 * 1024 * 1024)]);
  if (typeof body === "string") throw new Error("it is one text");
  let turns = 0;
  let over = false;
  const count = (): void => {
    turns++;
    if (!over) setImmediate(count);
  };
  setImmediate(count);
  let pieces = 0;
  for await (const piece of body) pieces += piece.byteLength > 0 ? 1 : 0;
  over = true;
  expect(pieces).toBe(8);
  expect(turns).toBeGreaterThanOrEqual(8);
});
