import { memo, useLayoutEffect, useRef, useState } from "react";
import { Button, IconButton } from "#client/ui/button.tsx";
import { words } from "#client/ui/words/words.ts";
import type { ConversationDocument } from "#shared/documents/conversation.ts";
import type { UserMessage } from "#shared/domain/message.ts";
import type { ConversationActions } from "./conversation-actions.ts";
import { keptEdits } from "./kept-edit.ts";
import { CopyMessage, MessageFooter, VersionSwitch } from "./message-footer.tsx";

interface PromptArticleProps {
  conversation: ConversationDocument;
  message: UserMessage;
  actions: ConversationActions;
  editable: boolean;
}

/** A person's turn. Editing it makes a version beside it; while it waits to go out, it is changed in place. */
export const PromptArticle = memo(({ conversation, message, actions, editable }: PromptArticleProps) => {
  // An edit that was left open comes back open, but takes the focus only when a person opened it now.
  const [editor, setEditor] = useState<"closed" | "left-open" | "opened">(() =>
    keptEdits.read(message.id) === undefined ? "closed" : "left-open",
  );
  return (
    <article className="message prompt" aria-label={words.chat.you}>
      {editor !== "closed" && editable ? (
        <PromptEditor
          message={message}
          takesFocus={editor === "opened"}
          onDone={(text) => {
            setEditor("closed");
            if (text !== undefined) actions.edit(message, text);
            keptEdits.forget(message.id);
          }}
        />
      ) : (
        <>
          <div className="prompt-text" dir="auto">
            {message.text}
          </div>
          <MessageFooter>
            <VersionSwitch conversation={conversation} message={message} />
            <CopyMessage text={message.text} />
            {editable && <IconButton icon="pencil" label={words.chat.edit} onClick={() => setEditor("opened")} />}
          </MessageFooter>
        </>
      )}
    </article>
  );
});
PromptArticle.displayName = "PromptArticle";

interface PromptEditorProps {
  message: UserMessage;
  takesFocus: boolean;
  /** with the new text, or `undefined` when the edit is given up */
  onDone: (text: string | undefined) => void;
}

function PromptEditor({ message, takesFocus, onDone }: PromptEditorProps) {
  const field = useRef<HTMLTextAreaElement>(null);
  useLayoutEffect(() => {
    const element = field.current;
    if (!element) return;
    element.setSelectionRange(element.value.length, element.value.length);
    if (takesFocus) element.focus();
    element.style.height = `${element.scrollHeight}px`;
  }, [takesFocus]);
  return (
    <div className="prompt-editor">
      <textarea
        ref={field}
        aria-label={words.chat.editLabel}
        defaultValue={keptEdits.read(message.id) ?? message.text}
        dir="auto"
        onInput={(event) => {
          keptEdits.keep(message.id, event.currentTarget.value);
          event.currentTarget.style.height = `${event.currentTarget.scrollHeight}px`;
        }}
        onKeyDown={(event) => {
          // Safari ends the composition before this event; it marks the key with 229 instead.
          if (event.nativeEvent.isComposing || event.nativeEvent.keyCode === 229) return;
          if (event.key === "Escape") onDone(undefined);
          if (event.key === "Enter" && !event.shiftKey) {
            event.preventDefault();
            onDone(event.currentTarget.value);
          }
        }}
      />
      <div className="prompt-editor-buttons">
        <Button onClick={() => onDone(undefined)}>{words.chat.cancel}</Button>
        <Button look="primary" onClick={() => onDone(field.current?.value)}>
          {words.chat.save}
        </Button>
      </div>
    </div>
  );
}
