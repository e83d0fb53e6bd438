import { canonicalJson } from "#shared/lib/canonical-json.ts";
import type { RunParameters } from "./parameters.ts";

// What a model is asked. The relay builds it to ask, and whoever verifies an answer builds it again to compare: by these
// functions alone, so that both have the same.

export interface ChatMessage {
  role: "system" | "user" | "assistant";
  text: string;
}

/** What a model is told so that its answer can be joined to the text it carries on. */
export const CONTINUE_INSTRUCTION =
  "Your previous answer was cut off. Continue it exactly where it ends: repeat nothing, add no introduction, " +
  "and begin in the middle of a word or sentence if that is where it ends.";

/**
 * The prompt of a run: the system prompt and the turns from the root to the prompt it answers. With `carried`, the text
 * of the answer to carry on and the instruction to do so.
 */
export function promptOf(
  systemPrompt: string,
  branch: readonly { role: "user" | "assistant"; text: string }[],
  carried: string,
): ChatMessage[] {
  const messages: ChatMessage[] = systemPrompt.trim() === "" ? [] : [{ role: "system", text: systemPrompt }];
  for (const { role, text } of branch) if (text !== "") messages.push({ role, text });
  if (carried !== "") {
    messages.push({ role: "assistant", text: carried }, { role: "user", text: CONTINUE_INSTRUCTION });
  }
  return messages;
}

/** A message of a prompt in canonical JSON, written by hand: the relay does it for whole prompts, on the event loop. */
export const promptPiece = ({ role, text }: ChatMessage): string =>
  `{"role":"${role}","text":${JSON.stringify(text.toWellFormed())}}`;

/**
 * What was asked, whole, in canonical JSON: `{"messages":[{"role","text"}…],"model":…,"parameters":…}`. Its SHA-256 is
 * the `context` of a receipt. Answers it in parts to be joined, as prompts of one conversation share most of them.
 * @param pieces each message by `promptPiece`
 */
export const askedParts = (pieces: readonly string[], model: string, parameters: RunParameters): string[] => [
  '{"messages":[',
  ...pieces.flatMap((piece, index) => (index === 0 ? [piece] : [",", piece])),
  `],"model":${canonicalJson(model)},"parameters":${canonicalJson(parameters)}}`,
];

/** As `askedParts`, joined. */
export const askedJson = (messages: readonly ChatMessage[], model: string, parameters: RunParameters): string =>
  askedParts(messages.map(promptPiece), model, parameters).join("");
