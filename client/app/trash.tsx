import type { ReactNode } from "react";
import { lazyPart } from "#client/ui/lazy-part.tsx";
import type { ConversationId } from "#shared/domain/ids.ts";
import { Blank } from "./blank.tsx";

interface TrashProps {
  leading: ReactNode;
  /** guests of a workspace change nothing in it */
  isGuest: boolean;
  /** a chat that was erased on the server; absent for the whole trash */
  erased?: ConversationId;
  /** its code could not be fetched */
  onClose: () => void;
}

const page = lazyPart(async () => (await import("./whole-trash.tsx")).WholeTrash);

/** What was deleted: all of it, or one chat that was erased. Loaded when a person comes there. */
export function Trash(props: TrashProps) {
  return <page.Part {...props} meanwhile={<Blank leading={props.leading} />} />;
}
