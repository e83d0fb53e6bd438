import { useCallback, useLayoutEffect, useRef, useState, useSyncExternalStore } from "react";
import type { RefObject } from "react";
import type { ConversationDocument } from "#shared/documents/conversation.ts";
import { mergedText, movedCaret, textChange } from "./text-change.ts";

/** Marks edits typed here, so that they are told from those of other devices. */
const TYPED_HERE = "composer";

type Field = RefObject<HTMLTextAreaElement | null>;
interface Caret {
  start: number;
  end: number;
}

/**
 * Binds a text field to the conversation's draft: typing edits the shared text, other devices' edits move the caret
 * along. While an input method composes, the field keeps its text (changing it would break the composition): what is
 * composed goes into the draft at once, and what others wrote meanwhile is shown when it ends.
 */
export function useDraft(conversation: ConversationDocument, field: Field) {
  const { draft, doc } = conversation;
  const composed = useRef<string | undefined>(undefined);
  const placeCaret = useCaret(field);
  const [held, setHeld] = useState<string>();
  const hold = useCallback((next: string | undefined) => {
    composed.current = next;
    setHeld(next);
  }, []);

  const subscribe = useCallback(
    (listener: () => void) => {
      let before = draft.toString();
      const onChange = (_event: unknown, transaction: { origin: unknown }): void => {
        const after = draft.toString();
        if (transaction.origin !== TYPED_HERE && composed.current === undefined) {
          placeCaret(caretAfter(field.current, before, after));
        }
        before = after;
        listener();
      };
      draft.observe(onChange);
      return () => draft.unobserve(onChange);
    },
    [draft, field, placeCaret],
  );
  const stored = useSyncExternalStore(subscribe, () => draft.toString());
  const text = held ?? stored;

  const type = useCallback(
    (next: string) => {
      const now = draft.toString();
      const base = composed.current;
      if (base !== undefined) hold(next);
      const change = textChange(now, base === undefined ? next : mergedText(base, next, now));
      if (!change) return;
      doc.transact(() => {
        if (change.remove > 0) draft.delete(change.at, change.remove);
        if (change.insert) draft.insert(change.at, change.insert);
      }, TYPED_HERE);
    },
    [doc, draft, hold],
  );
  const startComposing = useCallback(() => hold(field.current?.value ?? ""), [field, hold]);
  /** Ends a composition, if there is one; answers the whole draft. */
  const endComposing = useCallback((): string => {
    const element = field.current;
    if (composed.current !== undefined && element) {
      type(element.value);
      placeCaret(caretAfter(element, element.value, draft.toString()));
      hold(undefined);
    }
    return draft.toString();
  }, [draft, field, hold, placeCaret, type]);
  return { text, type, startComposing, endComposing };
}

/** Where the caret belongs after someone else's change; in an empty field it goes behind what came. */
function caretAfter(element: HTMLTextAreaElement | null, before: string, after: string): Caret | undefined {
  const change = textChange(before, after);
  if (!change || !element) return undefined;
  if (before === "") return { start: after.length, end: after.length };
  return { start: movedCaret(element.selectionStart, change), end: movedCaret(element.selectionEnd, change) };
}

/** Puts the caret behind the text the field begins with, and later where it is told, once the new text is there. */
function useCaret(field: Field) {
  const next = useRef<Caret | undefined>(undefined);
  useLayoutEffect(() => {
    const element = field.current;
    element?.setSelectionRange(element.value.length, element.value.length);
  }, [field]);
  useLayoutEffect(() => {
    const place = next.current;
    next.current = undefined;
    if (place && document.activeElement === field.current) field.current?.setSelectionRange(place.start, place.end);
  });
  return useCallback((place: Caret | undefined) => {
    next.current = place;
  }, []);
}
