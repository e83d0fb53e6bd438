import { useId, useRef, useState } from "react";
import type { SnapshotEntry } from "#client/local-store/snapshots.ts";
import { Button } from "#client/ui/button.tsx";
import { snapshotWords } from "#client/ui/words/snapshot-words.ts";
import { NOTE_LENGTH } from "#shared/domain/snapshot.ts";
import { titleOf } from "./snapshot-title.ts";
import { TagList } from "./tag-field.tsx";
import { TagsDialog } from "./tags-dialog.tsx";
import { useSnapshotActions } from "./use-snapshot-actions.ts";

/** Tags and note of a snapshot, which may be changed at any time. */
export function SnapshotLabelFields({ entry, mayChange }: { entry: SnapshotEntry; mayChange: boolean }) {
  const [tags, setTags] = useState(false);
  const actions = useSnapshotActions(entry);
  const { summary } = entry;
  return (
    <div className="snapshot-labels">
      <div className="snapshot-tags">
        {summary.tags.length > 0 && <TagList tags={summary.tags} />}
        {mayChange && (
          <Button aria-haspopup="dialog" onClick={() => setTags(true)}>
            {snapshotWords.page.editTags}
          </Button>
        )}
      </div>
      <Note note={summary.note} mayChange={mayChange} onSave={actions.setNote} />
      {tags && (
        <TagsDialog
          title={titleOf(summary)}
          tags={summary.tags}
          onSave={actions.setTags}
          onClose={() => setTags(false)}
        />
      )}
    </div>
  );
}

function Note({ note, mayChange, onSave }: { note: string; mayChange: boolean; onSave: (note: string) => void }) {
  const [draft, setDraft] = useState<string>();
  const edit = useRef<HTMLButtonElement>(null);
  const id = useId();
  const text = snapshotWords.page;
  const close = (): void => {
    setDraft(undefined);
    requestAnimationFrame(() => edit.current?.focus());
  };
  if (draft === undefined) {
    return (
      <div className="snapshot-note">
        {note !== "" && (
          <p className="plain-text" dir="auto">
            {note}
          </p>
        )}
        {mayChange && (
          <Button ref={edit} onClick={() => setDraft(note)}>
            {note === "" ? text.addNote : text.editNote}
          </Button>
        )}
      </div>
    );
  }
  return (
    <form
      className="form snapshot-note"
      onSubmit={(event) => {
        event.preventDefault();
        onSave(draft.trim());
        close();
      }}
    >
      <div className="field">
        <label htmlFor={id}>{text.note}</label>
        <textarea
          id={id}
          ref={(field) => field?.focus()}
          rows={3}
          dir="auto"
          maxLength={NOTE_LENGTH}
          value={draft}
          onChange={(event) => setDraft(event.target.value)}
          onKeyDown={(event) => {
            if (event.key !== "Escape" || event.nativeEvent.isComposing) return;
            event.stopPropagation();
            close();
          }}
        />
      </div>
      <div className="form-buttons">
        <Button look="soft" type="submit">
          {text.saveNote}
        </Button>
        <Button onClick={close}>{text.cancel}</Button>
      </div>
    </form>
  );
}
