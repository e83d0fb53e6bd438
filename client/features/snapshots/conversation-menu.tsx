import { LazyMenu } from "#client/ui/lazy-menu.tsx";
import { snapshotWords } from "#client/ui/words/snapshot-words.ts";
import { words } from "#client/ui/words/words.ts";

interface ConversationMenuProps {
  /** absent where none can be taken now */
  onTake: (() => void) | undefined;
  onVersions: () => void;
  /** its code could not be fetched */
  onClose: () => void;
}

/** What else can be done with an open chat. */
export function ConversationMenu({ onTake, onVersions }: ConversationMenuProps) {
  return (
    <LazyMenu
      icon="more"
      label={words.chat.more}
      startsOpen
      items={() => [
        ...(onTake ? [{ type: "action", label: snapshotWords.take.action, onSelect: onTake } as const] : []),
        { type: "action", label: snapshotWords.menu.versions, onSelect: onVersions },
      ]}
    />
  );
}
