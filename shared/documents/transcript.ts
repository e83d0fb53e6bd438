import type { FrozenContent, FrozenMessage, FrozenSettings } from "#shared/domain/frozen-content.ts";
import type { Message } from "#shared/domain/message.ts";
import type { RunParameters } from "#shared/domain/parameters.ts";
import type { RunUsage } from "#shared/domain/run.ts";
import type { SnapshotSummary } from "#shared/domain/snapshot.ts";
import { displayTitle } from "#shared/domain/summary.ts";
import type { ConversationDocument } from "./conversation.ts";

/** Words of what is read outside of the app, which the caller has in the reader's language. */
export interface ExportWords {
  you: string;
  answer: string;
  untitled: string;
  systemPrompt: string;
  draft: string;
}

/** What is said of a chat or snapshot, and of each answer, beyond its words. */
export interface FactWords extends ExportWords {
  /** BCP 47 */
  locale: string;
  model: string;
  version: string;
  parameters: string;
  temperature: string;
  topP: string;
  maxOutputTokens: string;
  tokens: string;
  cost: string;
  reasoning: string;
  tags: string;
  note: string;
  contentId: string;
  taken: string;
  snapshot: (number: number) => string;
  tokensOf: (input: number | undefined, output: number | undefined) => string;
  /** ms since 1970 */
  time: (at: number) => string;
  number: (value: number) => string;
  /** of millionths of a US dollar */
  money: (microUsd: number) => string;
}

export type NamedFact = readonly [name: string, value: string];

/** One turn, to be read. */
export interface Turn {
  role: "user" | "assistant";
  speaker: string;
  text: string;
  reasoning: string;
  /** ms since 1970 */
  at: number;
  facts: readonly NamedFact[];
  /** what is known of whether a model said it, in words; "" where nothing is said */
  mark: string;
}

/** A branch with what is said of it, whatever it is written as. */
export interface Transcript {
  title: string;
  facts: readonly NamedFact[];
  systemPrompt: string;
  turns: readonly Turn[];
  draft: string;
}

/** The shown branch of a conversation; without words for facts, none are told. */
export function conversationTranscript(conversation: ConversationDocument, words: ExportWords | FactWords): Transcript {
  const { systemPrompt, ...settings } = conversation.settings();
  return {
    title: oneLine(displayTitle(conversation.summary())) || words.untitled,
    facts: "model" in words ? settingFacts(settings, words) : [],
    systemPrompt,
    turns: conversation.branch().map((message) => messageTurn(message, words)),
    draft: conversation.draft.toJSON(),
  };
}

/** @param marks of messages, by place: what is known of whether a model said them */
export function snapshotTranscript(
  summary: SnapshotSummary,
  { manifest, messages }: FrozenContent,
  words: FactWords,
  marks: readonly string[] = [],
): Transcript {
  const { settings } = manifest;
  const facts: NamedFact[] = [
    [words.taken, `${words.snapshot(summary.number)} · ${words.time(summary.createdAt)}`],
    ...settingFacts(settings, words),
    ...(summary.tags.length > 0 ? [[words.tags, summary.tags.join(", ")] as const] : []),
    ...(summary.note.trim() === "" ? [] : [[words.note, summary.note.trim()] as const]),
    [words.contentId, summary.contentId],
  ];
  return {
    title: oneLine(displayTitle(summary)) || words.untitled,
    facts,
    systemPrompt: settings.systemPrompt,
    turns: messages.map((message, place) => ({ ...frozenTurn(message, words), mark: marks[place] ?? "" })),
    draft: "",
  };
}

function frozenTurn(
  { role, text, reasoning = "", createdAt, run }: FrozenMessage,
  words: FactWords,
): Omit<Turn, "mark"> {
  const speaker = role === "user" ? words.you : speakerOf(run, words);
  return { role, speaker, text, reasoning, at: createdAt, facts: run ? runFacts(run, words) : [] };
}

function messageTurn(message: Message, words: ExportWords | FactWords): Turn {
  const base = { role: message.role, text: message.text, at: message.createdAt, mark: "" };
  if (message.role === "user") return { ...base, speaker: words.you, reasoning: "", facts: [] };
  const { run, reasoning } = message;
  const facts = run && "model" in words ? runFacts(run, words) : [];
  return { ...base, speaker: speakerOf(run, words), reasoning, facts };
}

interface RunOf {
  model: string;
  resolvedModel?: string | undefined;
  parameters: RunParameters;
  usage?: RunUsage | undefined;
}

const speakerOf = (run: RunOf | undefined, words: ExportWords): string =>
  oneLine(run?.resolvedModel ?? run?.model ?? words.answer);

function settingFacts({ model, parameters }: Omit<FrozenSettings, "systemPrompt">, words: FactWords): NamedFact[] {
  return [...(model === "" ? [] : [[words.model, model] as const]), ...parameterFacts(parameters, words)];
}

function parameterFacts(parameters: RunParameters, words: FactWords): NamedFact[] {
  const set = (["temperature", "topP", "maxOutputTokens"] as const).flatMap((name) => {
    const value = parameters[name];
    return value === undefined ? [] : [`${words[name]} ${words.number(value)}`];
  });
  return set.length > 0 ? [[words.parameters, set.join(", ")]] : [];
}

function runFacts({ model, resolvedModel, parameters, usage }: RunOf, words: FactWords): NamedFact[] {
  const { inputTokens, outputTokens, costMicroUsd } = usage ?? {};
  const counted = inputTokens !== undefined || outputTokens !== undefined;
  return [
    [words.model, model],
    ...(resolvedModel === undefined ? [] : [[words.version, resolvedModel] as const]),
    ...parameterFacts(parameters, words),
    ...(counted ? [[words.tokens, words.tokensOf(inputTokens, outputTokens)] as const] : []),
    ...(costMicroUsd === undefined ? [] : [[words.cost, words.money(costMicroUsd)] as const]),
  ];
}

/** A transcript as Markdown: a heading for the title, one for each turn. */
export function transcriptMarkdown(
  { title, facts, systemPrompt, turns, draft }: Transcript,
  words: ExportWords,
): string {
  const list = facts.map(([name, value]) => `- ${name}: ${oneLine(value)}`).join("\n");
  return [
    `# ${title}\n`,
    ...(list === "" ? [] : [`${list}\n`]),
    ...(systemPrompt ? [section(words.systemPrompt, systemPrompt)] : []),
    ...turns.map((turn) => section(turn.mark === "" ? turn.speaker : `${turn.speaker} (${turn.mark})`, turn.text)),
    ...(draft.trim() === "" ? [] : [section(words.draft, draft)]),
  ].join("\n");
}

const section = (heading: string, text: string): string => `## ${heading}\n\n${text.trim()}\n`;
const oneLine = (text: string): string => text.replace(/\s+/gu, " ").trim();
