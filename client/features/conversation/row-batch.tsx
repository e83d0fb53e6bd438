import { memo, useEffect, useRef, useState } from "react";
import type { ReactNode, RefObject } from "react";
import type { ConversationDocument } from "#shared/documents/conversation.ts";
import { AnswerArticle } from "./answer-article.tsx";
import type { Batch, Row } from "./branch-rows.ts";
import type { ConversationActions } from "./conversation-actions.ts";
import { PlannedAnswer } from "./planned-answer.tsx";
import { PromptArticle } from "./prompt-article.tsx";
import type { RowFiller } from "#client/ui/row-filler.ts";
import { OpeningContext, createOpening } from "./seen-live.ts";

/** What every row is shown with. */
export interface RowSurroundings {
  conversation: ConversationDocument;
  actions: ConversationActions;
  editable: boolean;
  /** an answer of the branch is being written */
  answering: boolean;
}

interface RowBatchProps extends RowSurroundings {
  rows: Batch;
  /** whether the rows are there from the start; what it is later changes nothing */
  atOnce: boolean;
  filler: RowFiller;
  scroller: RefObject<Element | null>;
}

/** Height of a row that was never drawn, in CSS pixels: the mean of what conversation.css says of both kinds. */
const ROW_PX = 220;

/** Rows that are shown together. Until their turn comes, the batch is empty and of about their height. */
export const RowBatch = memo(({ rows, atOnce, filler, scroller, ...surroundings }: RowBatchProps) => {
  const [filled, setFilled] = useState(atOnce);
  const [late] = useState(!atOnce);
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const empty = filled ? null : place.current;
    return empty ? filler.add(empty, scroller.current, () => setFilled(true)) : undefined;
  }, [filled, filler, scroller]);
  const height = rows.length * ROW_PX;
  if (!filled) return <div className="row-batch" ref={place} data-empty style={{ height }} />;
  const shown = rows.map((row) => <RowView key={row.key} row={row} {...surroundings} />);
  return (
    <div className="row-batch" style={{ containIntrinsicBlockSize: `auto ${height}px` }}>
      {late ? <FilledLate>{shown}</FilledLate> : shown}
    </div>
  );
});
RowBatch.displayName = "RowBatch";

/** What is filled in after the opening was there before it all the same: nothing of it came while the chat was shown. */
function FilledLate({ children }: { children: ReactNode }) {
  const [opening] = useState(createOpening);
  useEffect(() => opening.end(), [opening]);
  return <OpeningContext value={opening}>{children}</OpeningContext>;
}

function RowView({ row, conversation, actions, editable, answering }: RowSurroundings & { row: Row }) {
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
