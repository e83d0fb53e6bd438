import type * as Y from "yjs";
import { CONVERSATION_ROOTS, openConversation } from "#shared/documents/conversation.ts";
import type { ConversationDocument } from "#shared/documents/conversation.ts";
import { SNAPSHOT_ROOTS, openSnapshot } from "#shared/documents/snapshot.ts";
import type { SnapshotDocument } from "#shared/documents/snapshot.ts";
import type { DocumentKind } from "#shared/domain/room-name.ts";

/** A document as what it is. */
export type DocumentView =
  | { kind: "conversation"; conversation: ConversationDocument }
  | { kind: "snapshot"; snapshot: SnapshotDocument };

/** What rooms do differently with documents of one kind. */
interface KindRules {
  open(doc: Y.Doc, origin: unknown): { view: DocumentView; summary(): object; close(): void };
  /** what copies are compared by */
  roots: readonly string[];
  /** the server alone writes it, and then its summary is to show it at once */
  isFrozen: boolean;
}

export const KIND_RULES: Record<DocumentKind, KindRules> = {
  conversation: {
    open(doc, origin) {
      const conversation = openConversation(doc, origin);
      return { view: { kind: "conversation", conversation }, summary: conversation.summary, close: conversation.close };
    },
    roots: CONVERSATION_ROOTS,
    isFrozen: false,
  },
  snapshot: {
    open(doc, origin) {
      const snapshot = openSnapshot(doc, origin);
      return { view: { kind: "snapshot", snapshot }, summary: snapshot.summary, close: () => undefined };
    },
    roots: SNAPSHOT_ROOTS,
    isFrozen: true,
  },
};
