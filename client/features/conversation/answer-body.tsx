import { useWorkspace } from "#client/session/workspace.ts";
import { LazyMarkdown } from "#client/ui/markdown/lazy-markdown.tsx";
import { words } from "#client/ui/words/words.ts";
import type { AnswerView } from "./answer-state.ts";
import { useNow } from "./use-now.ts";

/** The text of an answer and, while it is written, what it is waiting for. */
export function AnswerBody({ view }: { view: AnswerView }) {
  const writing = view.phase === "writing";
  const quiet = writing && view.text === "" && !view.waiting;
  return (
    <>
      {view.reasoning !== "" && (
        <details className="reasoning">
          <summary>{words.chat.thinking}</summary>
          <div className="plain-text" dir="auto">
            {view.reasoning}
          </div>
        </details>
      )}
      {view.text !== "" && <LazyMarkdown text={view.text} writing={writing && !view.paused} />}
      {quiet && <span className="caret-alone" aria-hidden="true" />}
      {writing && <WritingLine view={view} />}
    </>
  );
}

function WritingLine({ view }: { view: Extract<AnswerView, { phase: "writing" }> }) {
  const { clock } = useWorkspace();
  const now = useNow(clock, view.waiting?.type === "retry");
  const line = lineOf(view, now);
  return line === undefined ? null : <p className="writing-line">{line}</p>;
}

function lineOf(
  { paused, stopping, waiting }: Extract<AnswerView, { phase: "writing" }>,
  now: number,
): string | undefined {
  if (stopping) return words.chat.stopping;
  if (paused) return words.chat.paused;
  if (waiting?.type === "stall") return words.chat.waitingStall;
  if (waiting?.type === "retry") {
    return words.chat.waitingRetry(Math.max(1, Math.ceil((waiting.at - now) / 1000)), waiting.attempt, waiting.of);
  }
  return undefined;
}
