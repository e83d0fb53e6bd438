import { useEffect, useState } from "react";
import type { ReactNode, RefObject } from "react";
import { Button } from "#client/ui/button.tsx";
import { Icon } from "#client/ui/icon.tsx";
import { useWatched } from "#client/ui/use-watched.ts";
import { words } from "#client/ui/words/words.ts";
import type { ConversationDocument } from "#shared/documents/conversation.ts";
import { branchRows, rowBatches } from "./branch-rows.ts";
import type { Batch } from "./branch-rows.ts";
import { RowBatch } from "./row-batch.tsx";
import type { RowSurroundings } from "./row-batch.tsx";
import { createRowFiller } from "#client/ui/row-filler.ts";
import { OpeningContext, createOpening } from "./seen-live.ts";
import "./conversation.css";

interface MessageListProps extends RowSurroundings {
  scroller: RefObject<HTMLDivElement | null>;
  content: RefObject<HTMLDivElement | null>;
  away: boolean;
  onJump: () => void;
  /** shown while nothing was said yet */
  empty: ReactNode;
}

/** How many batches, counted from the end, are there from the first paint on. */
const BATCHES_AT_ONCE = 2;

/** The shown branch. A log for screen readers that is read on demand: tokens are never announced. */
export function MessageList(props: MessageListProps) {
  const { conversation, actions, editable, answering, scroller, content, away, onJump, empty } = props;
  const batches = useBatches(conversation);
  const [filler] = useState(createRowFiller);
  const [opening] = useState(createOpening);
  useEffect(() => opening.end(), [opening]);
  return (
    <div className="messages-place">
      <div className="messages-scroller" ref={scroller}>
        <div className="messages" ref={content} role="log" aria-live="off" aria-label={words.chat.messages}>
          <OpeningContext value={opening}>
            {batches.length === 0 && empty}
            {batches.map((rows, index) => (
              <RowBatch
                key={index}
                rows={rows}
                atOnce={index >= batches.length - BATCHES_AT_ONCE}
                filler={filler}
                scroller={scroller}
                conversation={conversation}
                actions={actions}
                editable={editable}
                answering={answering}
              />
            ))}
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

function useBatches(conversation: ConversationDocument): readonly Batch[] {
  const branch = useWatched(conversation, () => conversation.branch());
  const [shown, setShown] = useState<{ branch: typeof branch; batches: readonly Batch[] }>({ branch: [], batches: [] });
  if (shown.branch === branch) return shown.batches;
  // Derived while rendering, as React advises: the same branch gives the same batches, so this settles at once.
  const rows = branchRows(branch, (id) => conversation.message(id) !== undefined);
  const batches = rowBatches(rows, shown.batches);
  setShown({ branch, batches });
  return batches;
}
