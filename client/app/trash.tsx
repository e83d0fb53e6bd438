import type { ComponentProps } from "react";
import type { TrashPage } from "#client/features/library/trash-page.tsx";
import { lazyPart } from "#client/ui/lazy-part.tsx";
import { Blank } from "./blank.tsx";

interface TrashProps extends ComponentProps<typeof TrashPage> {
  /** its code could not be fetched */
  onClose: () => void;
}

const page = lazyPart<TrashProps>(async () => (await import("#client/features/library/trash-page.tsx")).TrashPage);

/** What was deleted: all of it, or one chat that was erased. Loaded when a person comes there. */
export function Trash(props: TrashProps) {
  return <page.Part {...props} meanwhile={<Blank leading={props.leading} />} />;
}
