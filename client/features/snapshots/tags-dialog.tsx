import { useWorkspace } from "#client/session/workspace.ts";
import { Button } from "#client/ui/button.tsx";
import { Dialog } from "#client/ui/dialog.tsx";
import { useWatched } from "#client/ui/use-watched.ts";
import { snapshotWords } from "#client/ui/words/snapshot-words.ts";
import { knownTags } from "./snapshot-list-state.ts";
import { TagField, useTags } from "./tag-field.tsx";

interface TagsDialogProps {
  title: string;
  tags: readonly string[];
  onSave: (tags: string[]) => void;
  onClose: () => void;
}

/** Changes the tags of a snapshot. */
export function TagsDialog({ title, tags, onSave, onClose }: TagsDialogProps) {
  const { snapshots } = useWorkspace();
  const entries = useWatched(snapshots, () => snapshots.entries());
  const edited = useTags(tags);
  return (
    <Dialog title={snapshotWords.tags.title(title)} onClose={onClose}>
      <form
        className="form"
        onSubmit={(event) => {
          event.preventDefault();
          onSave(edited.all());
          onClose();
        }}
      >
        <TagField known={knownTags(entries)} {...edited.field} />
        <div className="form-buttons snapshot-buttons">
          <Button look="soft" onClick={onClose}>
            {snapshotWords.take.cancel}
          </Button>
          <Button look="primary" type="submit">
            {snapshotWords.tags.save}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
