import { useRef, useState } from "react";
import type { ReactNode } from "react";
import { useWorkspace } from "#client/session/workspace.ts";
import { IconButton } from "#client/ui/button.tsx";
import { lazyPart } from "#client/ui/lazy-part.tsx";
import { useWatched } from "#client/ui/use-watched.ts";
import { words } from "#client/ui/words/words.ts";
import type { ConversationDocument } from "#shared/documents/conversation.ts";
import { displayTitle } from "#shared/domain/summary.ts";

const titleField = lazyPart(async () => (await import("#client/ui/title-field.tsx")).TitleField);
const dialog = lazyPart(async () => (await import("./settings-dialog.tsx")).SettingsDialog);

interface ConversationHeaderProps {
  conversation: ConversationDocument;
  model: string;
  editable: boolean;
  /** what stands before the title, e.g. the button that opens the library */
  leading: ReactNode;
  /** what stands behind the settings */
  trailing: ReactNode;
}

/** The name of a chat, the model that answers next, and the chat's settings. */
export function ConversationHeader({ conversation, model, editable, leading, trailing }: ConversationHeaderProps) {
  const [settings, setSettings] = useState(false);
  return (
    <header className="chat-header">
      {leading}
      <ChatTitle conversation={conversation} editable={editable} />
      <ModelChoice conversation={conversation} model={model} disabled={!editable} />
      <IconButton
        icon="sliders"
        label={words.chat.settings}
        aria-haspopup="dialog"
        disabled={!editable}
        onPointerEnter={dialog.preload}
        onFocus={dialog.preload}
        onClick={() => setSettings(true)}
      />
      {trailing}
      {settings && <dialog.Part conversation={conversation} onClose={() => setSettings(false)} />}
    </header>
  );
}

function ChatTitle({ conversation, editable }: { conversation: ConversationDocument; editable: boolean }) {
  const [editing, setEditing] = useState(false);
  const rename = useRef<HTMLButtonElement>(null);
  const started = useWatched(conversation, () => conversation.branch().length > 0);
  const title = useWatched(conversation, () => displayTitle(conversation.summary()));
  if (!started) return <h1 className="chat-title chat-title-new">{words.chat.newTitle}</h1>;
  const shown = title || words.library.untitled;
  if (editing) {
    return (
      <div className="chat-title">
        <titleField.Part
          label={words.library.title}
          title={shown}
          onSave={conversation.rename}
          onClose={() => {
            setEditing(false);
            requestAnimationFrame(() => rename.current?.focus());
          }}
          meanwhile={<h1 dir="auto">{shown}</h1>}
        />
      </div>
    );
  }
  return (
    <div className="chat-title">
      <h1 dir="auto" title={shown}>
        {shown}
      </h1>
      {editable && (
        <IconButton
          ref={rename}
          icon="pencil"
          label={words.chat.rename}
          onPointerEnter={titleField.preload}
          onFocus={titleField.preload}
          onClick={() => setEditing(true)}
        />
      )}
    </div>
  );
}

function ModelChoice(props: { conversation: ConversationDocument; model: string; disabled: boolean }) {
  const { models } = useWorkspace();
  const catalogue = useWatched(models, () => models.models());
  const known = catalogue?.models ?? [];
  const missing = props.model !== "" && !known.some((one) => one.id === props.model);
  return (
    <span className="model-choice">
      <select
        aria-label={words.chat.model}
        value={props.model}
        disabled={props.disabled || (known.length === 0 && !missing)}
        onChange={(event) => props.conversation.chooseModel(event.target.value)}
      >
        {missing && <option value={props.model}>{catalogue ? words.chat.modelGone(props.model) : props.model}</option>}
        {known.map((one) => (
          <option key={one.id} value={one.id}>
            {one.name}
          </option>
        ))}
      </select>
    </span>
  );
}
