import { memo, useState } from "react";
import { IconButton } from "#client/ui/button.tsx";
import { CopyText } from "#client/ui/copy-text.tsx";
import { lazyPart } from "#client/ui/lazy-part.tsx";
import { words } from "#client/ui/words/words.ts";
import type { ConversationDocument } from "#shared/documents/conversation.ts";
import type { UserMessage } from "#shared/domain/message.ts";
import type { ConversationActions } from "./conversation-actions.ts";
import { MessageFooter, VersionSwitch } from "./message-footer.tsx";

const promptEditor = lazyPart(async () => (await import("./prompt-editor.tsx")).PromptEditor);

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
    actions.keptEdits.read(message.id) === undefined ? "closed" : "left-open",
  );
  const text = (
    <div className="prompt-text" dir="auto">
      {message.text}
    </div>
  );
  return (
    <article className="message prompt" aria-label={words.chat.you}>
      {editor !== "closed" && editable ? (
        <promptEditor.Part
          message={message}
          keptEdits={actions.keptEdits}
          takesFocus={editor === "opened"}
          onSave={(edited) => actions.edit(message, edited)}
          onClose={() => setEditor("closed")}
          meanwhile={text}
        />
      ) : (
        <>
          {text}
          <MessageFooter>
            <VersionSwitch conversation={conversation} message={message} />
            <CopyText text={message.text} />
            {editable && (
              <IconButton
                icon="pencil"
                label={words.chat.edit}
                onPointerEnter={promptEditor.preload}
                onFocus={promptEditor.preload}
                onClick={() => setEditor("opened")}
              />
            )}
          </MessageFooter>
        </>
      )}
    </article>
  );
});
PromptArticle.displayName = "PromptArticle";
