import { useEffect, useMemo, useRef } from "react";
import type { ReactNode, RefObject } from "react";
import { Composer } from "#client/features/composer/composer.tsx";
import {
  answerAgain,
  cancelPrompt,
  continueAnswer,
  editPrompt,
  placeAfter,
  sendPrompt,
} from "#client/features/composer/send-prompt.ts";
import type { ConversationActions } from "#client/features/conversation/conversation-actions.ts";
import { ConversationHeader } from "#client/features/conversation/conversation-header.tsx";
import { MessageList } from "#client/features/conversation/message-list.tsx";
import { useBranchActivity } from "#client/features/conversation/use-branch-activity.ts";
import { useFollowScroll } from "#client/features/conversation/use-follow-scroll.ts";
import { useRunAnnouncements } from "#client/features/conversation/use-run-announcements.ts";
import { Welcome } from "#client/features/conversation/welcome.tsx";
import type { OpenConversation } from "#client/local-store/documents.ts";
import { useWorkspace } from "#client/session/workspace.ts";
import { lazyPart } from "#client/ui/lazy-part.tsx";
import { useWatched } from "#client/ui/use-watched.ts";
import { words } from "#client/ui/words/words.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import { displayTitle } from "#shared/domain/summary.ts";
import { Blank } from "./blank.tsx";
import { ChatSnapshots } from "./chat-snapshots.tsx";
import { Trash } from "./trash.tsx";
import { useOpenConversation } from "#client/session/use-open-conversation.ts";

const guestNote = lazyPart(async () => (await import("#client/features/workspace/guest-note.tsx")).GuestNote);

interface ChatPageProps {
  id: ConversationId;
  /** on `/`: not sent to yet */
  isNew: boolean;
  /** they are a guest of this workspace: what is there is read, and nothing written */
  isGuest: boolean;
  leading: ReactNode;
  field: RefObject<HTMLTextAreaElement | null>;
  /** what the shortcut for a snapshot does from now on */
  onTakeable: (take: (() => void) | undefined) => void;
  /** the first prompt of a new chat is about to be sent */
  onFirstSend: () => void;
  /** a new chat turned out to be used already, or deleted */
  onSpent: () => void;
  onNewChat: () => void;
}

/** One conversation: read above, write below. A guest begins none: a room of it would be refused, and is not asked for. */
export function ChatPage(props: ChatPageProps) {
  return props.isGuest && props.isNew ? <GuestNote leading={props.leading} /> : <OpenedChat {...props} />;
}

function OpenedChat(props: ChatPageProps) {
  const shown = useOpenConversation(props.id);
  const { sync, library } = useWorkspace();
  const online = useWatched(sync, () => sync.online());
  const erased = useWatched(library, () => library.entries().some((one) => one.erased && one.id === props.id));
  if (erased)
    return <Trash erased={props.id} isGuest={props.isGuest} leading={props.leading} onClose={props.onNewChat} />;
  if (!shown || shown.status.type === "loading") return <Blank leading={props.leading} />;
  const { open, status } = shown;
  if (status.type === "gone") {
    return (
      <Blank
        leading={props.leading}
        title={words.chat.goneTitle}
        text={words.chat.gone}
        action={{ label: words.library.newChat, run: props.onNewChat }}
      />
    );
  }
  const absent = !props.isNew && status.type === "ready" && !status.arrived;
  if (absent) {
    return online ? (
      <Blank leading={props.leading} title={words.chat.loading} />
    ) : (
      <Blank leading={props.leading} title={words.chat.notHere} text={words.chat.notHereNext} />
    );
  }
  return (
    <Chat
      key={`${open.id}/${shown.copy}`}
      {...props}
      open={open}
      editable={status.type === "ready" && !props.isGuest}
      online={online}
    />
  );
}

interface ChatProps extends ChatPageProps {
  open: OpenConversation;
  editable: boolean;
  online: boolean;
}

function Chat(props: ChatProps) {
  const { open, editable, online, isNew, isGuest, leading, field, onTakeable, onFirstSend, onSpent } = props;
  const { conversation } = open;
  const workspace = useWorkspace();
  const { runs, clock } = workspace;
  const model = useModel(open);
  const { active, promptWaits } = useBranchActivity(conversation, runs);
  const actions = useActions(open, model);
  const deleted = useWatched(conversation, () => conversation.summary().deleted);
  const { toEnd, ...scroll } = useFollowScroll(!deleted);
  const used = useWatched(conversation, () => conversation.branch().length > 0);
  useRunAnnouncements(conversation, active?.runId, clock);
  usePageTitle(open, isNew);
  const deletedHeading = useChatFocus(isNew, deleted, field);
  useEffect(() => {
    if (isNew && (used || deleted)) onSpent();
  }, [isNew, used, deleted, onSpent]);

  const send = (text: string): void => {
    if (isNew) onFirstSend();
    sendPrompt(workspace, open, { text, parentId: placeAfter(conversation), model, takesDraft: true });
    toEnd();
  };
  const trailing = editable && (
    <ChatSnapshots
      open={open}
      hindrance={active ? words.chat.takeLater : used ? undefined : words.chat.nothingToTake}
      onTakeable={onTakeable}
    />
  );
  const header = <ConversationHeader {...{ conversation, model, editable, leading, trailing }} />;
  if (deleted) {
    const restore = { label: words.chat.restore, run: () => conversation.setDeleted(false) };
    const { deletedTitle: title, deleted: text } = words.chat;
    return <Blank header={header} title={title} text={text} action={restore} heading={deletedHeading} />;
  }
  return (
    <>
      {header}
      <MessageList
        conversation={conversation}
        actions={actions}
        editable={editable}
        answering={active !== undefined}
        {...scroll}
        onJump={toEnd}
        empty={
          <Welcome
            onPrompt={(text) => {
              conversation.setDraft(text);
              field.current?.focus();
            }}
          />
        }
      />
      {editable ? (
        <Composer
          conversation={conversation}
          field={field}
          online={online}
          model={model}
          active={active}
          promptWaits={promptWaits}
          onSend={send}
          onStop={(runId) => runs.stop(runId)}
          onPause={(runId) => runs.pause(runId)}
          onResume={(runId) => runs.resume(runId)}
        />
      ) : isGuest ? (
        <GuestNote />
      ) : (
        <p className="read-only">{words.chat.readOnly}</p>
      )}
    </>
  );
}

/** What a guest of the workspace sees in place of what they may not do. */
function GuestNote({ leading }: { leading?: ReactNode }) {
  const meanwhile = leading !== undefined && <Blank leading={leading} />;
  return <guestNote.Part leading={leading} meanwhile={meanwhile} onClose={() => undefined} />;
}

/**
 * Puts the focus where a person goes on: into the composer of a chat that is opened. Deleting takes away what had the
 * focus, and so does restoring: it moves to the words that say so, and back. Not to the button, which the next key of
 * whoever was typing would press. Answers the ref of those words.
 */
function useChatFocus(isNew: boolean, deleted: boolean, field: RefObject<HTMLTextAreaElement | null>) {
  const deletedHeading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    // Who searches goes on searching, also where the app was opened for that.
    if (document.activeElement?.matches("input[type=search]")) return;
    // A touch keyboard that opens by itself covers what a person came to read.
    if (isNew || matchMedia("(pointer: fine)").matches) field.current?.focus();
  }, [isNew, field]);
  useEffect(() => {
    if (document.activeElement !== document.body) return;
    if (deleted) deletedHeading.current?.focus();
    else if (matchMedia("(pointer: fine)").matches) field.current?.focus();
  }, [deleted, field]);
  return deletedHeading;
}

/** The model that answers next: the chat's own, else the server's default; "" while neither is known. */
function useModel({ conversation }: OpenConversation): string {
  const { models } = useWorkspace();
  const chosen = useWatched(conversation, () => conversation.settings().model);
  const standard = useWatched(models, () => models.models()?.defaultModel ?? "");
  return chosen || standard;
}

function useActions(open: OpenConversation, model: string): ConversationActions {
  const workspace = useWorkspace();
  return useMemo(
    () => ({
      keptEdits: workspace.keptEdits(open.id),
      edit: (message, text) => editPrompt(workspace, open, message, text, model),
      answerAgain: (prompt) => answerAgain(workspace, open, prompt, model),
      continueAnswer: (answer) => continueAnswer(workspace, open, answer, model),
      cancel: (prompt) => void cancelPrompt(workspace, open, prompt),
    }),
    [workspace, open, model],
  );
}

function usePageTitle({ conversation }: OpenConversation, isNew: boolean): void {
  const { me } = useWorkspace();
  const title = useWatched(conversation, () => displayTitle(conversation.summary()));
  // On a shared device nothing of a chat is to stand in the browser's history.
  const isPlain = isNew || title === "" || me.sharedDevice;
  useEffect(() => {
    document.title = isPlain ? words.app.name : `${title} · ${words.app.name}`;
  }, [title, isPlain]);
}
