import { setImmediate } from "node:timers/promises";
import type { ChatMessage } from "#shared/domain/prompt.ts";

type Count = (text: string) => number;

/** Longest text that is counted; of a longer one the beginning is counted and the rest scaled. */
const COUNTED_LENGTH = 16_000;
/** A tokenizer's work grows with the square of a word's length: hostile "words" are cut into what takes few ms. */
const PIECE_LENGTH = 500;
/** What chat formats add around each message (OpenAI cookbook, "How to count tokens with tiktoken"). */
const TOKENS_AROUND_MESSAGE = 4;

/** Counts the tokens of a text that is not long. */
export type TokenCounter = (text: string) => Promise<number>;

let loading: Promise<Count> | undefined;

/** Loads the tokenizer: 70 MB of tables. */
function loadTokenizer(): Promise<Count> {
  loading ??= import("gpt-tokenizer/encoding/o200k_base").then(
    ({ countTokens: count }) =>
      (text) =>
        // A person may write what looks like a special token; here it is text like any other.
        count(text, { allowedSpecial: "all" }),
  );
  return loading;
}

/** Counts here and now, and lets others have their turn between pieces of the text. */
export const countTokens: TokenCounter = async (text) => {
  const count = await loadTokenizer();
  let tokens = 0;
  for (let at = 0; at < text.length;) {
    const end = endOfPiece(text, at, PIECE_LENGTH);
    tokens += count(text.slice(at, end));
    at = end;
    if (at < text.length) await setImmediate();
  }
  return tokens;
};

/** Where a piece that begins at `at` ends: never between the halves of a surrogate pair. */
function endOfPiece(text: string, at: number, length: number): number {
  const end = Math.min(at + length, text.length);
  const splitsPair = end < text.length && end - at > 1 && (text.codePointAt(end - 1) ?? 0) > 0xffff;
  return splitsPair ? end - 1 : end;
}

/** About how many tokens a text is (o200k; other tokenizers differ by some percent). */
export async function estimateTokens(text: string, count: TokenCounter): Promise<number> {
  if (text === "") return 0;
  const counted = endOfPiece(text, 0, COUNTED_LENGTH);
  return Math.round(((await count(text.slice(0, counted))) / counted) * text.length);
}

/** About how many tokens a prompt is. */
export async function estimatePromptTokens(messages: readonly ChatMessage[], count: TokenCounter): Promise<number> {
  const joined = messages.map(({ text }) => text).join("\n");
  return (await estimateTokens(joined, count)) + messages.length * TOKENS_AROUND_MESSAGE;
}
