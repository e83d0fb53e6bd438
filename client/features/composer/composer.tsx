import { useEffect, useLayoutEffect, useRef, useState } from "react";
import type { ReactNode, RefObject } from "react";
import { IconButton } from "#client/ui/button.tsx";
import { words } from "#client/ui/words/words.ts";
import type { ConversationDocument } from "#shared/documents/conversation.ts";
import { composerView, sendsOn } from "./composer-state.ts";
import { useDraft } from "./use-draft.ts";
import "./composer.css";

/** The answer being written in the shown branch. */
export interface ActiveRun {
  runId: string;
  paused: boolean;
  stopping: boolean;
  /** nothing is left to stop: only what the reader froze is shown */
  ended: boolean;
}

interface ComposerProps {
  conversation: ConversationDocument;
  field: RefObject<HTMLTextAreaElement | null>;
  online: boolean;
  model: string;
  active: ActiveRun | undefined;
  promptWaits: boolean;
  onSend: (text: string) => void;
  onStop: (runId: string) => void;
  onPause: (runId: string) => void;
  onResume: (runId: string) => void;
}

/** Where a person writes. What they type is in the conversation's draft at once. */
export function Composer(props: ComposerProps) {
  const { conversation, field, online, model, active, promptWaits, onSend } = props;
  const { text, type, startComposing, endComposing } = useDraft(conversation, field);
  const [wish, setWish] = useState<SendWish>();
  const wished = wish?.text;
  const view = composerView({ text, online, model, answering: active !== undefined, promptWaits, wished });
  useGrowing(field);
  useWish(wish, { text, model, onSend: () => onSend(endComposing()) });
  const send = (): void => {
    if (view.sendKey === "nothing") return;
    const written = endComposing();
    if (view.sendKey === "sends") onSend(written);
    else setWish({ text: written });
    field.current?.focus();
  };
  return (
    <form
      className="composer"
      aria-label={words.composer.message}
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      {view.line && (
        <p className="composer-line" data-line={view.line} id="composer-line">
          {words.composer[view.line]}
        </p>
      )}
      <div className="composer-box">
        <textarea
          ref={field}
          rows={1}
          dir="auto"
          // Else the browser keeps the words in files of its own, which nobody wipes. Drafts come back without it.
          autoComplete="off"
          aria-label={words.composer.message}
          aria-describedby={view.line ? "composer-line" : undefined}
          placeholder={words.composer.placeholder}
          enterKeyHint="send"
          value={text}
          onChange={(event) => {
            setWish(undefined);
            type(event.target.value);
          }}
          onCompositionStart={startComposing}
          onCompositionEnd={endComposing}
          onKeyDown={(event) => {
            const { isComposing, keyCode } = event.nativeEvent;
            // Safari ends the composition before this event; it marks the key with 229 instead.
            const composing = isComposing || keyCode === 229;
            if (!sendsOn({ key: event.key, shift: event.shiftKey, composing })) return;
            event.preventDefault();
            send();
          }}
        />
        <ComposerButtons {...props}>
          <IconButton
            className="composer-send"
            type="submit"
            icon="send"
            label={words.composer.send}
            disabled={view.sendKey === "nothing"}
          />
        </ComposerButtons>
      </div>
    </form>
  );
}

function ComposerButtons(props: ComposerProps & { children: ReactNode }) {
  const { active, onStop, onPause, onResume, children } = props;
  return (
    <div className="composer-buttons">
      {active && (
        <>
          {active.paused ? (
            <IconButton icon="play" label={words.composer.resume} onClick={() => onResume(active.runId)} />
          ) : (
            <IconButton icon="pause" label={words.composer.pause} onClick={() => onPause(active.runId)} />
          )}
          {!active.ended && (
            <IconButton
              icon="stop"
              className="composer-stop"
              label={words.composer.stop}
              disabled={active.stopping}
              onClick={() => onStop(active.runId)}
            />
          )}
        </>
      )}
      {children}
    </div>
  );
}

/** The words a person wanted sent before a model was known. */
interface SendWish {
  text: string;
}

/** Fulfils a wish when a model is known. It ends with that, and as soon as the words are others. */
function useWish(
  wish: SendWish | undefined,
  { text, model, onSend }: { text: string; model: string; onSend: () => void },
): void {
  const over = useRef<SendWish>(undefined);
  useEffect(() => {
    if (wish === undefined || wish === over.current) return;
    const same = wish.text === text;
    if (same && model === "") return;
    over.current = wish;
    if (same) onSend();
  }, [wish, text, model, onSend]);
}

/** Grows the field with its text where CSS can not (`field-sizing` is not everywhere yet). */
function useGrowing(field: RefObject<HTMLTextAreaElement | null>): void {
  const growsItself = useRef(typeof CSS !== "undefined" && CSS.supports("field-sizing", "content"));
  useLayoutEffect(() => {
    const element = field.current;
    if (!element || growsItself.current) return;
    element.style.setProperty("height", "auto");
    element.style.setProperty("height", `${element.scrollHeight}px`);
  });
}
