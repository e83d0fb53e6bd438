import { beforeAll, expect, test } from "vitest";
import { countTokens, estimatePromptTokens, estimateTokens } from "./token-estimate.ts";

beforeAll(async () => {
  await countTokens("the tables are loaded now");
});

/** Longest stretch, ms, in which nothing else had its turn while a text was estimated. */
async function longestBlock(text: string): Promise<number> {
  const state = { longest: 0, last: performance.now(), over: false };
  const look = (): void => {
    const now = performance.now();
    state.longest = Math.max(state.longest, now - state.last);
    state.last = now;
    if (!state.over) setImmediate(look);
  };
  setImmediate(look);
  await estimateTokens(text, countTokens);
  state.over = true;
  await new Promise((resolve) => setImmediate(resolve));
  return state.longest;
}

const HOSTILE: readonly [string, string][] = [
  ["a very long word", "a".repeat(2_000_000)],
  ["a very long word of many letters", "qzxjkvbwpy".repeat(200_000)],
  ["Chinese", "敏捷的棕色狐狸跳过了懒狗".repeat(100_000)],
  ["emoji", "👩‍👩‍👧‍👦".repeat(100_000)],
  ["spaces", " ".repeat(2_000_000)],
];

test.each(HOSTILE)("others have their turn while %s is counted", async (_, text) => {
  // The first count of a text fills caches; the best of three leaves out what else the machine was doing.
  const blocks = [await longestBlock(text), await longestBlock(text), await longestBlock(text)];
  expect(Math.min(...blocks)).toBeLessThan(20);
});

test("a text longer than what is counted is scaled from its beginning", async () => {
  const sentence = "The quick brown fox jumps over the lazy dog. ";
  const once = await estimateTokens(sentence.repeat(100), countTokens);
  const often = await estimateTokens(sentence.repeat(10_000), countTokens);
  expect(once).toBeGreaterThan(900);
  expect(Math.abs(often / (once * 100) - 1)).toBeLessThan(0.05);
});

test("no surrogate pair is counted as two halves", async () => {
  // One letter in front moves every pair onto the boundary of a piece; a torn one would be six tokens, not two.
  const even = await estimateTokens("😀".repeat(4000), countTokens);
  const odd = await estimateTokens(`a${"😀".repeat(4000)}`, countTokens);
  expect(Math.abs(odd - even)).toBeLessThan(40);
});

test("a prompt counts its messages too", async () => {
  expect(await estimatePromptTokens([{ role: "user", text: "" }], countTokens)).toBe(4);
});
