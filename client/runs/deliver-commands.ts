import type { RunCommand } from "#client/local-store/run-command.ts";
import type { RunCommandStore } from "#client/local-store/run-command-store.ts";
import type { Locks } from "#client/platform/locks.ts";
import type { Platform } from "#client/platform/platform.ts";
import type { ConversationDocument } from "#shared/documents/conversation.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import { isTerminal } from "#shared/domain/run.ts";
import { runCommandsLock } from "./command-names.ts";
import { parentAnswerOf } from "./parent-settled.ts";
import { isExpired, judgeAnswer } from "./run-outbox-state.ts";
import { pollRunEvents, putRun, readRun } from "./run-requests.ts";

/** A run that is over is in the document within moments; so often it is looked for, and so long after each look. */
const LOOKS = 10;
const BETWEEN_LOOKS_MS = 500;
/** A request without an answer for this long is given up: pages wait for the same lock. */
const ANSWER_MS = 35_000;
/** While an answer comes in there is news all the time, in ms. */
const BETWEEN_POLLS_MS = 1_000;

export interface DeliverCommandsParts {
  platform: Pick<Platform, "fetch" | "clock">;
  locks: Locks;
  commands: RunCommandStore;
  /** a conversation as it is stored on this device now */
  read(id: ConversationId): Promise<ConversationDocument | undefined>;
  /** Brings what the server has of it to this device; answers false where that failed. */
  refresh(id: ConversationId): Promise<boolean>;
}

/**
 * Delivers stored run commands once, with `fetch` and the store alone: for a service worker, with no page open. Within
 * a conversation they go in the order they follow each other, each when the answer before it is final, as
 * `openRunDelivery` does for a page, under the same lock.
 * @returns whether trying again soon would be in vain
 */
export async function deliverCommands(parts: DeliverCommandsParts, signal: AbortSignal): Promise<boolean> {
  const byConversation = new Map<string, RunCommand[]>();
  for (const command of await parts.commands.list()) {
    const { conversationId } = command;
    byConversation.set(conversationId, [...(byConversation.get(conversationId) ?? []), command]);
  }
  const rows = await Promise.all([...byConversation.values()].map((row) => deliverRow(parts, row, signal)));
  return !rows.includes("later");
}

/**
 * `go`: it is out of the way, or may go; `left`: it waits for a person, and a page shows why: deleted, too old, refused;
 * `later`: it is worth another try
 */
type Step = "go" | "left" | "later";

/** Later commands build on earlier ones, so one that stays ends the row. */
async function deliverRow(parts: DeliverCommandsParts, row: readonly RunCommand[], signal: AbortSignal): Promise<Step> {
  for (const command of await inOrder(parts, row)) {
    if (isExpired(command, parts.platform.clock.now())) return "left";
    const due = await whetherDue(parts, command, signal);
    const step = due === "go" ? await deliver(parts, command, signal) : due;
    if (step !== "go") return step;
  }
  return "go";
}

/**
 * The commands of a conversation, each behind the one whose answer its prompt follows. Their times do not tell: two may
 * be of one millisecond, and a clock may have been set back between them.
 */
async function inOrder({ read }: DeliverCommandsParts, row: readonly RunCommand[]): Promise<readonly RunCommand[]> {
  const [first] = row;
  const conversation = first && row.length > 1 ? await read(first.conversationId as ConversationId) : undefined;
  if (conversation === undefined) return row;
  const left = [...row];
  const ordered: RunCommand[] = [];
  while (left.length > 0) {
    const next = left.findIndex(({ parentMessageId }) => {
      const answerId = conversation.message(parentMessageId)?.parentId;
      return !left.some(({ messageId }) => messageId === answerId);
    });
    ordered.push(...left.splice(Math.max(0, next), 1));
  }
  conversation.close();
  return ordered;
}

/** `go` also where somebody else delivered it. */
async function deliver(
  { platform, locks, commands }: DeliverCommandsParts,
  command: RunCommand,
  signal: AbortSignal,
): Promise<Step> {
  try {
    return await locks.hold(runCommandsLock(command.conversationId), signal, async () => {
      const stored = await commands.list();
      if (!stored.some(({ runId }) => runId === command.runId)) return "go";
      const within = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]);
      const { status, code, retryAfterMs, stream } = await putRun(platform.fetch, command, within);
      await stream?.cancel();
      const verdict = judgeAnswer(status, code, retryAfterMs);
      // A page meets the refusal again.
      if (verdict.type === "refused") return "left";
      if (verdict.type !== "started" && verdict.type !== "written") return "later";
      await commands.remove(command.runId);
      return "go";
    });
  } catch {
    return "later"; // no network, no lock, or the worker's time is over
  }
}

/** Waits until the answer before the command's prompt is final, and here. */
async function whetherDue(
  { platform, read, refresh }: DeliverCommandsParts,
  command: RunCommand,
  signal: AbortSignal,
): Promise<Step> {
  const id = command.conversationId as ConversationId;
  for (let look = 0; look < LOOKS && !signal.aborted; look++) {
    const conversation = await read(id);
    if (conversation === undefined) return "left";
    const answer = parentAnswerOf(conversation, command.parentMessageId, () => false);
    const runId = runOfParent(conversation, command.parentMessageId);
    conversation.close();
    if (answer === "settled") return "go";
    if (answer === "deleted") return "left";
    // Nobody here knows who writes it: the server judges.
    if (runId === undefined) return "go";
    const over = await isOver(platform, runId, signal);
    if (over === undefined) return "later";
    // Nobody ever started it.
    if (!over) return "go";
    if (!(await refresh(id))) return "later";
    await pause(platform, look === 0 ? 0 : BETWEEN_LOOKS_MS);
  }
  return "later";
}

/** The run that writes the answer before a prompt. */
function runOfParent(conversation: ConversationDocument, promptId: string): string | undefined {
  const parentId = conversation.message(promptId)?.parentId;
  const parent = parentId === undefined ? undefined : conversation.message(parentId);
  if (parent?.role === "assistant") return parent.run?.runId;
  for (const message of conversation.messages()) {
    if (message.role === "user" && message.plannedRun?.messageId === parentId) return message.plannedRun?.runId;
  }
  return undefined;
}

/** Waits for a run to end: false where the server has none, `undefined` where it cannot be asked. */
async function isOver(
  platform: Pick<Platform, "fetch" | "clock">,
  runId: string,
  signal: AbortSignal,
): Promise<boolean | undefined> {
  const { fetch } = platform;
  try {
    while (!signal.aborted) {
      const asked = await readRun(fetch, runId, AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]));
      if (!("snapshot" in asked)) return asked.status === 404 ? false : undefined;
      const { state, seq } = asked.snapshot;
      if (isTerminal(state)) return true;
      const within = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]);
      const news = await pollRunEvents(fetch, runId, seq, within);
      if ("status" in news && news.status !== 204) return undefined;
      await pause(platform, BETWEEN_POLLS_MS);
    }
  } catch {
    // No network.
  }
  return undefined;
}

const pause = ({ clock }: Pick<Platform, "clock">, ms: number): Promise<void> =>
  new Promise((resolve) => void clock.after(ms, resolve));
