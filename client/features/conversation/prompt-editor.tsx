import { useLayoutEffect, useRef } from "react";
import type { KeptEdits } from "#client/local-store/kept-edits.ts";
import { Button } from "#client/ui/button.tsx";
import { words } from "#client/ui/words/words.ts";
import type { UserMessage } from "#shared/domain/message.ts";

interface PromptEditorProps {
  message: UserMessage;
  keptEdits: KeptEdits;
  takesFocus: boolean;
  onSave: (text: string) => void;
  onClose: () => void;
}

/** Edits the words of a turn. What is typed is kept on this device until it is saved or given up. */
export function PromptEditor({ message, keptEdits, takesFocus, onSave, onClose }: PromptEditorProps) {
  const field = useRef<HTMLTextAreaElement>(null);
  useLayoutEffect(() => {
    const element = field.current;
    if (!element) return;
    element.setSelectionRange(element.value.length, element.value.length);
    if (takesFocus) element.focus();
    element.style.height = `${element.scrollHeight}px`;
  }, [takesFocus]);
  const finish = (text: string | undefined): void => {
    keptEdits.forget(message.id);
    if (text !== undefined) onSave(text);
    onClose();
  };
  return (
    <div className="prompt-editor">
      <textarea
        ref={field}
        aria-label={words.chat.editLabel}
        defaultValue={keptEdits.read(message.id) ?? message.text}
        dir="auto"
        autoComplete="off"
        onInput={(event) => {
          keptEdits.keep(message.id, event.currentTarget.value);
          event.currentTarget.style.height = `${event.currentTarget.scrollHeight}px`;
        }}
        onKeyDown={(event) => {
          // Safari ends the composition before this event; it marks the key with 229 instead.
          if (event.nativeEvent.isComposing || event.nativeEvent.keyCode === 229) return;
          if (event.key === "Escape") finish(undefined);
          if (event.key === "Enter" && !event.shiftKey) {
            event.preventDefault();
            finish(event.currentTarget.value);
          }
        }}
      />
      <div className="prompt-editor-buttons">
        <Button onClick={() => finish(undefined)}>{words.chat.cancel}</Button>
        <Button look="primary" onClick={() => finish(field.current?.value)}>
          {words.chat.save}
        </Button>
      </div>
    </div>
  );
}
