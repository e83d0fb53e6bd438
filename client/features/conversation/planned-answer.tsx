import { useEffect, useMemo } from "react";
import { useWorkspace } from "#client/session/workspace.ts";
import { useAnnounce } from "#client/ui/announcer.tsx";
import { Button } from "#client/ui/button.tsx";
import { sameFields, useWatched } from "#client/ui/use-watched.ts";
import { words } from "#client/ui/words/words.ts";
import { AnswerBody } from "./answer-body.tsx";
import { answerView } from "./answer-state.ts";
import type { Row } from "./branch-rows.ts";
import type { ConversationActions } from "./conversation-actions.ts";
import { useModelName } from "./model-names.ts";
import { ARRIVAL_GRACE_MS, plannedView, refusalWords } from "./planned-state.ts";
import type { PlannedView } from "./planned-state.ts";
import { NoticeButtons } from "./notice-buttons.tsx";
import { useLiveRun } from "./use-live-run.ts";
import { useNow } from "./use-now.ts";

interface PlannedAnswerProps {
  row: Extract<Row, { type: "planned" }>;
  actions: ConversationActions;
  behind: boolean;
}

/** An answer that was asked for and is not in the document yet: waiting, refused, or already being written. */
export function PlannedAnswer({ row, actions, behind }: PlannedAnswerProps) {
  const { runs, sync, clock } = useWorkspace();
  const { runId, model } = row.planned;
  const name = useModelName(model);
  const deliveries = useMemo(
    () => ({ subscribe: (listener: () => void) => runs.subscribeDeliveries(listener) }),
    [runs],
  );
  const delivery = useWatched(deliveries, () => runs.delivery(runId), sameFields);
  const ready = useWatched(deliveries, () => runs.ready());
  const online = useWatched(sync, () => sync.online());
  const live = useLiveRun(runs, delivery?.type === "queued" || delivery?.type === "refused" ? undefined : runId);
  const fresh = clock.now() - row.prompt.createdAt < ARRIVAL_GRACE_MS;
  const age = useNow(clock, fresh) - row.prompt.createdAt;
  const view = plannedView({ delivery, live, online, behind, age, answered: row.answered });
  // Before it is known what waits on this device, nothing true can be said.
  if (!ready || view.type === "nothing") return null;
  if (view.type === "live") {
    const shown = answerView(undefined, live);
    return (
      <article className="message answer" aria-label={name}>
        <p className="message-author">{name}</p>
        <AnswerBody view={shown} />
      </article>
    );
  }
  return (
    <PlannedNotice
      view={view}
      onCancel={() => actions.cancel(row.prompt)}
      onTryAgain={() => actions.answerAgain(row.prompt)}
    />
  );
}

interface PlannedNoticeProps {
  view: Exclude<PlannedView, { type: "nothing" | "live" }>;
  onCancel: () => void;
  onTryAgain: () => void;
}

function PlannedNotice({ view, onCancel, onTryAgain }: PlannedNoticeProps) {
  const announce = useAnnounce();
  useEffect(() => {
    if (view.type === "queued") announce(words.chat.queued);
  }, [announce, view.type]);
  switch (view.type) {
    case "sending":
      return <p className="planned planned-sending">{words.chat.sending}</p>;
    case "queued":
      return (
        <div className="planned">
          <span className="planned-mark">{words.chat.queued}</span>
          {view.because !== "unknown" && (
            <span>{view.because === "offline" ? words.chat.queuedOffline : words.chat.queuedBehind}</span>
          )}
          <Button onClick={onCancel}>{words.chat.cancel}</Button>
        </div>
      );
    case "refused": {
      const { what, next } = refusalWords(view.code);
      return (
        <div className="notice" data-look="warn" role="alert">
          <p>
            <strong>{what}</strong> {next}
          </p>
          <NoticeButtons onContinue={undefined} onTryAgain={onTryAgain} />
        </div>
      );
    }
    case "unanswered":
      return (
        <div className="notice">
          <p>{words.chat.notAnswered}</p>
          <NoticeButtons onContinue={undefined} onTryAgain={onTryAgain} />
        </div>
      );
  }
}
