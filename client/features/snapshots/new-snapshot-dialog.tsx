import { useId, useLayoutEffect, useRef, useState } from "react";
import { useWorkspace } from "#client/session/workspace.ts";
import { Button } from "#client/ui/button.tsx";
import { Dialog } from "#client/ui/dialog.tsx";
import { Field } from "#client/ui/field.tsx";
import { useWatched } from "#client/ui/use-watched.ts";
import { snapshotWords } from "#client/ui/words/snapshot-words.ts";
import type { ConversationDocument } from "#shared/documents/conversation.ts";
import { freezeConversation } from "#shared/documents/freeze-conversation.ts";
import { contentIdOf } from "#shared/domain/frozen-content.ts";
import type { FrozenContent } from "#shared/domain/frozen-content.ts";
import type { ConversationId, SnapshotId } from "#shared/domain/ids.ts";
import { NOTE_LENGTH } from "#shared/domain/snapshot.ts";
import { TITLE_LENGTH, displayTitle } from "#shared/domain/summary.ts";
import { Facts } from "./facts.tsx";
import { parameterWords } from "./parameter-words.ts";
import { knownTags } from "./snapshot-list-state.ts";
import { TagField, useTags } from "./tag-field.tsx";
import { modelsOf, sameAsNewest } from "./take-state.ts";
import { useModelNames } from "./use-model-names.ts";
import { useOnline } from "./use-online.ts";

interface NewSnapshotDialogProps {
  id: ConversationId;
  conversation: ConversationDocument;
  onTaken: (id: SnapshotId) => void;
  onClose: () => void;
}

/** Asks what to call a snapshot and says what it will hold: what the chat shows at the moment the dialog opens. */
export function NewSnapshotDialog(props: NewSnapshotDialogProps) {
  const { conversation, onClose } = props;
  const { me } = useWorkspace();
  const [frozen] = useState(() => freezeConversation(conversation, { author: me.accountId }));
  const text = snapshotWords.take;
  return (
    <Dialog title={text.title} about={text.about} onClose={onClose}>
      {frozen.ok ? (
        <NewSnapshotForm {...props} content={frozen.value} />
      ) : (
        <div className="form">
          <p className="form-failed">{text[frozen.failure]}</p>
          <div className="form-buttons">
            <Button look="soft" onClick={onClose}>
              {text.cancel}
            </Button>
          </div>
        </div>
      )}
    </Dialog>
  );
}

function NewSnapshotForm({
  id,
  conversation,
  content,
  onTaken,
  onClose,
}: NewSnapshotDialogProps & { content: FrozenContent }) {
  const { snapshots } = useWorkspace();
  const text = snapshotWords.take;
  const entries = useWatched(snapshots, () => snapshots.entries());
  const online = useOnline();
  const same = sameAsNewest(entries, id, contentIdOf(content.manifest));
  const [title, setTitle] = useState(() => displayTitle(conversation.summary()));
  const [note, setNote] = useState("");
  const tags = useTags([]);
  const taking = useRef(false);
  const [failed, setFailed] = useState(false);
  const name = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => name.current?.select(), []);
  const noteId = useId();
  const save = async (): Promise<void> => {
    if (taking.current) return;
    taking.current = true;
    setFailed(false);
    const labels = { title: title.trim(), note: note.trim(), tags: tags.all() };
    try {
      onTaken(await snapshots.take({ conversationId: id, content, ...labels }));
    } catch (thrown) {
      setFailed(true);
      throw thrown;
    } finally {
      taking.current = false;
    }
  };
  return (
    <form
      className="form"
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      <Field
        ref={name}
        label={text.name}
        value={title}
        maxLength={TITLE_LENGTH}
        autoComplete="off"
        dir="auto"
        onChange={(event) => setTitle(event.target.value)}
      />
      <div className="field">
        <label htmlFor={noteId}>{text.note}</label>
        <textarea
          id={noteId}
          rows={2}
          dir="auto"
          maxLength={NOTE_LENGTH}
          aria-describedby={`${noteId}-hint`}
          value={note}
          onChange={(event) => setNote(event.target.value)}
        />
        <span className="field-hint" id={`${noteId}-hint`}>
          {text.noteHint}
        </span>
      </div>
      <TagField known={knownTags(entries)} {...tags.field} />
      <Contents content={content} />
      {same && <p className="form-hint snapshot-same">{text.same(same.summary.number)}</p>}
      {!online && <p className="form-hint">{text.offline}</p>}
      {failed && (
        <p className="form-failed" role="alert">
          {text.failed}
        </p>
      )}
      <div className="form-buttons snapshot-buttons">
        <Button look="soft" onClick={onClose}>
          {text.cancel}
        </Button>
        <Button look="primary" type="submit">
          {text.save}
        </Button>
      </div>
    </form>
  );
}

/** What will be frozen, in few words. */
function Contents({ content }: { content: FrozenContent }) {
  const nameOf = useModelNames();
  const text = snapshotWords.take;
  const { manifest } = content;
  const { systemPrompt, parameters } = manifest.settings;
  const lines: [string, string][] = [
    [text.model, modelsOf(content).map(nameOf).join(", ") || text.noModel],
    [text.systemPrompt, systemPrompt === "" ? text.no : text.yes],
    [text.parameters, parameterWords(parameters)],
  ];
  return (
    <section className="snapshot-contents" aria-label={text.contains}>
      <h3>{text.contains}</h3>
      <p>{snapshotWords.messages(manifest.messageCount)}</p>
      <Facts lines={lines} />
    </section>
  );
}
