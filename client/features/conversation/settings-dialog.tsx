import { useId } from "react";
import { Button } from "#client/ui/button.tsx";
import { Dialog } from "#client/ui/dialog.tsx";
import { sameFields, useWatched } from "#client/ui/use-watched.ts";
import { dialogWords } from "#client/ui/words/dialog-words.ts";
import type { ConversationDocument } from "#shared/documents/conversation.ts";
import { PARAMETER_BOUNDS } from "#shared/domain/parameters.ts";
import { ParameterField } from "./parameter-field.tsx";
import "./settings-dialog.css";

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
    <Dialog title={dialogWords.settings.title} about={dialogWords.settings.about} onClose={onClose}>
      <div className="settings">
        <SystemPrompt stored={systemPrompt} onChange={conversation.setSystemPrompt} />
        {PARAMETERS.map((name) => (
          <ParameterField
            key={name}
            label={dialogWords.settings[name]}
            hint={dialogWords.settings[`${name}Hint`]}
            value={parameters[name]}
            bounds={PARAMETER_BOUNDS[name]}
            onChange={(value) => conversation.setParameter(name, value)}
          />
        ))}
        <div className="settings-buttons">
          <Button onClick={reset} disabled={untouched}>
            {dialogWords.settings.reset}
          </Button>
          <Button look="primary" onClick={onClose}>
            {dialogWords.settings.done}
          </Button>
        </div>
      </div>
    </Dialog>
  );
}

/** Each keystroke is written at once: a pause would be a time in which a reload loses words. */
function SystemPrompt({ stored, onChange }: { stored: string; onChange: (text: string) => void }) {
  const hint = useId();
  return (
    <label className="settings-prompt">
      <span className="settings-name">{dialogWords.settings.systemPrompt}</span>
      <textarea
        rows={4}
        dir="auto"
        autoComplete="off"
        aria-label={dialogWords.settings.systemPrompt}
        aria-describedby={hint}
        value={stored}
        onChange={(event) => onChange(event.target.value)}
      />
      <span className="settings-hint" id={hint}>
        {dialogWords.settings.systemPromptHint}
      </span>
    </label>
  );
}
