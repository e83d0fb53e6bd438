import { Suspense, lazy } from "react";
import type { ComponentProps } from "react";
import type { TrashPage } from "#client/features/library/trash-page.tsx";
import { Blank } from "./blank.tsx";

const Page = lazy(async () => ({ default: (await import("#client/features/library/trash-page.tsx")).TrashPage }));

/** What was deleted: all of it, or one chat that was erased. Loaded when a person comes there. */
export function Trash(props: ComponentProps<typeof TrashPage>) {
  return (
    <Suspense fallback={<Blank leading={props.leading} />}>
      <Page {...props} />
    </Suspense>
  );
}
