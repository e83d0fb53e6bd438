import { createContext, useContext, useId, useMemo, useState } from "react";
import type { ReactNode } from "react";
import { Icon } from "#client/ui/icon.tsx";
import type { IconName } from "#client/ui/icon.tsx";
import { formatDateTime } from "#client/ui/words/format-date.ts";
import { provenanceWords } from "#client/ui/words/provenance-words.ts";
import type { FrozenMessage } from "#shared/domain/frozen-content.ts";
import type { AnswerMark } from "#shared/provenance/verify-answer.ts";
import { marksByMessage, weightOf } from "./answer-marks-state.ts";
import type { MarkBasis, MarksState } from "./answer-marks-state.ts";
import { explanationOf, markName, markWords } from "./mark-words.ts";
import { useModelNames } from "./use-model-names.ts";
import "./provenance.css";

interface Marks {
  basis: MarkBasis;
  byMessage: ReadonlyMap<FrozenMessage, AnswerMark>;
}

const MarksContext = createContext<Marks>({ basis: "server", byMessage: new Map() });

interface AnswerMarksProps {
  messages: readonly FrozenMessage[];
  state: MarksState;
  basis: MarkBasis;
  children: ReactNode;
}

/** Hands the marks to the answers below it. */
export function AnswerMarks({ messages, state, basis, children }: AnswerMarksProps) {
  const marks = useMemo(
    () => ({
      basis,
      byMessage: state.type === "marked" ? marksByMessage(messages, state.marks) : new Map<FrozenMessage, AnswerMark>(),
    }),
    [messages, state, basis],
  );
  return <MarksContext value={marks}>{children}</MarksContext>;
}

/** Whose answer it is, beside its mark, which explains itself when it is pressed. The mark comes later and moves nothing. */
export function AnswerHead({ message, name }: { message: FrozenMessage; name: string }) {
  const { basis, byMessage } = useContext(MarksContext);
  const [open, setOpen] = useState(false);
  const panel = useId();
  const mark = byMessage.get(message);
  return (
    <>
      <div className="answer-head">
        <p className="message-author">{name}</p>
        {mark && (
          <button
            type="button"
            className="answer-mark"
            data-weight={weightOf(mark, basis)}
            aria-label={markName(mark, basis, name)}
            aria-expanded={open}
            aria-controls={open ? panel : undefined}
            onClick={() => setOpen(!open)}
          >
            <Icon name={iconOf(mark, basis)} />
            {markWords(mark, basis)}
          </button>
        )}
      </div>
      {mark && open && <Explanation id={panel} mark={mark} basis={basis} name={name} />}
    </>
  );
}

function iconOf(mark: AnswerMark, basis: MarkBasis): IconName {
  if (mark.type === "edited") return "pencil";
  const weight = weightOf(mark, basis);
  if (weight === "warn") return "alert";
  return weight === "good" ? "check" : "details";
}

interface ExplanationProps {
  id: string;
  mark: AnswerMark;
  basis: MarkBasis;
  name: string;
}

function Explanation({ id, mark, basis, name }: ExplanationProps) {
  const nameOf = useModelNames();
  const signedModel = mark.type === "unverified" ? name : nameOf(mark.receipt.model);
  return (
    <div className="mark-explanation" id={id}>
      {explanationOf(mark, basis, signedModel).map((text) => (
        <p key={text}>{text}</p>
      ))}
      {mark.type !== "unverified" && (
        <dl>
          {mark.receipt.resolvedModel !== undefined && (
            <div>
              <dt>{provenanceWords.version}</dt>
              <dd>{mark.receipt.resolvedModel}</dd>
            </div>
          )}
          <div>
            <dt>{provenanceWords.signedAt}</dt>
            <dd>{formatDateTime(mark.receipt.iat * 1000)}</dd>
          </div>
          <div>
            <dt>{provenanceWords.key}</dt>
            <dd>
              <code>{mark.kid}</code>
            </dd>
          </div>
        </dl>
      )}
    </div>
  );
}
