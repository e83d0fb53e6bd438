import { useEffect, useState } from "react";
import type { OpenConversation } from "#client/local-store/documents.ts";
import { IconButton } from "#client/ui/button.tsx";
import { lazyPart } from "#client/ui/lazy-part.tsx";
import { MenuButton } from "#client/ui/menu-button.tsx";
import { useToast } from "#client/ui/toast.tsx";
import { words } from "#client/ui/words/words.ts";

const take = lazyPart(async () => (await import("#client/features/snapshots/take-snapshot.tsx")).TakeSnapshot);
const menu = lazyPart(async () => {
  const [{ ChatMenu }] = await Promise.all([import("./chat-menu.tsx"), import("#client/ui/menu.tsx")]);
  return ChatMenu;
});
const versions = lazyPart(async () => (await import("#client/features/snapshots/versions-dialog.tsx")).VersionsDialog);

interface ChatSnapshotsProps {
  open: OpenConversation;
  /** why none can be taken now */
  hindrance: string | undefined;
  /** what the keyboard shortcut does from now on */
  onTakeable: (take: (() => void) | undefined) => void;
}

/** Takes snapshots of the open chat, and leads to those there are. */
export function ChatSnapshots({ open, hindrance, onTakeable }: ChatSnapshotsProps) {
  const [shown, setShown] = useState<"nothing" | "take" | "versions">("nothing");
  const [turn, setTurn] = useState(0);
  const toast = useToast();
  const ask = (): void => {
    if (hindrance !== undefined) return toast({ text: hindrance });
    setShown("take");
    // Anew also while the last one taken is still told of.
    setTurn((before) => before + 1);
  };
  useEffect(() => {
    onTakeable(ask);
    return () => onTakeable(undefined);
  });
  const onClose = (): void => setShown("nothing");
  return (
    <>
      <IconButton
        className="take-snapshot"
        icon="freeze"
        label={words.chat.takeSnapshot}
        aria-haspopup="dialog"
        // Not `disabled`: whoever presses it learns why.
        aria-disabled={hindrance !== undefined}
        {...(hindrance !== undefined && { title: hindrance, "aria-description": hindrance })}
        onPointerEnter={take.preload}
        onFocus={take.preload}
        onClick={ask}
      />
      <MenuButton icon="more" label={words.chat.more} onNear={menu.preload}>
        {(place) => <menu.Part open={open} onTake={ask} onVersions={() => setShown("versions")} {...place} />}
      </MenuButton>
      {shown === "take" && <take.Part key={turn} id={open.id} conversation={open.conversation} onClose={onClose} />}
      {shown === "versions" && <versions.Part conversationId={open.id} onClose={onClose} />}
    </>
  );
}
