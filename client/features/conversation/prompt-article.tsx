import { memo, useLayoutEffect, useRef, useState } from "react";
import { Button, IconButton } from "#client/ui/button.tsx";
import { words } from "#client/ui/words/words.ts";
import type { ConversationDocument } from "#shared/documents/conversation.ts";
import type { UserMessage } from "#shared/domain/message.ts";
import type { ConversationActions } from "./conversation-actions.ts";
import { CopyMessage, MessageFooter, VersionSwitch } from "./message-footer.tsx";

interface PromptArticleProps {
  conversation: ConversationDocument;
  message: UserMessage;
  actions: ConversationActions;
  editable: boolean;
}

/** A person's turn. Editing it makes a version beside it; while it waits to go out, it is changed in place. */
export const PromptArticle = memo(({ conversation, message, actions, editable }: PromptArticleProps) => {
  const [editing, setEditing] = useState(false);
  return (
    <article className="message prompt" aria-label={words.chat.you}>
      {editing ? (
        <PromptEditor
          text={message.text}
          onDone={(text) => {
            setEditing(false);
            if (text !== undefined) actions.edit(message, text);
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
            {editable && <IconButton icon="pencil" label={words.chat.edit} onClick={() => setEditing(true)} />}
          </MessageFooter>
        </>
      )}
    </article>
  );
});
PromptArticle.displayName = "PromptArticle";

function PromptEditor({ text, onDone }: { text: string; onDone: (text: string | undefined) => void }) {
  const field = useRef<HTMLTextAreaElement>(null);
  useLayoutEffect(() => {
    const element = field.current;
    if (!element) return;
    element.focus();
    element.setSelectionRange(element.value.length, element.value.length);
    element.style.height = `${element.scrollHeight}px`;
  }, []);
  return (
    <div className="prompt-editor">
      <textarea
        ref={field}
        aria-label={words.chat.editLabel}
        defaultValue={text}
        dir="auto"
        onInput={(event) => {
          event.currentTarget.style.height = `${event.currentTarget.scrollHeight}px`;
        }}
        onKeyDown={(event) => {
          if (event.nativeEvent.isComposing) return;
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
