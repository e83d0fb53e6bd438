import { useId, useState } from "react";
import { Dialog } from "./dialog.tsx";
import { useSaving } from "./use-saving.ts";
import type { FileChoice } from "./use-saving.ts";
import { exportChoiceWords } from "./words/export-choice-words.ts";
import "./form.css";
import "./file-dialog.css";

interface FileDialogProps {
  title: string;
  choices: readonly FileChoice[];
  onClose: () => void;
}

type Saving = { type: "idle" } | { type: "making" } | { type: "failed"; words: string };

/** Asks in which form something is to be saved as a file, and saves it. It stays open where that did not work. */
export function FileDialog({ title, choices, onClose }: FileDialogProps) {
  const [saving, setSaving] = useState<Saving>({ type: "idle" });
  const save = useSaving();
  const choose = async (choice: FileChoice): Promise<void> => {
    if (choice.hindrance !== undefined || saving.type === "making") return;
    setSaving({ type: "making" });
    const failure = await save(choice);
    if (failure === undefined) onClose();
    else setSaving({ type: "failed", words: failure });
  };
  return (
    <Dialog title={title} about={exportChoiceWords.about} onClose={onClose}>
      <ul className="file-choices" aria-busy={saving.type === "making"}>
        {choices.map((choice) => (
          <li key={choice.label}>
            <ChoiceButton choice={choice} onChoose={() => void choose(choice)} />
          </li>
        ))}
      </ul>
      {saving.type === "making" && <p className="form-hint">{exportChoiceWords.making}</p>}
      {saving.type === "failed" && (
        <p className="form-failed" role="alert">
          {saving.words}
        </p>
      )}
    </Dialog>
  );
}

function ChoiceButton({ choice: { label, about, hindrance }, onChoose }: { choice: FileChoice; onChoose: () => void }) {
  const id = useId();
  return (
    <button
      type="button"
      className="file-choice"
      aria-labelledby={id}
      aria-describedby={`${id}-about`}
      // Not `disabled`, which no key reaches: whoever comes to it learns why.
      aria-disabled={hindrance !== undefined}
      onClick={onChoose}
    >
      <strong id={id}>{label}</strong>
      <span id={`${id}-about`}>{hindrance ?? about}</span>
    </button>
  );
}
