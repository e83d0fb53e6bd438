import { plural } from "./en.ts";

const list = new Intl.ListFormat("en", { style: "short", type: "unit" });

const FACTS = {
  model: "Model",
  resolvedModel: "Version that answered",
  systemFingerprint: "System fingerprint",
  temperature: "Temperature",
  topP: "Top P",
  maxOutputTokens: "Max output tokens",
  status: "How it ended",
  finish: "Why it ended",
  failure: "Failure",
  inputTokens: "Tokens in",
  outputTokens: "Tokens out",
  cachedTokens: "Tokens from cache",
  reasoningTokens: "Tokens of reasoning",
  cost: "Cost",
  systemPrompt: "System prompt",
};

/** English, as en.ts: what is said of two snapshots beside each other. Loaded when they are compared. */
export const enCompare = {
  layout: "Layout",
  sideBySide: "Side by side",
  inline: "Inline",
  settings: "Settings",
  messages: "Messages",
  setting: "Setting",
  facts: FACTS,
  /** a parameter that is left to the provider, or something that is not known */
  unset: "Not set",
  unknown: "Unknown",
  noPrompt: "None",
  state: { same: "Same", changed: "Changed", left: "Removed", right: "Added" },
  difference: "Difference",
  comparing: "Comparing…",
  previous: "Previous change",
  next: "Next change",
  /** in place of the words that could not be compared yet */
  waiting: "Still being compared…",
  you: "You",
  answer: "Answer",
  message: (speaker: string, number: number): string => `${speaker}, message ${number}`,
  rowState: {
    same: "Unchanged",
    changed: "Changed",
    moved: "Moved",
    run: "Same words, other run",
    removed: "Removed",
    added: "Added",
  },
  movedFrom: (number: number): string => `was message ${number}`,
  removedMark: "removed:",
  removedEnd: "end of removed",
  addedMark: "added:",
  addedEnd: "end of added",
  reasoning: "Reasoning differs",
  runDiffers: (names: readonly string[]): string => `Run differs: ${list.format(names)}`,
  runSame: "Details of both runs are the same",
  fact: "Fact",
  folded: (count: number): string => plural(count, "message unchanged", "messages unchanged"),
  show: (count: number): string => `Show ${plural(count, "unchanged message", "unchanged messages")}`,
  emptyText: "No text",
  nothing: "There are no messages on either side.",
  same: "No differences",
  changed: (count: number): string => `${plural(count, "message", "messages")} changed`,
  added: (count: number, first: boolean): string =>
    first ? `${plural(count, "message", "messages")} added` : `${count} added`,
  removed: (count: number, first: boolean): string =>
    first ? `${plural(count, "message", "messages")} removed` : `${count} removed`,
  moved: (count: number, first: boolean): string =>
    first ? `${plural(count, "message", "messages")} moved` : `${count} moved`,
  otherRun: (count: number): string => `${plural(count, "answer", "answers")} with the same words from another run`,
  settingDiffers: (name: keyof typeof FACTS): string => `${FACTS[name].toLowerCase()} differs`,
  all: (parts: readonly string[]): string => list.format(parts),
  statuses: {
    queued: "Waiting",
    streaming: "Being written",
    stopping: "Being stopped",
    completed: "Completed",
    stopped: "Stopped",
    failed: "Failed",
    interrupted: "Interrupted",
  } as Readonly<Record<string, string>>,
  finishes: {
    stop: "It was complete",
    length: "Longest answer reached",
    tool: "It asked for a tool",
    content_filter: "Filtered",
  } as Readonly<Record<string, string>>,
};
