import { useState } from "react";
import { useWorkspace } from "#client/session/workspace.ts";
import { Button } from "#client/ui/button.tsx";
import { words } from "#client/ui/words/words.ts";
import type { RunFailure, RunFailureCode } from "#shared/domain/run.ts";
import type { Ending } from "./answer-state.ts";
import { useSeenLive } from "./seen-live.ts";
import { useNow } from "./use-now.ts";

/** Every failure code has words: a new code without them does not compile. */
const FAILURES: Record<RunFailureCode, { what: string; next: string }> = words.failures;

interface RunNoticeProps {
  ending: Ending;
  hasText: boolean;
  onContinue: (() => void) | undefined;
  onTryAgain: (() => void) | undefined;
  /** an answer to the same prompt is on its way */
  disabled: boolean;
}

/** Says how an answer ended when it did not end by itself, that nothing is lost, and what to do next. */
export function RunNotice({ ending, hasText, onContinue, onTryAgain, disabled }: RunNoticeProps) {
  // A stored ending is read with the chat; only one that comes now may interrupt.
  const role = useSeenLive() ? "alert" : undefined;
  switch (ending.type) {
    case "whole":
      return null;
    case "stopped":
    case "length":
      return (
        <div className="notice">
          <p>{ending.type === "stopped" ? words.chat.stopped : words.chat.lengthLimit}</p>
          <NoticeButtons onContinue={hasText ? onContinue : undefined} onTryAgain={onTryAgain} disabled={disabled} />
        </div>
      );
    case "interrupted":
      return (
        <div className="notice" data-look="warn" role={role}>
          <p>
            <strong>{words.chat.interrupted}</strong> {ending.failure && FAILURES[ending.failure.code].what}{" "}
            {hasText && words.chat.textKept}
          </p>
          <NoticeButtons onContinue={hasText ? onContinue : undefined} onTryAgain={onTryAgain} disabled={disabled} />
        </div>
      );
    case "failed":
      return (
        <FailureNotice
          role={role}
          failure={ending.failure}
          waitMs={ending.waitMs}
          onContinue={hasText ? onContinue : undefined}
          onTryAgain={onTryAgain}
          disabled={disabled}
        />
      );
  }
}

function FailureNotice(props: {
  role: "alert" | undefined;
  failure: RunFailure | undefined;
  waitMs: number;
  onContinue: (() => void) | undefined;
  onTryAgain: (() => void) | undefined;
  disabled: boolean;
}) {
  const { clock } = useWorkspace();
  const { what, next } = FAILURES[props.failure?.code ?? "internal"];
  const [seenAt] = useState(() => clock.now());
  const until = Math.min(props.failure?.retryAt ?? 0, seenAt + props.waitMs);
  const now = useNow(clock, until > clock.now());
  const seconds = Math.ceil((until - now) / 1000);
  return (
    <div className="notice" data-look="warn">
      <div className="notice-words">
        <p role={props.role}>
          <strong>{what}</strong> {next}
        </p>
        {seconds > 0 && <p className="notice-countdown">{words.chat.retryIn(seconds)}</p>}
      </div>
      <NoticeButtons
        onContinue={props.onContinue}
        onTryAgain={props.onTryAgain}
        disabled={props.disabled || seconds > 0}
      />
    </div>
  );
}

/** What can be done after an answer ended early. */
export function NoticeButtons(props: {
  onContinue: (() => void) | undefined;
  onTryAgain: (() => void) | undefined;
  disabled?: boolean;
}) {
  if (!props.onContinue && !props.onTryAgain) return null;
  return (
    <div className="notice-buttons">
      {props.onContinue && (
        <Button look="soft" onClick={props.onContinue} disabled={props.disabled}>
          {words.chat.continue}
        </Button>
      )}
      {props.onTryAgain && (
        <Button look="soft" onClick={props.onTryAgain} disabled={props.disabled}>
          {words.chat.tryAgain}
        </Button>
      )}
    </div>
  );
}
