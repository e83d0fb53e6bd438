import type { ChatMessage } from "./provider.ts";

type Count = (text: string) => number;

/** Longest text that is counted; of a longer one the beginning is counted and the rest scaled. */
const COUNTED_LENGTH = 50_000;
/** A tokenizer's work grows with the square of a word's length, so hostile "words" are cut into pieces. */
const PIECE_LENGTH = 500;
/** What chat formats add around each message (OpenAI cookbook, "How to count tokens with tiktoken"). */
const TOKENS_AROUND_MESSAGE = 4;

let loading: Promise<Count> | undefined;

/** Loads the tokenizer (megabytes of tables) when the first estimate is needed. */
function loadCount(): Promise<Count> {
  loading ??= import("gpt-tokenizer/encoding/o200k_base").then(
    ({ countTokens }) =>
      (text) =>
        // A person may write what looks like a special token; here it is text like any other.
        countTokens(text, { allowedSpecial: "all" }),
  );
  return loading;
}

/** About how many tokens a text is (o200k; other tokenizers differ by some percent). */
export async function estimateTokens(text: string): Promise<number> {
  if (text === "") return 0;
  const count = await loadCount();
  const counted = text.slice(0, COUNTED_LENGTH);
  let tokens = 0;
  for (let at = 0; at < counted.length; at += PIECE_LENGTH) tokens += count(counted.slice(at, at + PIECE_LENGTH));
  return Math.round((tokens / counted.length) * text.length);
}

/** About how many tokens a prompt is. */
export async function estimatePromptTokens(messages: readonly ChatMessage[]): Promise<number> {
  const joined = messages.map(({ text }) => text).join("\n");
  return (await estimateTokens(joined)) + messages.length * TOKENS_AROUND_MESSAGE;
}
