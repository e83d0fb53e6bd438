import { FROZEN_FORMAT, chainMessages } from "#shared/domain/frozen-content.ts";
import type { FrozenContent, FrozenMessage, FrozenRun, FrozenSettings } from "#shared/domain/frozen-content.ts";

/** A message to be frozen: its words, and what differs from the ordinary. */
export type FrozenTurn = Partial<Omit<FrozenMessage, "previous">> & { text: string };

/** The run of an answer, as ordinary as can be. */
export const aFrozenRun = (run: Partial<FrozenRun> = {}): FrozenRun => ({
  id: "0190b0a0-0000-7000-8000-0000000000aa",
  model: "t/m",
  provider: "t",
  resolvedModel: "m-2026",
  parameters: {},
  status: "completed",
  finish: "stop",
  usage: { inputTokens: 10, outputTokens: 20, costMicroUsd: 300, source: "provider" },
  queuedAt: 1,
  ...run,
});

/** Content made of turns, prompts and answers by turns; a turn may be its words alone. */
export function frozen(turns: readonly (string | FrozenTurn)[], settings: Partial<FrozenSettings> = {}): FrozenContent {
  const { messages, hashes } = chainMessages(
    turns.map((turn, index) => {
      const role = index % 2 === 0 ? "user" : "assistant";
      const id = `0190b0a0-0000-7000-8000-${String(index).padStart(12, "0")}`;
      return { id, role, createdAt: 1_700_000_000_000 + index, ...(typeof turn === "string" ? { text: turn } : turn) };
    }),
  );
  return {
    manifest: {
      format: FROZEN_FORMAT,
      settings: { model: "t/m", systemPrompt: "", parameters: {}, ...settings },
      messageCount: messages.length,
      head: hashes.at(-1) ?? null,
    },
    messages,
  };
}
