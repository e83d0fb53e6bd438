import { setImmediate } from "node:timers/promises";
import type { ChatMessage } from "./provider.ts";

type Count = (text: string) => number;

/** Longest text that is counted; of a longer one the beginning is counted and the rest scaled. */
const COUNTED_LENGTH = 16_000;
/** A tokenizer's work grows with the square of a word's length: hostile "words" are cut into what takes few ms. */
const PIECE_LENGTH = 500;
/** What chat formats add around each message (OpenAI cookbook, "How to count tokens with tiktoken"). */
const TOKENS_AROUND_MESSAGE = 4;

let loading: Promise<Count> | undefined;

/** Loads the tokenizer: megabytes of tables, so better shortly after the start than while answers are streamed. */
export function loadTokenizer(): Promise<Count> {
  loading ??= import("gpt-tokenizer/encoding/o200k_base").then(
    ({ countTokens }) =>
      (text) =>
        // A person may write what looks like a special token; here it is text like any other.
        countTokens(text, { allowedSpecial: "all" }),
  );
  return loading;
}

/** Where a piece that begins at `at` ends: never between the halves of a surrogate pair. */
function endOfPiece(text: string, at: number, length: number): number {
  const end = Math.min(at + length, text.length);
  const splitsPair = end < text.length && end - at > 1 && (text.codePointAt(end - 1) ?? 0) > 0xffff;
  return splitsPair ? end - 1 : end;
}

/**
 * About how many tokens a text is (o200k; other tokenizers differ by some percent). Lets others have their turn
 * between pieces of the text.
 */
export async function estimateTokens(text: string): Promise<number> {
  if (text === "") return 0;
  const count = await loadTokenizer();
  const counted = endOfPiece(text, 0, COUNTED_LENGTH);
  let tokens = 0;
  for (let at = 0; at < counted;) {
    const end = Math.min(endOfPiece(text, at, PIECE_LENGTH), counted);
    tokens += count(text.slice(at, end));
    at = end;
    if (at < counted) await setImmediate();
  }
  return Math.round((tokens / counted) * text.length);
}

/** About how many tokens a prompt is. */
export async function estimatePromptTokens(messages: readonly ChatMessage[]): Promise<number> {
  const joined = messages.map(({ text }) => text).join("\n");
  return (await estimateTokens(joined)) + messages.length * TOKENS_AROUND_MESSAGE;
}
