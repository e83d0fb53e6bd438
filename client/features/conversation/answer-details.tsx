import { Dialog } from "#client/ui/dialog.tsx";
import { formatCost, formatDuration, formatNumber } from "#client/ui/words/format.ts";
import { dialogWords } from "#client/ui/words/dialog-words.ts";
import type { RunFacts, RunUsage } from "#shared/domain/run.ts";
import { useModelName } from "./model-names.ts";

/** What is told of a run, whether its answer is in a chat or was frozen. */
type DetailedRun = Pick<
  RunFacts,
  "model" | "resolvedModel" | "parameters" | "usage" | "queuedAt" | "startedAt" | "firstTokenAt" | "endedAt"
>;

/** Who wrote an answer, how, how fast and for how much. What is not known says so. */
export function AnswerDetails({ run, onClose }: { run: DetailedRun; onClose: () => void }) {
  const text = dialogWords.details;
  const since = (at: number | undefined): string =>
    at === undefined ? text.unknown : formatDuration(Math.max(0, at - (run.startedAt ?? run.queuedAt)));
  const lines: [string, string][] = [
    [text.model, useModelName(run.model)],
    [text.resolved, run.resolvedModel ?? text.unknown],
    [text.parameters, parametersOf(run)],
    [text.tokens, tokensOf(run.usage)],
    [text.cost, run.usage?.costMicroUsd === undefined ? text.unknown : formatCost(run.usage.costMicroUsd)],
    [text.firstToken, since(run.firstTokenAt)],
    [text.duration, since(run.endedAt)],
  ];
  return (
    <Dialog title={text.title} onClose={onClose}>
      <dl className="details">
        {lines.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}

function parametersOf({ parameters }: DetailedRun): string {
  const set = (["temperature", "topP", "maxOutputTokens"] as const).flatMap((name) => {
    const value = parameters[name];
    return value === undefined ? [] : [`${dialogWords.settings[name]} ${formatNumber(value)}`];
  });
  return set.length > 0 ? set.join(" · ") : dialogWords.details.defaults;
}

const count = (tokens: number | undefined): string =>
  tokens === undefined ? dialogWords.details.unknown : formatNumber(tokens);

function tokensOf(usage: RunUsage | undefined): string {
  if (!usage) return dialogWords.details.unknown;
  const text = dialogWords.details.tokensOf(count(usage.inputTokens), count(usage.outputTokens));
  return usage.source === "estimated" ? `${text} (${dialogWords.details.estimated})` : text;
}
