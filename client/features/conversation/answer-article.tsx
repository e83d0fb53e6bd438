import { memo, useMemo, useState } from "react";
import { planPending } from "#client/runs/plan-pending.ts";
import type { Runs } from "#client/runs/runs.ts";
import { useWorkspace } from "#client/session/workspace.ts";
import { IconButton } from "#client/ui/button.tsx";
import { CopyText } from "#client/ui/copy-text.tsx";
import { lazyPart } from "#client/ui/lazy-part.tsx";
import { useWatched } from "#client/ui/use-watched.ts";
import { words } from "#client/ui/words/words.ts";
import type { ConversationChange, ConversationDocument } from "#shared/documents/conversation.ts";
import type { AssistantMessage, UserMessage } from "#shared/domain/message.ts";
import { isTerminal } from "#shared/domain/run.ts";
import type { RunFacts } from "#shared/domain/run.ts";
import { AnswerBody } from "./answer-body.tsx";
import { answerView } from "./answer-state.ts";
import type { ConversationActions } from "./conversation-actions.ts";
import { MessageFooter, VersionSwitch } from "./message-footer.tsx";
import { useModelName } from "./model-names.ts";
import { RunNotice } from "./run-notice.tsx";
import { useLiveRun } from "./use-live-run.ts";

const details = lazyPart(async () => (await import("./answer-details.tsx")).AnswerDetails);

interface AnswerArticleProps {
  conversation: ConversationDocument;
  prompt: UserMessage | undefined;
  message: AssistantMessage;
  actions: ConversationActions;
  editable: boolean;
}

/** A model's turn, followed live while it is written. */
export const AnswerArticle = memo(({ conversation, prompt, message, actions, editable }: AnswerArticleProps) => {
  const { runs } = useWorkspace();
  const { run } = message;
  const live = useLiveRun(runs, runToFollow(run, runs));
  const view = answerView(message, live);
  const name = useModelName(run?.model ?? "");
  const ended = view.phase === "ended";
  const busy = usePlanPending(conversation, prompt?.id);
  const again = editable && prompt ? () => actions.answerAgain(prompt) : undefined;
  return (
    <article className="message answer" aria-label={name}>
      <p className="message-author">{name}</p>
      <AnswerBody view={view} />
      {ended && (
        <RunNotice
          ending={view.ending}
          hasText={view.text !== ""}
          onContinue={editable ? () => actions.continueAnswer(message) : undefined}
          onTryAgain={again}
          disabled={busy}
        />
      )}
      <MessageFooter>
        <VersionSwitch conversation={conversation} message={message} />
        {ended && (
          <>
            {view.text !== "" && <CopyText text={view.text} />}
            {again && <IconButton icon="again" label={words.chat.regenerate} disabled={busy} onClick={again} />}
            {run && <DetailsButton message={message} />}
          </>
        )}
      </MessageFooter>
    </article>
  );
});
AnswerArticle.displayName = "AnswerArticle";

/** Whether one more answer to this prompt is on its way already. */
function usePlanPending(conversation: ConversationDocument, promptId: string | undefined): boolean {
  const { runs } = useWorkspace();
  const source = useMemo(
    () => ({
      subscribe(listener: () => void) {
        // A long chat has many of these: they shall not all look again at each key typed into the draft.
        const onChange = ({ messages }: ConversationChange): void => (messages.size > 0 ? listener() : undefined);
        const stops = [conversation.subscribe(onChange), runs.subscribeDeliveries(listener)];
        return () => {
          for (const stop of stops) stop();
        };
      },
    }),
    [conversation, runs],
  );
  return useWatched(source, () => promptId !== undefined && planPending(conversation, runs, promptId));
}

/** A paused reader keeps the frozen view until they resume, also when the run ends meanwhile. */
function runToFollow(run: RunFacts | undefined, runs: Runs): string | undefined {
  if (!run) return undefined;
  return !isTerminal(run.status) || runs.live(run.runId)?.paused ? run.runId : undefined;
}

function DetailsButton({ message }: { message: AssistantMessage }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <IconButton icon="details" label={words.chat.details} aria-haspopup="dialog" onClick={() => setOpen(true)} />
      {open && message.run && <details.Part run={message.run} onClose={() => setOpen(false)} />}
    </>
  );
}
