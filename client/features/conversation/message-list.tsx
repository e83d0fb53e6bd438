import { useEffect, useMemo, useState } from "react";
import type { ReactNode, RefObject } from "react";
import { Button } from "#client/ui/button.tsx";
import { Icon } from "#client/ui/icon.tsx";
import { useWatched } from "#client/ui/use-watched.ts";
import { words } from "#client/ui/words/words.ts";
import type { ConversationDocument } from "#shared/documents/conversation.ts";
import { AnswerArticle } from "./answer-article.tsx";
import { branchRows } from "./branch-rows.ts";
import type { Row } from "./branch-rows.ts";
import type { ConversationActions } from "./conversation-actions.ts";
import { PlannedAnswer } from "./planned-answer.tsx";
import { PromptArticle } from "./prompt-article.tsx";
import { OpeningContext, createOpening } from "./seen-live.ts";
import "./conversation.css";

interface MessageListProps {
  conversation: ConversationDocument;
  actions: ConversationActions;
  editable: boolean;
  /** an answer of the branch is being written */
  answering: boolean;
  scroller: RefObject<HTMLDivElement | null>;
  content: RefObject<HTMLDivElement | null>;
  away: boolean;
  onJump: () => void;
  /** shown while nothing was said yet */
  empty: ReactNode;
}

/** The shown branch. A log for screen readers that is read on demand: tokens are never announced. */
export function MessageList(props: MessageListProps) {
  const { conversation, scroller, content, away, onJump, empty } = props;
  const branch = useWatched(conversation, () => conversation.branch());
  const rows = useMemo(
    () => branchRows(branch, (id) => conversation.message(id) !== undefined),
    [branch, conversation],
  );
  const [opening] = useState(createOpening);
  useEffect(() => opening.end(), [opening]);
  return (
    <div className="messages-place">
      <div className="messages-scroller" ref={scroller}>
        <div className="messages" ref={content} role="log" aria-live="off" aria-label={words.chat.messages}>
          <OpeningContext value={opening}>
            {rows.length === 0 ? empty : rows.map((row) => <RowView key={row.key} row={row} {...props} />)}
          </OpeningContext>
        </div>
      </div>
      {away && (
        <Button className="jump" onClick={onJump}>
          <Icon name="down" />
          {words.chat.jump}
        </Button>
      )}
    </div>
  );
}

function RowView({ row, conversation, actions, editable, answering }: MessageListProps & { row: Row }) {
  switch (row.type) {
    case "prompt":
      return <PromptArticle conversation={conversation} message={row.message} actions={actions} editable={editable} />;
    case "answer":
      return (
        <AnswerArticle
          conversation={conversation}
          prompt={row.prompt}
          message={row.message}
          actions={actions}
          editable={editable}
        />
      );
    case "planned":
      return <PlannedAnswer row={row} actions={actions} behind={answering} />;
  }
}
