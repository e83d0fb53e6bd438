import { Button } from "#client/ui/button.tsx";
import { words } from "#client/ui/words/words.ts";

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
