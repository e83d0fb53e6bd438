import { relayOf } from "#server/access/principal.ts";
import type { RunSnapshot } from "#shared/protocol/run-bodies.ts";
import type { RunParts } from "./run-parts.ts";
import { feedOf } from "./run-recovery.ts";
import { readFrames } from "./run-store.ts";
import type { StoredRun } from "./run-store.ts";
import type { RunWriter } from "./run-writer.ts";

const identityOf = ({ id, conversationId, parentMessageId, messageId, model }: StoredRun) => ({
  id,
  conversationId,
  parentMessageId,
  messageId,
  model,
});

export function snapshotOfWriter({ stored, feed, facts, attempts }: RunWriter): RunSnapshot {
  return {
    ...identityOf(stored),
    resolvedModel: facts.resolvedModel,
    state: feed.state,
    seq: feed.head,
    text: feed.text,
    reasoning: feed.reasoning,
    attempts,
    // Nothing may be shown before it is durable, the ending neither.
    ...(feed.ended && { finish: facts.finish, failure: facts.failure, usage: facts.usage }),
  };
}

/** The snapshot of a run nobody writes any more: from its log, or from the document once the log is deleted. */
export async function snapshotOfStored(
  { database, rooms }: Pick<RunParts, "database" | "rooms">,
  stored: StoredRun,
): Promise<RunSnapshot> {
  const frames = await readFrames(database, stored.id);
  const { facts } = stored;
  const rest = {
    ...identityOf(stored),
    resolvedModel: facts.resolvedModel,
    state: stored.state,
    seq: stored.seq,
    attempts: stored.attempt,
    finish: facts.finish,
    failure: facts.failure,
    usage: facts.usage,
  };
  if (frames.length > 0) {
    const { text, reasoning } = feedOf(stored, frames);
    return { ...rest, text, reasoning };
  }
  const message = await rooms.read(relayOf(stored), stored.conversationId, (doc) => doc.message(stored.messageId));
  const written = message?.role === "assistant" ? message : { text: "", reasoning: "" };
  return { ...rest, text: written.text, reasoning: written.reasoning };
}
