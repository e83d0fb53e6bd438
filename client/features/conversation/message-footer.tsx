import type { ReactNode } from "react";
import { IconButton } from "#client/ui/button.tsx";
import { useAnnounce } from "#client/ui/announcer.tsx";
import { words } from "#client/ui/words/words.ts";
import type { ConversationDocument } from "#shared/documents/conversation.ts";
import type { Message } from "#shared/domain/message.ts";
import { versionOf } from "./branch-rows.ts";

/** What can be done with a message: shown on hover and focus, always there for the keyboard. */
export function MessageFooter({ children }: { children: ReactNode }) {
  return <footer className="message-footer">{children}</footer>;
}

/** "‹ 2 / 3 ›": switches between the versions of a turn. */
export function VersionSwitch({ conversation, message }: { conversation: ConversationDocument; message: Message }) {
  const announce = useAnnounce();
  const { position, count, previous, next } = versionOf(conversation.siblings(message), message.id);
  if (count < 2) return null;
  const show = (id: typeof previous, at: number): void => {
    if (id === undefined) return;
    conversation.chooseBranch(message.parentId, id);
    announce(words.chat.showing(at, count));
  };
  return (
    <span className="version-switch">
      <IconButton
        icon="left"
        label={words.chat.previous}
        disabled={previous === undefined}
        onClick={() => show(previous, position - 1)}
      />
      <span>{words.chat.version(position, count)}</span>
      <IconButton
        icon="right"
        label={words.chat.next}
        disabled={next === undefined}
        onClick={() => show(next, position + 1)}
      />
    </span>
  );
}
