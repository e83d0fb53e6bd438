import type { LocalDocuments } from "#client/local-store/open-documents.ts";
import type { OpenConversation } from "#client/local-store/documents.ts";
import type { Snapshots } from "#client/local-store/snapshots.ts";
import { whenEnded } from "#client/platform/when-ended.ts";
import type { Runs } from "#client/runs/runs.ts";
import { awaitedSnapshots, forgetAwaited } from "#shared/documents/awaited-snapshot.ts";
import type { AwaitedSnapshot } from "#shared/documents/awaited-snapshot.ts";
import { freezeConversation } from "#shared/documents/freeze-conversation.ts";
import type { MessageId } from "#shared/domain/ids.ts";
import { answerOf, asAnswered, nextAwaited } from "./awaited-state.ts";

/** What taking needs. */
interface AwaitedPowers {
  snapshots: Pick<Snapshots, "take" | "isKept" | "subscribe">;
  runs: Pick<Runs, "delivery" | "subscribeDeliveries">;
  /** the account that wrote the prompts */
  author: string;
}

/**
 * Takes the snapshots that wait in an open conversation for their runs to end. Any tab and device may: their ids were made
 * when the runs were planned. What waits is forgotten only once it is stored or sealed. Answers how to stop.
 */
export function watchAwaited(
  { id, conversation }: Pick<OpenConversation, "id" | "conversation">,
  powers: AwaitedPowers,
): () => void {
  const taking = new Set<string>();

  async function take(awaited: AwaitedSnapshot, leaf: MessageId): Promise<void> {
    if (taking.has(awaited.runId)) return;
    taking.add(awaited.runId);
    const frozen = freezeConversation(conversation, { author: powers.author, leaf });
    if (!frozen.ok) return void taking.delete(awaited.runId);
    const content = asAnswered(frozen.value, awaited);
    const labels = { title: awaited.title, note: "", tags: [] };
    await powers.snapshots.take({ id: awaited.snapshotId, conversationId: id, content, ...labels });
    // What could not be stored would be lost with this tab: it is looked at again whenever something changed.
    if (powers.snapshots.isKept(awaited.snapshotId)) forgetAwaited(conversation, awaited.runId);
    else taking.delete(awaited.runId);
  }

  const look = (): void => {
    for (const awaited of awaitedSnapshots(conversation)) {
      const answer = answerOf(conversation.messages(), awaited.runId);
      const next = nextAwaited(answer, powers.runs.delivery(awaited.runId));
      if (next.type === "take") void take(awaited, next.leaf);
      if (next.type === "forget") forgetAwaited(conversation, awaited.runId);
    }
  };
  // What is changed while a change is told of would be told of before it.
  let stopped = false;
  const lookSoon = (): void => queueMicrotask(() => void (stopped || look()));
  const stops = [
    conversation.subscribe(lookSoon),
    powers.runs.subscribeDeliveries(lookSoon),
    powers.snapshots.subscribe(lookSoon),
  ];
  lookSoon();
  return () => {
    stopped = true;
    for (const stop of stops) stop();
  };
}

/** Does so for each conversation as long as it is open, for whatever reason, until the signal ends. */
export function takeAwaited(
  documents: Pick<LocalDocuments, "onOpened">,
  powers: AwaitedPowers,
  signal: AbortSignal,
): void {
  documents.onOpened((document, closing) =>
    whenEnded(AbortSignal.any([signal, closing]), watchAwaited(document, powers)),
  );
}
