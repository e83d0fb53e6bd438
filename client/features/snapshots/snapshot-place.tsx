import type { SnapshotEntry } from "#client/local-store/snapshots.ts";
import { useWorkspace } from "#client/session/workspace.ts";
import { Button } from "#client/ui/button.tsx";
import { Icon } from "#client/ui/icon.tsx";
import { Link } from "#client/ui/link.tsx";
import { useWatched } from "#client/ui/use-watched.ts";
import { formatDateTime } from "#client/ui/words/format-date.ts";
import { snapshotWords } from "#client/ui/words/snapshot-words.ts";
import type { ConversationId, SnapshotId } from "#shared/domain/ids.ts";
import { isChatGone } from "./chat-gone.ts";
import type { VersionPlace } from "./snapshot-list-state.ts";

interface SnapshotPlaceProps {
  entry: SnapshotEntry;
  place: VersionPlace;
  onVersions: () => void;
}

/** Which of the snapshots of its chat it is, when it was taken, and by whom. */
export function SnapshotPlace({ entry: { summary }, place, onVersions }: SnapshotPlaceProps) {
  const { me } = useWorkspace();
  const text = snapshotWords.page;
  const by = summary.createdBy === "" || summary.createdBy === me.accountId ? text.you : text.someone;
  return (
    <div className="snapshot-place">
      <span className="snapshot-number">
        <Step icon="left" label={text.previous} to={place.previous} />
        <Button aria-haspopup="dialog" onClick={onVersions}>
          {snapshotWords.numberOf(summary.number, place.count)}
        </Button>
        <Step icon="right" label={text.next} to={place.next} />
      </span>
      <span className="snapshot-when">{text.taken(formatDateTime(summary.createdAt), by)}</span>
      <ChatLink id={summary.conversationId} />
    </div>
  );
}

/** The way to its chat, where there is one. */
function ChatLink({ id }: { id: ConversationId }) {
  const { library } = useWorkspace();
  const isGone = useWatched(library, () => isChatGone(library, id));
  const text = snapshotWords.page;
  if (isGone) return <span className="snapshot-chat">{text.chatGone}</span>;
  return (
    <Link className="snapshot-chat" href={`/c/${id}`}>
      {text.openChat}
    </Link>
  );
}

function Step({ icon, label, to }: { icon: "left" | "right"; label: string; to: SnapshotId | undefined }) {
  if (to === undefined)
    return (
      <span className="button snapshot-step" data-look="icon" data-off aria-hidden="true">
        <Icon name={icon} />
      </span>
    );
  return (
    <Link className="button snapshot-step" data-look="icon" href={`/snapshots/${to}`} aria-label={label} title={label}>
      <Icon name={icon} />
    </Link>
  );
}
