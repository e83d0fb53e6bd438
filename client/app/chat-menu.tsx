import { useState } from "react";
import { ConversationMenu } from "#client/features/snapshots/conversation-menu.tsx";
import type { OpenConversation } from "#client/local-store/documents.ts";
import { lazyPart } from "#client/ui/lazy-part.tsx";

const exporting = lazyPart(
  async () => (await import("#client/features/library/export-chat-dialog.tsx")).ExportChatDialog,
);

interface ChatMenuProps {
  open: OpenConversation;
  onTake: () => void;
  onVersions: () => void;
  /** its code could not be fetched */
  onClose: () => void;
}

/** What else can be done with the open chat, with the dialog to save it as a file. */
export function ChatMenu({ open: { id, conversation }, ...rest }: ChatMenuProps) {
  const [isExporting, setExporting] = useState(false);
  return (
    <>
      <ConversationMenu conversation={conversation} onExport={() => setExporting(true)} {...rest} />
      {isExporting && <exporting.Part id={id} onClose={() => setExporting(false)} />}
    </>
  );
}
