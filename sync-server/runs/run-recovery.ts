import { relayOf } from "#server/access/principal.ts";
import { DocumentGone } from "#server/rooms/rooms.ts";
import type { CommitStatement } from "#server/storage/database.ts";
import { isTerminal } from "#shared/domain/run.ts";
import type { RunFacts, RunFailureCode, RunUsage } from "#shared/domain/run.ts";
import { createCheckpointer, lengthsIn } from "./checkpointer.ts";
import type { Target } from "./checkpointer.ts";
import { createFrame } from "./frame.ts";
import type { Frame } from "./frame.ts";
import { createRunFeed } from "./run-feed.ts";
import type { RunParts } from "./run-parts.ts";
import { buildPrompt } from "./run-prompt.ts";
import { signAnswer } from "./run-receipt.ts";
import { insertFrames, readAbandonedRuns, readFrames, readUsage, updateRun } from "./run-store.ts";
import type { StoredRun } from "./run-store.ts";
import { bookAttempt, countAttempt } from "./usage-booking.ts";
import { sumUsage } from "./usage-count.ts";

const FOREVER = Number.MAX_SAFE_INTEGER;

/**
 * Finishes every run of this store that a stopped process left behind. Called at open, before anybody is
 * served, so no lease is waited for.
 */
export async function recoverRuns(parts: RunParts): Promise<number> {
  const seen = new Set<string>();
  for (;;) {
    const left = (await readAbandonedRuns(parts.database, FOREVER, 0)).filter(({ id }) => !seen.has(id));
    if (left.length === 0) return seen.size;
    for (const stored of left) {
      seen.add(stored.id);
      await finishRun(parts, stored, "server_restarted");
    }
  }
}

/**
 * Ends one run nobody writes any longer, with everything its log holds: takes over the lease, appends `end`
 * and books the attempt in one commit, brings the document up to date, closes the row. Each step may already
 * be done; repeating it changes nothing.
 */
export async function finishRun(parts: RunParts, stored: StoredRun, code: RunFailureCode): Promise<void> {
  try {
    const frames = await readFrames(parts.database, stored.id);
    if (isTerminal(stored.state)) return await settle(parts, stored, frames);
    const ended = await endLog(parts, stored, frames, code);
    parts.meters.runEnded(ended.stored.state);
    await settle(parts, ended.stored, ended.frames);
  } catch (error) {
    // A conflict: somebody else has taken the run over. Anything else: the sweeper comes back.
    parts.log.warn({ runId: stored.id, err: error }, "a run could not be finished");
  }
}

/**
 * Brings the end of a settled run to a message that does not show it. Answers whether it is there now.
 */
export async function repairMessage(parts: RunParts, stored: StoredRun): Promise<boolean> {
  try {
    await settle(parts, stored, await readFrames(parts.database, stored.id));
    return true;
  } catch (error) {
    parts.log.warn({ runId: stored.id, err: error }, "the end of a run could not be brought to its message");
    return false;
  }
}

async function endLog(parts: RunParts, before: StoredRun, frames: readonly Frame[], code: RunFailureCode) {
  const { database, clock, timers } = parts;
  const epoch = before.leaseEpoch + 1;
  const now = clock.now();
  const lease = { lease_epoch: epoch, lease_until: now + timers.lease };
  await database.commit([updateRun(database, { id: before.id, epoch: before.leaseEpoch }, lease)]);
  const feed = feedOf(before, frames);
  const state = before.state === "stopping" ? "stopped" : "interrupted";
  const failure = state === "stopped" ? undefined : { code, retryable: true };
  const { usage, also } = await settleBill(parts, before, feed.text + feed.reasoning, state);
  const seq = before.seq + 1;
  const ended: RunFacts = { ...before.facts, status: state, failure, usage, frame: seq, endedAt: now };
  const receipt = await signAnswer(parts, before, before.asked, ended, feed);
  const facts: RunFacts = { ...ended, receipt };
  const len = { t: feed.text.length, r: feed.reasoning.length };
  const end = createFrame(seq, { type: "end", state, failure, usage, len });
  await database.commit([
    updateRun(
      database,
      { id: before.id, epoch, seq: before.seq },
      { state, seq, facts: JSON.stringify(facts), ended_at: now },
    ),
    ...insertFrames(database, before.id, [end]),
    ...also,
  ]);
  const stored: StoredRun = { ...before, state, seq, facts, leaseEpoch: epoch, endedAt: now };
  return { stored, frames: [...frames, end] };
}

/** What the run used; the attempt under way is estimated, once, if its process did not get to book it. */
async function settleBill(
  { database, providers, rooms, clock, countTokens }: RunParts,
  stored: StoredRun,
  output: string,
  outcome: string,
): Promise<{ usage: RunUsage | undefined; also: CommitStatement[] }> {
  const rows = await readUsage(database, stored.id);
  const booked: RunUsage[] = rows.map((row) => ({
    inputTokens: row.input_tokens ?? undefined,
    outputTokens: row.output_tokens ?? undefined,
    cachedTokens: row.cached_tokens ?? undefined,
    reasoningTokens: row.reasoning_tokens ?? undefined,
    source: row.source,
    costMicroUsd: row.cost_micro_usd ?? undefined,
  }));
  const open = stored.attempt > 0 && !rows.some(({ attempt }) => attempt === stored.attempt);
  if (!open) return { usage: sumUsage(booked), also: [] };
  const served = await providers.find(stored.model);
  const messages = await rooms.read(relayOf(stored), stored.conversationId, (conversation) =>
    buildPrompt(conversation, stored.parentMessageId, ""),
  );
  const attempt = { number: stored.attempt, messages: messages ?? [], output, reported: undefined, failure: undefined };
  const { kind = "hosted" } = served?.provider ?? {};
  const usage = await countAttempt(attempt, kind, served?.prices ?? [], clock.now(), countTokens);
  const row = bookAttempt(database, stored, stored.attempt, usage, outcome, clock.now());
  return { usage: sumUsage([...booked, usage]), also: [row] };
}

async function settle(parts: RunParts, stored: StoredRun, frames: readonly Frame[]): Promise<void> {
  const { database, rooms } = parts;
  const target: Target = { principal: relayOf(stored), ...stored };
  const feed = feedOf(stored, frames);
  try {
    const progress = { text: feed.text, reasoning: feed.reasoning, frame: stored.seq };
    await createCheckpointer(rooms, target, lengthsIn(frames)).commit(progress, stored.facts);
  } catch (error) {
    if (!(error instanceof DocumentGone)) throw error;
    parts.log.warn({ runId: stored.id, err: error }, "the document of a run is gone");
  }
  await database.commit([
    updateRun(database, { id: stored.id, epoch: stored.leaseEpoch }, { committed: 1, lease_until: 0 }),
  ]);
}

/** A feed of what the log of a run holds. */
export function feedOf(stored: StoredRun, frames: readonly Frame[]) {
  const feed = createRunFeed(stored.state);
  feed.add(frames);
  return feed;
}
