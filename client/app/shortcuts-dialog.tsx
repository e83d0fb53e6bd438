import { Fragment } from "react";
import { Dialog } from "#client/ui/dialog.tsx";
import { dialogWords } from "#client/ui/words/dialog-words.ts";

/** What the keyboard can do. */
export function ShortcutsDialog({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title={dialogWords.shortcuts.title} onClose={onClose}>
      <dl className="shortcuts">
        {dialogWords.shortcuts.list.map(({ keys, does }) => (
          <div key={does}>
            <dt>
              {keys.map((key, index) => (
                <Fragment key={key}>
                  {index > 0 && " "}
                  <kbd>{key}</kbd>
                </Fragment>
              ))}
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
