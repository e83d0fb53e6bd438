import type { FrozenContent, FrozenMessage } from "#shared/domain/frozen-content.ts";
import { modelsOf } from "./take-state.ts";

/** What is compared of settings and of answers, in the order it is shown. */
const SETTING_NAMES = ["model", "temperature", "topP", "maxOutputTokens"] as const;
const RUN_NAMES = [
  "model",
  "resolvedModel",
  "systemFingerprint",
  "temperature",
  "topP",
  "maxOutputTokens",
  "status",
  "finish",
  "failure",
  "inputTokens",
  "outputTokens",
  "cachedTokens",
  "reasoningTokens",
  "cost",
] as const;

export type FactName = (typeof RUN_NAMES)[number];
/** `undefined` where it is not known, or left to the provider; a cost is in millionths of a US dollar. */
export type Fact = string | number | undefined;

export interface FactRow {
  name: FactName;
  left: Fact;
  right: Fact;
  /** `left` and `right`: only that side has it */
  state: "same" | "changed" | "left" | "right";
}

type Facts = Partial<Record<FactName, Fact>>;

/** Settings of both sides, also those that are the same; where no model was chosen, those that answered. */
export function settingRows(left: FrozenContent, right: FrozenContent): FactRow[] {
  return rowsOf(SETTING_NAMES, settingFacts(left), settingFacts(right));
}

const settingFacts = (content: FrozenContent): Facts => ({
  model: modelsOf(content).join(", ") || undefined,
  ...content.manifest.settings.parameters,
});

/** What is known of the runs that wrote two messages, where either side knows it. */
export function runRows(left: FrozenMessage, right: FrozenMessage): FactRow[] {
  return rowsOf(RUN_NAMES, runFacts(left), runFacts(right)).filter(
    (row) => row.left !== undefined || row.right !== undefined,
  );
}

function runFacts({ run }: FrozenMessage): Facts {
  if (run === undefined) return {};
  const { model, resolvedModel, systemFingerprint, parameters, status, finish, failure, usage } = run;
  const { costMicroUsd: cost, inputTokens, outputTokens, cachedTokens, reasoningTokens } = usage ?? {};
  const tokens = { inputTokens, outputTokens, cachedTokens, reasoningTokens, cost };
  return { model, resolvedModel, systemFingerprint, ...parameters, status, finish, failure, ...tokens };
}

const rowsOf = (names: readonly FactName[], left: Facts, right: Facts): FactRow[] =>
  names.map((name) => ({ name, left: left[name], right: right[name], state: stateOf(left[name], right[name]) }));

function stateOf(left: Fact, right: Fact): FactRow["state"] {
  if (left === right) return "same";
  if (left === undefined) return "right";
  return right === undefined ? "left" : "changed";
}
