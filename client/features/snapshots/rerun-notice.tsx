import { useMemo } from "react";
import type { ReactNode } from "react";
import type { OpenConversation } from "#client/local-store/documents.ts";
import { useOpenConversation } from "#client/session/use-open-conversation.ts";
import { answerOf, answerProgress } from "#client/session/awaited-state.ts";
import { useWorkspace } from "#client/session/workspace.ts";
import { Button } from "#client/ui/button.tsx";
import { Link } from "#client/ui/link.tsx";
import { Status } from "#client/ui/status.tsx";
import { sameFields, useWatched } from "#client/ui/use-watched.ts";
import { rerunWords } from "#client/ui/words/rerun-words.ts";
import { snapshotWords } from "#client/ui/words/snapshot-words.ts";
import { awaitedSnapshots, forgetAwaited } from "#shared/documents/awaited-snapshot.ts";
import type { SnapshotId } from "#shared/domain/ids.ts";
import { isChatGone } from "./chat-gone.ts";
import type { RerunNote } from "./rerun-notes.ts";
import { rerunView } from "./rerun-state.ts";
import type { RerunView } from "./rerun-state.ts";
import { useModelNames } from "./use-model-names.ts";
import { useOnline } from "./use-online.ts";

const text = rerunWords.notices;

interface LazilyLoaded {
  /** its code could not be fetched */
  onClose: () => void;
}

interface RerunNoticeProps {
  note: RerunNote;
  /** it was seen, or is not waited for any more */
  onDone: () => void;
}

/** How far the answer is that another model was asked for, and the way to compare it. The chat is open meanwhile, so that its snapshot is taken. */
export function RerunNotice({ note, onDone }: RerunNoticeProps & LazilyLoaded) {
  const number = useNumber(note.snapshotId);
  const shown = useOpenConversation(note.conversationId);
  const name = useModelNames()(note.model);
  if (number !== undefined) return <Finished note={note} name={name} number={number} onDone={onDone} />;
  if (!shown || shown.status.type === "loading")
    return <Notice note={note} words={text.reading(name)} actions={<Dismiss onDone={onDone} />} />;
  if (shown.status.type === "gone")
    return (
      <Notice
        note={note}
        look="warn"
        words={text.dropped.gone(name)}
        chat={false}
        actions={<Dismiss onDone={onDone} />}
      />
    );
  return <Waiting key={shown.copy} open={shown.open} note={note} name={name} onDone={onDone} />;
}

/** The number of a snapshot, once there is one. */
function useNumber(id: SnapshotId): number | undefined {
  const { snapshots } = useWorkspace();
  return useWatched(snapshots, () => snapshots.entries().find(({ summary }) => summary.id === id)?.summary.number);
}

function Finished({ note, name, number, onDone }: RerunNoticeProps & { name: string; number: number }) {
  return (
    <Notice
      note={note}
      words={text.done(name)}
      actions={
        <>
          <Link className="button" data-look="primary" href={`/compare/${note.of}/${note.snapshotId}`}>
            {text.compare(snapshotWords.number(number))}
          </Link>
          <Dismiss onDone={onDone} />
        </>
      }
    />
  );
}

function Waiting({ open, note, name, onDone }: RerunNoticeProps & { open: OpenConversation; name: string }) {
  const online = useOnline();
  const view = useView(open, note);
  if (view.type === "dropped")
    return (
      <Notice note={note} look="warn" words={text.dropped[view.because](name)} actions={<Dismiss onDone={onDone} />} />
    );
  const words = view.type === "queued" && !online ? text.offline(name) : text[view.type](name);
  const stop = (): void => {
    forgetAwaited(open.conversation, note.runId);
    onDone();
  };
  return (
    <Notice
      note={note}
      words={words}
      actions={
        view.type !== "taking" && (
          <Button look="soft" title={text.stopTitle} onClick={stop}>
            {text.stop}
          </Button>
        )
      }
    />
  );
}

/** How far it is, as the chat, its delivery and the snapshots tell. */
function useView({ conversation }: OpenConversation, { runId }: RerunNote): RerunView {
  const { runs } = useWorkspace();
  const deliveries = useMemo(() => ({ subscribe: runs.subscribeDeliveries }), [runs]);
  const delivery = useWatched(deliveries, () => runs.delivery(runId), sameFields);
  const chat = useWatched(
    conversation,
    () => ({
      awaited: awaitedSnapshots(conversation).some((one) => one.runId === runId),
      answer: answerProgress(answerOf(conversation.messages(), runId)),
      // Until it has come to this device, nothing is known of what it waits for.
      isHere: conversation.schemaVersion() > 0,
    }),
    sameFields,
  );
  return rerunView({ ...chat, awaited: chat.awaited || !chat.isHere, delivery });
}

interface NoticeProps {
  note: RerunNote;
  words: string;
  look?: "warn";
  /** whether its chat can be gone to */
  chat?: boolean;
  actions: ReactNode;
}

function Notice({ note, words, look, chat = true, actions }: NoticeProps) {
  const { library } = useWorkspace();
  const isGone = useWatched(library, () => isChatGone(library, note.conversationId));
  return (
    <section className="notice rerun-notice" data-look={look} aria-label={text.label}>
      <Status>{words}</Status>
      <div className="notice-buttons">
        {actions}
        {chat && !isGone && (
          <Link className="button" data-look="soft" href={`/c/${note.conversationId}`}>
            {text.openChat}
          </Link>
        )}
      </div>
    </section>
  );
}

function Dismiss({ onDone }: { onDone: () => void }) {
  return (
    <Button look="soft" onClick={onDone}>
      {text.dismiss}
    </Button>
  );
}
