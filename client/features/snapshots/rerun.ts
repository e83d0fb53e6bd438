import type { OpenConversation } from "#client/local-store/documents.ts";
import type { RunCommand } from "#client/local-store/run-command.ts";
import { whenLoaded } from "#client/local-store/when-loaded.ts";
import { planPending } from "#client/runs/plan-pending.ts";
import type { Workspace } from "#client/session/workspace.ts";
import { awaitSnapshot } from "#shared/documents/awaited-snapshot.ts";
import { restoreSnapshot } from "#shared/documents/restore-snapshot.ts";
import type { FrozenContent, FrozenOrigin } from "#shared/domain/frozen-content.ts";
import type { ConversationId, MessageId, SnapshotId } from "#shared/domain/ids.ts";
import { err, ok } from "#shared/lib/result.ts";
import type { Result } from "#shared/lib/result.ts";
import { promptsOf, rerunPlace } from "./rerun-state.ts";

/** The powers that answering anew needs. */
type RerunPowers = Pick<Workspace, "documents" | "newId" | "clock" | "runs">;

export interface RerunWish {
  snapshotId: SnapshotId;
  contentId: string;
  /** the chat it is of; it may be gone */
  conversationId: ConversationId;
  content: FrozenContent;
  /** who shall answer */
  model: string;
  /** what the new snapshot is called, and the new chat where there is one */
  title: string;
}

export interface Rerun {
  /** where it is answered: the chat, or a new one */
  conversationId: ConversationId;
  runId: string;
  /** the snapshot that is taken once the run has ended */
  snapshotId: SnapshotId;
}

/**
 * Asks another model what a snapshot asked: the same messages, system prompt and parameters, as a new branch of the chat
 * or in a chat of its own. Works without a network: what is asked waits on this device like every prompt. Fails with
 * `no-prompt` where nothing is asked, with `busy` where the same prompt is being answered.
 */
export async function rerun(powers: RerunPowers, wish: RerunWish): Promise<Result<Rerun, "no-prompt" | "busy">> {
  const prompts = promptsOf(wish.content);
  if (prompts === undefined) return err("no-prompt");
  const open = await openPlace(powers, wish);
  try {
    const origin = { snapshotId: wish.snapshotId, contentId: wish.contentId };
    const promptId = bringBack(powers, open, { prompts, origin, wish });
    if (promptId === undefined) return err("no-prompt");
    if (planPending(open.conversation, powers.runs, promptId)) return err("busy");
    return ok(ask(powers, open, { promptId, wish }));
  } finally {
    open.release();
  }
}

/** The chat where it is asked, read and open. */
async function openPlace(powers: RerunPowers, { conversationId, content }: RerunWish): Promise<OpenConversation> {
  const open = powers.documents.open(conversationId);
  await whenLoaded(open);
  const { conversation } = open;
  const isHere = open.status().type === "ready" && conversation.schemaVersion() > 0 && !conversation.isDeleted();
  if (rerunPlace(content, isHere ? conversation.settings() : undefined) === "conversation") return open;
  open.release();
  return powers.documents.open(powers.newId() as ConversationId);
}

interface BroughtBack {
  prompts: FrozenContent;
  origin: FrozenOrigin;
  wish: RerunWish;
}

/** Shows the branch up to the prompt that is asked again; answers its id. */
function bringBack(powers: RerunPowers, { conversation }: OpenConversation, { prompts, origin, wish }: BroughtBack) {
  const isNew = conversation.schemaVersion() === 0;
  const settings = isNew ? "taken-over" : "kept";
  const { leaf } = restoreSnapshot(conversation, prompts, { origin, newId: powers.newId, settings, end: "open" });
  if (isNew) {
    conversation.rename(wish.title);
    conversation.chooseModel(wish.model);
  }
  return leaf;
}

function ask(
  powers: RerunPowers,
  open: OpenConversation,
  { promptId, wish }: { promptId: MessageId; wish: RerunWish },
): Rerun {
  const { model, content, title } = wish;
  const { parameters, systemPrompt } = content.manifest.settings;
  const command: RunCommand = {
    runId: powers.newId(),
    conversationId: open.id,
    parentMessageId: promptId,
    messageId: powers.newId(),
    model,
    parameters,
    createdAt: powers.clock.now(),
  };
  const { runId, messageId } = command;
  const snapshotId = powers.newId() as SnapshotId;
  const settings = { model, systemPrompt, parameters };
  open.editWithCommand(
    (conversation) =>
      conversation.together(() => {
        conversation.planRun(promptId, { runId, messageId, model });
        awaitSnapshot(conversation, { runId, snapshotId, of: wish.snapshotId, title, settings });
      }),
    command,
  );
  powers.runs.deliver(command);
  return { conversationId: open.id, runId, snapshotId };
}
