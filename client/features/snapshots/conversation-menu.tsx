import { LazyMenu } from "#client/ui/lazy-menu.tsx";
import { exportChoiceWords } from "#client/ui/words/export-choice-words.ts";
import { snapshotWords } from "#client/ui/words/snapshot-words.ts";
import { words } from "#client/ui/words/words.ts";
import type { ConversationDocument } from "#shared/documents/conversation.ts";

interface ConversationMenuProps {
  conversation: Pick<ConversationDocument, "summary">;
  /** absent where none can be taken now */
  onTake: (() => void) | undefined;
  onVersions: () => void;
  onExport: () => void;
  /** its code could not be fetched */
  onClose: () => void;
}

/** What else can be done with an open chat. */
export function ConversationMenu({ conversation, onTake, onVersions, onExport }: ConversationMenuProps) {
  return (
    <LazyMenu
      icon="more"
      label={words.chat.more}
      startsOpen
      items={() => [
        ...(onTake ? [{ type: "action", label: snapshotWords.take.action, onSelect: onTake } as const] : []),
        { type: "action", label: snapshotWords.menu.versions, onSelect: onVersions },
        ...(conversation.summary().messageCount > 0
          ? [{ type: "action", label: exportChoiceWords.action, onSelect: onExport } as const]
          : []),
      ]}
    />
  );
}
