import { Button } from "#client/ui/button.tsx";
import { Dialog } from "#client/ui/dialog.tsx";
import { trashWords } from "#client/ui/words/trash-words.ts";

interface EraseDialogProps {
  title: string;
  /** what is lost for ever */
  about: string;
  action: string;
  onErase: () => void;
  onClose: () => void;
}

/** Asks before anything is erased: it cannot be undone. */
export function EraseDialog({ title, about, action, onErase, onClose }: EraseDialogProps) {
  return (
    <Dialog title={title} about={about} onClose={onClose}>
      <div className="erase-buttons">
        <Button look="soft" onClick={onClose}>
          {trashWords.cancel}
        </Button>
        <Button
          className="erase-now"
          onClick={() => {
            onErase();
            onClose();
          }}
        >
          {action}
        </Button>
      </div>
    </Dialog>
  );
}
