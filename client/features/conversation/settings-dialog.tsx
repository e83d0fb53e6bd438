import { useEffect, useId, useRef, useState } from "react";
import { Button } from "#client/ui/button.tsx";
import { Dialog } from "#client/ui/dialog.tsx";
import { sameFields, useWatched } from "#client/ui/use-watched.ts";
import { words } from "#client/ui/words/words.ts";
import type { ConversationDocument } from "#shared/documents/conversation.ts";
import { PARAMETER_BOUNDS } from "#shared/domain/parameters.ts";
import { ParameterField } from "./parameter-field.tsx";

const PARAMETERS = ["temperature", "topP", "maxOutputTokens"] as const;

interface SettingsDialogProps {
  conversation: ConversationDocument;
  onClose: () => void;
}

/** System prompt and sampling of one chat. Changes hold at once; an absent value means "as the provider likes". */
export function SettingsDialog({ conversation, onClose }: SettingsDialogProps) {
  const { parameters, systemPrompt } = useWatched(conversation, () => conversation.settings(), sameFields);
  const untouched = systemPrompt === "" && PARAMETERS.every((name) => parameters[name] === undefined);
  const reset = (): void => {
    conversation.setSystemPrompt("");
    for (const name of PARAMETERS) conversation.setParameter(name, undefined);
  };
  return (
    <Dialog title={words.settings.title} about={words.settings.about} onClose={onClose}>
      <div className="settings">
        <SystemPrompt stored={systemPrompt} onChange={conversation.setSystemPrompt} />
        {PARAMETERS.map((name) => (
          <ParameterField
            key={name}
            label={words.settings[name]}
            hint={words.settings[`${name}Hint`]}
            value={parameters[name]}
            bounds={PARAMETER_BOUNDS[name]}
            onChange={(value) => conversation.setParameter(name, value)}
          />
        ))}
        <div className="settings-buttons">
          <Button onClick={reset} disabled={untouched}>
            {words.settings.reset}
          </Button>
          <Button look="primary" onClick={onClose}>
            {words.settings.done}
          </Button>
        </div>
      </div>
    </Dialog>
  );
}

/** A pause in typing after which the whole prompt is written: it is one value in the document, not a shared text. */
const WRITE_AFTER_MS = 400;

function SystemPrompt({ stored, onChange }: { stored: string; onChange: (text: string) => void }) {
  const [text, setText] = useState(stored);
  const [seen, setSeen] = useState(stored);
  const hint = useId();
  if (stored !== seen) {
    setSeen(stored);
    setText(stored);
  }
  const pending = useRef<string | undefined>(undefined);
  useEffect(() => {
    if (pending.current === undefined) return;
    const timer = setTimeout(() => {
      onChange(pending.current ?? "");
      pending.current = undefined;
    }, WRITE_AFTER_MS);
    return () => clearTimeout(timer);
    // oxlint-disable-next-line react/exhaustive-effect-dependencies -- each keystroke starts the pause anew
  }, [text, onChange]);
  useEffect(
    () => () => {
      if (pending.current !== undefined) onChange(pending.current);
    },
    [onChange],
  );
  return (
    <label className="settings-prompt">
      <span className="settings-name">{words.settings.systemPrompt}</span>
      <textarea
        rows={4}
        dir="auto"
        aria-label={words.settings.systemPrompt}
        aria-describedby={hint}
        value={text}
        onChange={(event) => {
          pending.current = event.target.value;
          setText(event.target.value);
        }}
      />
      <span className="settings-hint" id={hint}>
        {words.settings.systemPromptHint}
      </span>
    </label>
  );
}
