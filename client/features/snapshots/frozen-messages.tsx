import { memo, useEffect, useMemo, useRef, useState } from "react";
import type { ComponentType, RefObject } from "react";
import { useWorkspace } from "#client/session/workspace.ts";
import { IconButton } from "#client/ui/button.tsx";
import { CopyText } from "#client/ui/copy-text.tsx";
import { LazyMarkdown } from "#client/ui/markdown/lazy-markdown.tsx";
import { createRowFiller } from "#client/ui/row-filler.ts";
import type { RowFiller } from "#client/ui/row-filler.ts";
import { snapshotWords } from "#client/ui/words/snapshot-words.ts";
import type { FrozenMessage, FrozenRun } from "#shared/domain/frozen-content.ts";
import { AnswerHead } from "./answer-mark.tsx";
import { useModelNames } from "./use-model-names.ts";

/** What says how an answer was made. */
export type RunDetails = ComponentType<{ run: FrozenRun; onClose: () => void }>;

/** So few that showing a batch takes a fraction of a frame, so many that the first two fill a screen. */
const ROWS_A_BATCH = 24;
/** How many batches are there from the first paint on. */
const BATCHES_AT_ONCE = 2;
/** Height of a row that was never drawn, in CSS pixels. */
const ROW_PX = 220;

interface FrozenMessagesProps {
  messages: readonly FrozenMessage[];
  scroller: RefObject<HTMLElement | null>;
  Details: RunDetails;
}

/** Messages to read, first to last, as the chat shows them. A long list is filled in while the page rests. */
export function FrozenMessages({ messages, scroller, Details }: FrozenMessagesProps) {
  const [filler] = useState(createRowFiller);
  const batches = useMemo(
    () =>
      Array.from({ length: Math.ceil(messages.length / ROWS_A_BATCH) }, (_, index) =>
        messages.slice(index * ROWS_A_BATCH, (index + 1) * ROWS_A_BATCH),
      ),
    [messages],
  );
  return (
    <section className="messages snapshot-messages" aria-label={snapshotWords.page.messages}>
      {batches.map((batch, index) => (
        <FrozenBatch
          key={index}
          messages={batch}
          atOnce={index < BATCHES_AT_ONCE}
          filler={filler}
          scroller={scroller}
          Details={Details}
        />
      ))}
    </section>
  );
}

interface FrozenBatchProps extends FrozenMessagesProps {
  atOnce: boolean;
  filler: RowFiller;
}

/** Messages that are shown together. Until their turn comes, the batch is empty and of about their height. */
const FrozenBatch = memo(({ messages, atOnce, filler, scroller, Details }: FrozenBatchProps) => {
  const [filled, setFilled] = useState(atOnce);
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const empty = filled ? null : place.current;
    return empty ? filler.add(empty, scroller.current, () => setFilled(true)) : undefined;
  }, [filled, filler, scroller]);
  const height = messages.length * ROW_PX;
  if (!filled) return <div className="row-batch" ref={place} data-empty style={{ height }} />;
  return (
    <div className="row-batch" style={{ containIntrinsicBlockSize: `auto ${height}px` }}>
      {messages.map((message, index) =>
        message.role === "user" ? (
          <FrozenPrompt key={index} message={message} />
        ) : (
          <FrozenAnswer key={index} message={message} Details={Details} />
        ),
      )}
    </div>
  );
});
FrozenBatch.displayName = "FrozenBatch";

function FrozenPrompt({ message }: { message: FrozenMessage }) {
  const { me } = useWorkspace();
  const isMine = message.author === undefined || message.author === me.accountId;
  const name = isMine ? snapshotWords.page.you_author : snapshotWords.page.member;
  return (
    <article className="message prompt" aria-label={name}>
      {!isMine && <p className="message-author">{name}</p>}
      <div className="prompt-text" dir="auto">
        {message.text}
      </div>
      <footer className="message-footer">
        <CopyText text={message.text} />
      </footer>
    </article>
  );
}

function FrozenAnswer({ message, Details }: { message: FrozenMessage; Details: RunDetails }) {
  const nameOf = useModelNames();
  const [details, setDetails] = useState(false);
  const { run, text, reasoning } = message;
  const name = run ? nameOf(run.model) : snapshotWords.page.assistant;
  const ending = run && endingWords(run);
  return (
    <article className="message answer" aria-label={name}>
      <AnswerHead message={message} name={name} />
      {reasoning !== undefined && (
        <details className="reasoning">
          <summary>{snapshotWords.page.thinking}</summary>
          <div className="plain-text" dir="auto">
            {reasoning}
          </div>
        </details>
      )}
      {text !== "" && <LazyMarkdown text={text} />}
      {ending !== undefined && <p className="snapshot-ending">{ending}</p>}
      <footer className="message-footer">
        {text !== "" && <CopyText text={text} />}
        {run && (
          <IconButton
            icon="details"
            label={snapshotWords.page.details}
            aria-haspopup="dialog"
            onClick={() => setDetails(true)}
          />
        )}
        {run && details && <Details run={run} onClose={() => setDetails(false)} />}
      </footer>
    </article>
  );
}

/** How an answer ended, where it did not end by itself. */
function endingWords({ status, finish }: FrozenRun): string | undefined {
  const text = snapshotWords.page.endings;
  if (status === "stopped" || status === "failed" || status === "interrupted") return text[status];
  return finish === "length" ? text.length : undefined;
}
