import type { FactWords } from "#shared/documents/transcript.ts";

const NAMES = {
  you: "You",
  answer: "Answer",
  untitled: "Untitled chat",
  systemPrompt: "System prompt",
  draft: "Draft",
  model: "Model",
  version: "Version",
  parameters: "Parameters",
  temperature: "Temperature",
  topP: "Top P",
  maxOutputTokens: "Max output tokens",
  tokens: "Tokens",
  cost: "Cost",
  reasoning: "Reasoning",
  tags: "Tags",
  note: "Note",
  contentId: "Content id",
  taken: "Taken",
};

/** Words of an export; with `instead`, one text for all of them, and for every number and time. */
export function factWords(instead?: string): FactWords {
  const names = instead === undefined ? NAMES : Object.fromEntries(Object.keys(NAMES).map((name) => [name, instead]));
  return {
    ...(names as typeof NAMES),
    locale: "en",
    snapshot: (number) => instead ?? `Snapshot ${number}`,
    tokensOf: (input, output) => instead ?? `${input} in, ${output} out`,
    time: () => instead ?? "TIME",
    number: (value) => instead ?? String(value),
    money: (microUsd) => instead ?? `$${microUsd / 1e6}`,
  };
}
