import type { FrozenContent } from "#shared/domain/frozen-content.ts";
import { aFrozenRun, frozen } from "./frozen.ts";
import type { FrozenTurn } from "./frozen.ts";
import { createSeededRandom } from "./seeded-random.ts";

// Texts as long and as varied as people and models write them, and what becomes of them: for measuring comparisons.

/** Writes turns by seed. */
export interface Writer {
  /** Prompts of some sentences and answers of 200 to 700 words, with code in them, by turns. */
  turnsOf(count: number): string[];
  /** The same, every eighth word or so said in other words. */
  edited(text: string): string;
}

export function createWriter(seed: number): Writer {
  const random = createSeededRandom(seed);
  const known = Array.from(
    { length: 3_000 },
    (_, rank) => (rank < 20 ? "theofandtoinisit".slice(rank % 8, (rank % 8) + 3) : "") + rank.toString(36),
  );
  /** Few words are frequent, most are rare, as in every language (Zipf's law). */
  const word = (): string => known[Math.floor(known.length ** random.next()) - 1] ?? "";
  const sentence = (): string => `${Array.from({ length: 8 + random.below(14) }, word).join(" ")}.`;
  const paragraph = (): string => Array.from({ length: 2 + random.below(4) }, sentence).join(" ");
  const line = (): string => `const ${word()} = ${word()}(${word()});`;
  const code = (): string => `\`\`\`ts\n${Array.from({ length: 6 + random.below(14) }, line).join("\n")}\n\`\`\``;
  const part = (): string => (random.below(5) === 0 ? code() : paragraph());
  const answer = (): string => Array.from({ length: 4 + random.below(6) }, part).join("\n\n");
  return {
    turnsOf: (count) => Array.from({ length: count }, (_, index) => (index % 2 === 0 ? paragraph() : answer())),
    edited: (text) => text.replace(/\w+/gu, (one) => (random.below(8) === 0 ? word() : one)),
  };
}

/**
 * `typical`: every tenth message edited, ten added; `all-edited`: every message; `restored`: every message, in copies that
 * have ids of their own.
 */
export const PAIRS = ["typical", "all-edited", "restored"] as const;
export type PairName = (typeof PAIRS)[number];

/** Two contents of 200 messages and their runs; the right one of a typical pair has 210. */
export function comparedPair(name: PairName): { left: FrozenContent; right: FrozenContent } {
  const { turnsOf, edited } = createWriter(2_026);
  const before = turnsOf(200);
  const after =
    name === "typical"
      ? [...before.map((text, index) => (index % 10 === 9 ? edited(text) : text)), ...turnsOf(10)]
      : before.map(edited);
  return { left: frozen(before.map(turn(1))), right: frozen(after.map(turn(name === "restored" ? 2 : 1))) };
}

/** A message as the server takes it: with a run, and an id that others have or have not. */
const turn =
  (copy: number) =>
  (text: string, index: number): FrozenTurn => {
    const id = `0190b0a0-0000-7000-8000-${String(copy * 1_000_000 + index).padStart(12, "0")}`;
    return index % 2 === 0 ? { id, text } : { id, text, run: aFrozenRun() };
  };
