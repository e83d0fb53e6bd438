import { dialogWords } from "#client/ui/words/dialog-words.ts";
import { formatNumber } from "#client/ui/words/format.ts";
import { snapshotWords } from "#client/ui/words/snapshot-words.ts";
import type { RunParameters } from "#shared/domain/parameters.ts";

/** The parameters that were set, on one line. */
export function parameterWords(parameters: RunParameters): string {
  const set = (["temperature", "topP", "maxOutputTokens"] as const).flatMap((name) => {
    const value = parameters[name];
    return value === undefined ? [] : [`${dialogWords.settings[name]} ${formatNumber(value)}`];
  });
  return set.length > 0 ? set.join(" · ") : snapshotWords.take.defaults;
}
