import { useState } from "react";
import { useWorkspace } from "#client/session/workspace.ts";
import { failureWords } from "#client/ui/words/failure-words.ts";
import { words } from "#client/ui/words/words.ts";
import type { RunFailure, RunFailureCode } from "#shared/domain/run.ts";
import { NoticeButtons } from "./notice-buttons.tsx";
import type { EarlyEndingProps } from "./run-notice.tsx";
import { useNow } from "./use-now.ts";

/** Every failure code has words: a new code without them does not compile. */
const FAILURES: Record<RunFailureCode, { what: string; next: string }> = failureWords;

/** Says why an answer that was interrupted or failed did. */
export function EarlyEnding({ ending, live, hasText, onContinue, onTryAgain, disabled }: EarlyEndingProps) {
  // A stored ending is read with the chat; only one that comes now may interrupt.
  const role = live ? "alert" : undefined;
  const continues = hasText ? onContinue : undefined;
  if (ending.type === "interrupted") {
    return (
      <div className="notice" data-look="warn" role={role}>
        <p>
          <strong>{words.chat.interrupted}</strong> {ending.failure && FAILURES[ending.failure.code].what}{" "}
          {hasText && words.chat.textKept}
        </p>
        <NoticeButtons onContinue={continues} onTryAgain={onTryAgain} disabled={disabled} />
      </div>
    );
  }
  return (
    <FailureNotice
      role={role}
      failure={ending.failure}
      waitMs={ending.waitMs}
      onContinue={continues}
      onTryAgain={onTryAgain}
      disabled={disabled}
    />
  );
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
