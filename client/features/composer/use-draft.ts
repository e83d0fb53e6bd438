import { useCallback, useLayoutEffect, useRef, useSyncExternalStore } from "react";
import type { RefObject } from "react";
import type { ConversationDocument } from "#shared/documents/conversation.ts";
import { movedCaret, textChange } from "./text-change.ts";

/** Marks edits typed here, so that they are told from those of other devices. */
const TYPED_HERE = "composer";

/** Binds a text field to the conversation's draft: typing edits the shared text, other devices' edits move the caret along. */
export function useDraft(conversation: ConversationDocument, field: RefObject<HTMLTextAreaElement | null>) {
  const { draft, doc } = conversation;
  const caret = useRef<{ start: number; end: number } | undefined>(undefined);

  const subscribe = useCallback(
    (listener: () => void) => {
      let before = draft.toString();
      const onChange = (_event: unknown, transaction: { origin: unknown }): void => {
        const after = draft.toString();
        const change = textChange(before, after);
        before = after;
        const element = field.current;
        if (change && element && transaction.origin !== TYPED_HERE) {
          caret.current = {
            start: movedCaret(element.selectionStart, change),
            end: movedCaret(element.selectionEnd, change),
          };
        }
        listener();
      };
      draft.observe(onChange);
      return () => draft.unobserve(onChange);
    },
    [draft, field],
  );
  const text = useSyncExternalStore(subscribe, () => draft.toString());

  useLayoutEffect(() => {
    const place = caret.current;
    caret.current = undefined;
    if (place && document.activeElement === field.current) field.current?.setSelectionRange(place.start, place.end);
    // oxlint-disable-next-line react/exhaustive-effect-dependencies -- the caret moves once the new text is in the field
  }, [text, field]);

  const type = useCallback(
    (next: string) => {
      const change = textChange(draft.toString(), next);
      if (!change) return;
      doc.transact(() => {
        if (change.remove > 0) draft.delete(change.at, change.remove);
        if (change.insert) draft.insert(change.at, change.insert);
      }, TYPED_HERE);
    },
    [doc, draft],
  );
  return { text, type };
}
