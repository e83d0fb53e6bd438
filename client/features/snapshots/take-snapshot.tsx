import { useEffect, useState } from "react";
import { useWorkspace } from "#client/session/workspace.ts";
import { useAnnounce } from "#client/ui/announcer.tsx";
import { IconButton } from "#client/ui/button.tsx";
import { Link } from "#client/ui/link.tsx";
import { useWatched } from "#client/ui/use-watched.ts";
import { snapshotWords } from "#client/ui/words/snapshot-words.ts";
import type { ConversationDocument } from "#shared/documents/conversation.ts";
import type { ConversationId, SnapshotId } from "#shared/domain/ids.ts";
import { NewSnapshotDialog } from "./new-snapshot-dialog.tsx";
import "./snapshots.css";

interface TakeSnapshotProps {
  id: ConversationId;
  conversation: ConversationDocument;
  /** nothing of it is shown any more, or its code could not be fetched */
  onClose: () => void;
}

/** Takes a snapshot of a conversation, and says so with a way to it. */
export function TakeSnapshot({ id, conversation, onClose }: TakeSnapshotProps) {
  const [taken, setTaken] = useState<SnapshotId>();
  if (taken !== undefined) return <Saved id={taken} onClose={onClose} />;
  return <NewSnapshotDialog id={id} conversation={conversation} onTaken={setTaken} onClose={onClose} />;
}

function Saved({ id, onClose }: { id: SnapshotId; onClose: () => void }) {
  const { snapshots } = useWorkspace();
  const number = useWatched(
    snapshots,
    () => snapshots.entries().find(({ summary }) => summary.id === id)?.summary.number,
  );
  const name = number === undefined ? snapshotWords.untitled : snapshotWords.number(number);
  const announce = useAnnounce();
  useEffect(() => announce(`${snapshotWords.take.saved} ${name}`), [announce, name]);
  return (
    <p className="snapshot-saved">
      <span>
        {snapshotWords.take.saved} <Link href={`/snapshots/${id}`}>{name}</Link>
      </span>
      <IconButton icon="close" label={snapshotWords.take.dismiss} onClick={onClose} />
    </p>
  );
}
