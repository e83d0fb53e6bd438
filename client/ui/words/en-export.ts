import { formatDateTime } from "./format-date.ts";
import { formatCost, formatNumber } from "./format.ts";
import { words } from "./words.ts";

/** English, as en.ts: what stands in a chat or snapshot that is read outside of the app. Loaded when one is exported. */
export const enExport = {
  locale: words.locale,
  you: "You",
  answer: "Answer",
  untitled: "Untitled chat",
  systemPrompt: "System prompt",
  draft: "Draft",
  model: "Model",
  version: "Version that answered",
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
  snapshot: (number: number): string => `Snapshot ${formatNumber(number)}`,
  tokensOf: (input: number | undefined, output: number | undefined): string =>
    [
      ...(input === undefined ? [] : [`${formatNumber(input)} in`]),
      ...(output === undefined ? [] : [`${formatNumber(output)} out`]),
    ].join(", "),
  time: formatDateTime,
  number: formatNumber,
  money: formatCost,
};
