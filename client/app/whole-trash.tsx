import type { ReactNode } from "react";
import { TrashPage } from "#client/features/library/trash-page.tsx";
import { TrashSnapshots } from "#client/features/snapshots/trash-snapshots.tsx";
import { useWorkspace } from "#client/session/workspace.ts";
import { useWatched } from "#client/ui/use-watched.ts";
import type { ConversationId } from "#shared/domain/ids.ts";

interface WholeTrashProps {
  leading: ReactNode;
  isGuest: boolean;
  erased?: ConversationId;
  onClose: () => void;
}

/** Deleted chats and deleted snapshots on one page. */
export function WholeTrash({ leading, isGuest, erased }: WholeTrashProps) {
  const { snapshots } = useWorkspace();
  const entries = useWatched(snapshots, () => snapshots.entries());
  const deleted = entries.filter(({ summary }) => summary.deleted);
  const others = {
    count: deleted.length,
    list: <TrashSnapshots mayChange={!isGuest} />,
    eraseAll: () => snapshots.erase(...deleted.map(({ summary }) => summary.id)),
  };
  return <TrashPage {...{ leading, isGuest, snapshots: others }} {...(erased !== undefined && { erased })} />;
}
