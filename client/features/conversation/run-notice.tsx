import { Suspense, lazy } from "react";
import { words } from "#client/ui/words/words.ts";
import type { Ending } from "./answer-state.ts";
import { NoticeButtons } from "./notice-buttons.tsx";
import { useSeenLive } from "./seen-live.ts";

interface RunNoticeProps {
  ending: Ending;
  hasText: boolean;
  onContinue: (() => void) | undefined;
  onTryAgain: (() => void) | undefined;
  /** an answer to the same prompt is on its way */
  disabled: boolean;
}

export interface EarlyEndingProps extends RunNoticeProps {
  ending: Extract<Ending, { type: "interrupted" | "failed" }>;
  /** it came while the chat was shown, and may interrupt */
  live: boolean;
}

const load = () => import("./early-ending.tsx");
// Where its code cannot be fetched, going on is still possible.
const EarlyEnding = lazy(async () => ({
  default: await load().then(
    (loaded) => loaded.EarlyEnding,
    () => PlainEnding,
  ),
}));

/** Fetches the code that says why an answer ended early, ahead of its first use. */
export const preloadEarlyEnding = (): void => void load().catch(() => undefined);

/** Says how an answer ended when it did not end by itself, that nothing is lost, and what to do next. */
export function RunNotice({ ending, ...rest }: RunNoticeProps) {
  const { hasText, onContinue, onTryAgain, disabled } = rest;
  // Asked here and not in what is loaded late, which always comes while the chat is shown.
  const live = useSeenLive();
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
    case "failed":
      return (
        <Suspense>
          <EarlyEnding ending={ending} live={live} {...rest} />
        </Suspense>
      );
  }
}

function PlainEnding({ hasText, onContinue, onTryAgain, disabled }: EarlyEndingProps) {
  return (
    <div className="notice" data-look="warn">
      <p>
        <strong>{words.chat.interrupted}</strong> {hasText && words.chat.textKept}
      </p>
      <NoticeButtons onContinue={hasText ? onContinue : undefined} onTryAgain={onTryAgain} disabled={disabled} />
    </div>
  );
}
