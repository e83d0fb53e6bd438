import { TitleField } from "#client/ui/title-field.tsx";
import { words } from "#client/ui/words/words.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import { useEntryActions } from "./use-entry-actions.ts";

interface RowTitleProps {
  id: ConversationId;
  title: string;
  onClose: () => void;
}

/** Names a conversation in its row. */
export function RowTitle({ id, title, onClose }: RowTitleProps) {
  const { rename } = useEntryActions(id, title);
  return <TitleField label={words.library.title} title={title} onSave={rename} onClose={onClose} />;
}
